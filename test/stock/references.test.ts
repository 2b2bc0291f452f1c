import t from 'tap'
import { mergeReferences, referencedItemIds } from '../../src/stock/components.js'
import { toNumber } from '../../src/stock/rational.js'
import { kit, plain, reference } from './fixtures.js'

const units = (product: Parameters<typeof mergeReferences>[0]) =>
  mergeReferences(product).merged.map((merged) => [merged.inventoryItemId, toNumber(merged.units)])

t.test('takes a list that is null or absent for an empty one', async (t) => {
  for (const product of [{ id: 'p' }, { id: 'p', inventory_items: null }]) {
    t.strictSame(mergeReferences(product), { merged: [], invalid: [] })
    t.strictSame(referencedItemIds(product), [])
  }
})

t.test('takes a unit quantity that is null or absent for 1', async (t) => {
  t.strictSame(units(plain(reference('a'), reference('b', null, null), reference('c', 'C', 2.5))), [
    ['a', 1],
    ['b', 1],
    ['c', 2.5],
  ])
})

t.test('sets aside a unit quantity that is no number above zero', async (t) => {
  for (const bad of [0, -0, -1, '2', '', true, Number.NaN, Number.POSITIVE_INFINITY, [], {}]) {
    const product = plain(reference('a', 'A', bad), reference('b'))
    t.strictSame(units(product), [['b', 1]], `${bad}`)
    t.strictSame(mergeReferences(product).invalid, [reference('a', 'A', bad)])
    t.strictSame(referencedItemIds(product), ['b'])
  }
})

t.test('adds up what a kit needs of an item that it names twice', async (t) => {
  t.strictSame(units(kit(reference('a', 'A', 2), reference('b'), reference('a', 'A', 3))), [
    ['a', 5],
    ['b', 1],
  ])
  t.strictSame(units(kit(reference('a', 'A', 0.1), reference('a', 'A', 0.2))), [['a', 0.3]])
})

t.test('counts an item that a plain product names twice once, with the largest unit quantity', async (t) => {
  t.strictSame(units(plain(reference('a', 'A', 2), reference('a', 'A', 3), reference('a', 'A', 1))), [['a', 3]])
})

t.test('judges references before it adds them', async (t) => {
  const { merged, invalid } = mergeReferences(
    kit(reference('a', 'FIRST', -5), reference('a', 'SECOND', 2), reference('a', 'THIRD', 2)),
  )
  t.match(merged, [{ inventoryItemId: 'a', sku: 'SECOND', units: 4, repeated: true }])
  t.equal(invalid.length, 1)
  t.match(mergeReferences(kit(reference('a', 'A', 0), reference('a', 'A', 2))).merged, [{ units: 2, repeated: false }])
})

t.test('takes the SKU of the first reference, an empty one for none', async (t) => {
  const skus = (product: Parameters<typeof mergeReferences>[0]) => mergeReferences(product).merged.map(({ sku }) => sku)
  t.strictSame(skus(plain(reference('a', 'A'), reference('a', 'B'))), ['A'])
  t.strictSame(skus(plain(reference('a', ''), reference('a', 'B'))), [null])
})

t.test('names each item to read once, in the order first named, whatever it is called', async (t) => {
  t.strictSame(referencedItemIds(kit(reference('b'), reference('__proto__'), reference('a'), reference('b'))), [
    'b',
    '__proto__',
    'a',
  ])
})
