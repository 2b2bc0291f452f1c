import t from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { resolveComponents } from '../../src/stock/components.js'
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

t.test('makes one group of a product that is no kit, whatever SKUs its items have', async (t) => {
  const references = [reference('a', 'A', 2), reference('b', 'B', 2)]
  const expected = [{ sku: null, ids: ['a', 'b'], needs: [2, 2], units: 2 }]
  t.strictSame(groupsOf(plain(...references)), expected)
  t.strictSame(groupsOf({ ...plain(...references), is_kit: null }), expected)
})

t.test('makes no group where there is no component', async (t) => {
  t.strictSame(groupsOf(plain()), [])
  t.strictSame(groupsOf(kit()), [])
  t.strictSame(groupsOf(kit(reference('a', 'A', 0))), [])
})

t.test('makes a group of a kit for each component SKU, in the order of their first components', async (t) => {
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

t.test('has no common units where those of its components differ', async (t) => {
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

t.test('tells alike units by their value', async (t) => {
  const product = kit(reference('a', 'A', 0.1), reference('a', 'A', 0.2), reference('b', 'A', 0.3))
  t.strictSame(groupsOf(product)[0]?.units, 0.3)
})

t.test('keeps SKUs apart that objects have of their own', async (t) => {
  t.strictSame(
    groupsOf(kit(reference('a', '__proto__'), reference('b', 'constructor'), reference('c', '__proto__'))).map(
      ({ ids }) => ids,
    ),
    [['a', 'c'], ['b']],
  )
})
