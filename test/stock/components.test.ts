import t from 'tap'
import { idOf } from '../../src/records/fields.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { referencedItemIds, resolveComponents } from '../../src/stock/components.js'
import { toNumber } from '../../src/stock/rational.js'
import { item, kit, plain, reference } from './fixtures.js'

const groupsOf = (product: Product, ...items: InventoryItem[]) =>
  resolveComponents(product, new Map(items.map((known) => [idOf(known), known]))).groups.map(
    ({ sku, components, units }) => ({
      sku,
      ids: components.map((component) => component.inventoryItemId),
      needs: components.map((component) => toNumber(component.units)),
      units: units === null ? null : toNumber(units),
    }),
  )

t.test('groups a plain product as one, whatever the SKUs of its items', async (t) => {
  const references = [reference('a', 'A', 2), reference('b', 'B', 2)]
  const expected = [{ sku: null, ids: ['a', 'b'], needs: [2, 2], units: 2 }]
  t.strictSame(groupsOf(plain(...references)), expected)
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

const units = (product: Product) =>
  resolveComponents(product, new Map()).components.map((component) => [
    component.inventoryItemId,
    toNumber(component.units),
  ])
const invalidOf = (product: Product) => resolveComponents(product, new Map()).invalidReferences

t.test('treats a list that is null, absent or not a list as empty', async (t) => {
  for (const inventory_items of [undefined, null, {}, 'inv_1', 7, true]) {
    const product = { id: 'p', inventory_items }
    t.strictSame(units(product), [])
    t.strictSame(invalidOf(product), [])
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

t.test('reads a unit quantity that is a decimal string', async (t) => {
  for (const [text, expected] of [
    ['2', 2],
    ['0.5', 0.5],
    [' +1e1 ', 10],
  ] as const) {
    t.strictSame(units(plain(reference('a', 'A', text))), [['a', expected]])
  }
})

t.test('ignores a unit quantity that is not a number above zero', async (t) => {
  for (const bad of [0, -0, -1, '0', '-2', 'two', '', true, Number.NaN, Number.POSITIVE_INFINITY, [], {}]) {
    const product = plain(reference('a', 'A', bad), reference('b'))
    t.strictSame(units(product), [['b', 1]], `${bad}`)
    t.strictSame(invalidOf(product), [{ inventoryItemId: 'a', unitQuantity: bad }])
    t.strictSame(referencedItemIds(product), ['b'])
  }
})

t.test('ignores a reference without an item id', async (t) => {
  const broken = [
    null,
    'inv_1',
    7,
    [],
    {},
    { inventory_item_id: null },
    { inventory_item_id: '' },
    { inventory_item_id: {} },
  ]
  const product = { id: 'p', inventory_items: [...broken, reference('b')] }
  t.strictSame(units(product), [['b', 1]])
  t.strictSame(
    invalidOf(product).map(({ inventoryItemId }) => inventoryItemId),
    broken.map(() => null),
  )
  t.strictSame(referencedItemIds(product), ['b'])
})

t.test('reads ids and SKUs that are numbers as their decimal text', async (t) => {
  const references = [
    { inventory_item_id: 7, sku: 4006381333931 },
    reference('7', 'other', 2),
    { inventory_item_id: 1e21 },
  ]
  const { components } = resolveComponents({ id: 1, is_kit: true, inventory_items: references }, new Map())
  t.match(components, [
    { inventoryItemId: '7', sku: '4006381333931', units: 3 },
    { inventoryItemId: '1000000000000000000000', sku: null },
  ])
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
  const product = kit(reference('a', 'FIRST', -5), reference('a', 'SECOND', 2), reference('a', 'THIRD', 2))
  const { components, invalidReferences } = resolveComponents(product, new Map())
  t.match(components, [{ inventoryItemId: 'a', sku: 'SECOND', units: 4 }])
  t.equal(invalidReferences.length, 1)
})

t.test('takes the SKU of the first reference, and treats an empty one as none', async (t) => {
  const skus = (product: Product) => resolveComponents(product, new Map()).components.map(({ sku }) => sku)
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

t.test('treats an unmarked product as a kit if its components have several SKUs', async (t) => {
  const items = new Map([
    ['a', item('a', { sku: 'A' })],
    ['b', item('b', { sku: 'B' })],
  ])
  const resolved = (is_kit: unknown, ...inventory_items: unknown[]) => {
    const { isKit, isKitAssumed } = resolveComponents({ id: 'p', is_kit, inventory_items }, items)
    return [isKit, isKitAssumed]
  }
  for (const unsaid of [undefined, null, 'true', 1, {}]) {
    t.strictSame(resolved(unsaid, reference('a', 'X'), reference('c', 'Y')), [true, true])
    t.strictSame(resolved(unsaid, reference('a'), reference('b')), [true, true], "by the items' own SKUs")
    t.strictSame(resolved(unsaid, reference('a'), { inventory_item_id: 'c', sku: 7 }), [true, true])
    t.strictSame(
      resolved(unsaid, reference('a'), reference('c')),
      [false, false],
      'a missing SKU does not count as another SKU',
    )
    t.strictSame(resolved(unsaid, reference('a', 'X'), reference('b', 'X')), [false, false])
    t.strictSame(resolved(unsaid, reference('a', 'X'), reference('a', 'Y')), [false, false], 'one component')
    t.strictSame(resolved(unsaid, reference('a', 'X', 0), reference('b', 'Y')), [false, false], 'one valid component')
    t.strictSame(resolved(unsaid), [false, false])
  }
  t.strictSame(resolved(true, reference('a')), [true, false])
  t.strictSame(resolved(false, reference('a'), reference('b')), [false, false])
})

t.test('adds up repeated items of a product that counts as a kit', async (t) => {
  const product = { id: 'p', inventory_items: [reference('a', 'A', 2), reference('b', 'B'), reference('a', 'A', 3)] }
  t.strictSame(units(product), [
    ['a', 5],
    ['b', 1],
  ])
})
