import t from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { mergeReferences, referencedItemIds, resolveComponents } from '../../src/stock/components.js'
import { toNumber } from '../../src/stock/rational.js'
import { item, kit, plain, reference } from './fixtures.js'

const groupsOf = (product: Product, ...items: InventoryItem[]) =>
  resolveComponents(product, new Map(items.map((known) => [known.id, known]))).groups.map(
    ({ sku, components, units }) => ({
      sku,
      ids: components.map((component) => component.inventoryItemId),
      needs: components.map((component) => toNumber(component.units)),
      units: units === null ? null : toNumber(units),
    }),
  )

t.test('groups a plain product as one, whatever SKUs its items have', async (t) => {
  const references = [reference('a', 'A', 2), reference('b', 'B', 2)]
  const expected = [{ sku: null, ids: ['a', 'b'], needs: [2, 2], units: 2 }]
  t.strictSame(groupsOf(plain(...references)), expected)
  t.strictSame(groupsOf({ ...plain(...references), is_kit: null }), expected)
})

t.test('makes no group without components', async (t) => {
  t.strictSame(groupsOf(plain()), [])
  t.strictSame(groupsOf(kit()), [])
  t.strictSame(groupsOf(kit(reference('a', 'A', 0))), [])
})

t.test('groups a kit by component SKU, in the order of the first components', async (t) => {
  const product = kit(reference('pole_1', 'POLE'), reference('tent', 'TENT'), reference('pole_2', 'POLE'))
  t.strictSame(groupsOf(product), [
    { sku: 'POLE', ids: ['pole_1', 'pole_2'], needs: [1, 1], units: 1 },
    { sku: 'TENT', ids: ['tent'], needs: [1], units: 1 },
  ])
  t.strictSame(
    resolveComponents(product, new Map()).components.map((component) => component.inventoryItemId),
    ['pole_1', 'tent', 'pole_2'],
    'the components themselves stay in product order',
  )
})

t.test("falls back to the item's own SKU, and to a group of its own without any", async (t) => {
  const product = kit(reference('a', 'POLE'), reference('b'), reference('c', ''), reference('d', null), reference('e'))
  const items = [item('b', { sku: 'POLE' }), item('c', { sku: '' }), item('d', { sku: null })]
  t.strictSame(
    groupsOf(product, ...items).map(({ sku, ids }) => [sku, ids]),
    [
      ['POLE', ['a', 'b']],
      [null, ['c']],
      [null, ['d']],
      [null, ['e']],
    ],
  )
})

t.test('has no common unit quantity if those of the components differ', async (t) => {
  t.strictSame(groupsOf(kit(reference('a', 'A', 1), reference('b', 'A', 2))), [
    { sku: 'A', ids: ['a', 'b'], needs: [1, 2], units: null },
  ])
  t.strictSame(groupsOf(plain(reference('a', 'A', 1), reference('b', 'A', 2)))[0]?.units, null)
})

t.test("applies the largest units to all of a kit's group that holds a repeated item", async (t) => {
  const product = kit(
    reference('a', 'A', 2),
    reference('b', 'A', 1),
    reference('a', 'A', 3),
    reference('c', 'C', 1),
    reference('d', 'C', 7),
  )
  t.strictSame(groupsOf(product), [
    { sku: 'A', ids: ['a', 'b'], needs: [5, 5], units: 5 },
    { sku: 'C', ids: ['c', 'd'], needs: [1, 7], units: null },
  ])
  t.strictSame(groupsOf(kit(reference('a', 'A'), reference('a', 'A'), reference('b', 'A', 9)))[0]?.needs, [9, 9])
  t.strictSame(
    groupsOf(plain(reference('a', 'A', 2), reference('a', 'A', 3), reference('b', 'A')))[0]?.needs,
    [3, 1],
    'but not in a plain product',
  )
})

t.test('compares unit quantities by value', async (t) => {
  const product = kit(reference('a', 'A', 0.1), reference('a', 'A', 0.2), reference('b', 'A', 0.3))
  t.strictSame(groupsOf(product)[0]?.units, 0.3)
})

t.test('keeps SKUs named like Object.prototype members apart', async (t) => {
  t.strictSame(
    groupsOf(kit(reference('a', '__proto__'), reference('b', 'constructor'), reference('c', '__proto__'))).map(
      ({ ids }) => ids,
    ),
    [['a', 'c'], ['b']],
  )
})

const units = (product: Parameters<typeof mergeReferences>[0]) =>
  mergeReferences(product).merged.map((merged) => [merged.inventoryItemId, toNumber(merged.units)])

t.test('treats a null or absent list as empty', async (t) => {
  for (const product of [{ id: 'p' }, { id: 'p', inventory_items: null }]) {
    t.strictSame(mergeReferences(product), { merged: [], invalid: [] })
    t.strictSame(referencedItemIds(product), [])
  }
})

t.test('treats a null or absent unit quantity as 1', async (t) => {
  t.strictSame(units(plain(reference('a'), reference('b', null, null), reference('c', 'C', 2.5))), [
    ['a', 1],
    ['b', 1],
    ['c', 2.5],
  ])
})

t.test('ignores a unit quantity that is not a number above zero', async (t) => {
  for (const bad of [0, -0, -1, '2', '', true, Number.NaN, Number.POSITIVE_INFINITY, [], {}]) {
    const product = plain(reference('a', 'A', bad), reference('b'))
    t.strictSame(units(product), [['b', 1]], `${bad}`)
    t.strictSame(mergeReferences(product).invalid, [reference('a', 'A', bad)])
    t.strictSame(referencedItemIds(product), ['b'])
  }
})

t.test('adds up the unit quantities of an item that a kit repeats', async (t) => {
  t.strictSame(units(kit(reference('a', 'A', 2), reference('b'), reference('a', 'A', 3))), [
    ['a', 5],
    ['b', 1],
  ])
  t.strictSame(units(kit(reference('a', 'A', 0.1), reference('a', 'A', 0.2))), [['a', 0.3]])
})

t.test('counts an item that a plain product repeats once, with the largest unit quantity', async (t) => {
  t.strictSame(units(plain(reference('a', 'A', 2), reference('a', 'A', 3), reference('a', 'A', 1))), [['a', 3]])
})

t.test('validates references before it merges them', async (t) => {
  const { merged, invalid } = mergeReferences(
    kit(reference('a', 'FIRST', -5), reference('a', 'SECOND', 2), reference('a', 'THIRD', 2)),
  )
  t.match(merged, [{ inventoryItemId: 'a', sku: 'SECOND', units: 4, isRepeated: true }])
  t.equal(invalid.length, 1)
  t.match(mergeReferences(kit(reference('a', 'A', 0), reference('a', 'A', 2))).merged, [
    { units: 2, isRepeated: false },
  ])
})

t.test('takes the SKU of the first reference and treats an empty one as none', async (t) => {
  const skus = (product: Parameters<typeof mergeReferences>[0]) => mergeReferences(product).merged.map(({ sku }) => sku)
  t.strictSame(skus(plain(reference('a', 'A'), reference('a', 'B'))), ['A'])
  t.strictSame(skus(plain(reference('a', ''), reference('a', 'B'))), [null])
})

t.test('lists each referenced item id once, in the order of first reference', async (t) => {
  t.strictSame(referencedItemIds(kit(reference('b'), reference('__proto__'), reference('a'), reference('b'))), [
    'b',
    '__proto__',
    'a',
  ])
})
