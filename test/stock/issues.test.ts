import t from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import { codes, compose, item, kit, plain, reference, warehouseList } from './fixtures.js'

const one = (fields: Partial<InventoryItem>, warehouseIds?: string[]) =>
  compose(plain(reference('a')), [item('a', fields)], { warehouseIds })
const selected = ['wh_a']

t.test('reports a product without items', async (t) => {
  for (const stock of [compose(plain(), []), compose({ id: 'p', inventory_items: null, is_kit: true }, [])]) {
    t.strictSame(codes(stock), [['no_inventory_items', null]])
    t.match(stock, { available: 0, complete: false, components: [], warehouses: [], limiting: null })
  }
})

t.test('reports an unknown item, which counts as 0', async (t) => {
  const stock = compose(plain(reference('gone', 'A'), reference('a')), [item('a', { fulfillable: 4 })], {})
  t.strictSame(codes(stock), [
    ['inventory_item_missing', 'gone'],
    ['warehouse_breakdown_missing', 'a'],
  ])
  t.match(stock, { available: 4, complete: false })
  t.match(stock.components[0], { status: 'missing', name: null, active: null, sku: 'A', unit_quantity: 1 })
  t.match(stock.issues[0]?.detail, 'inventory item gone')
  t.equal(compose(kit(reference('gone'), reference('a', 'A')), [item('a', { fulfillable: 4 })]).available, 0)
})

t.test('reports an unknown fulfillable quantity', async (t) => {
  const stock = one({ onhand: 0, committed: 1 })
  t.strictSame(codes(stock), [['quantity_unknown', 'a']])
  t.match(stock, { available: 0, complete: false, quantities: { onhand: 0, committed: 1, fulfillable: 0 } })
  t.strictSame(codes(one({ onhand: 0, committed: 0, unfulfillable: 0 })), [], 'unless it can be derived')
  t.strictSame(codes(one({ onhand: 0, committed: 0, unfulfillable: 0, substitute_skus: ['B'] })), [
    ['quantity_unknown', 'a'],
  ])
  t.strictSame(codes(one({ fulfillable: Number.POSITIVE_INFINITY })), [['quantity_unknown', 'a']])
})

t.test('reports an unknown fulfillable quantity for each warehouse', async (t) => {
  const fields = {
    fulfillable: 5,
    inventory_by_warehouse_id: { wh_b: {}, wh_a: null, wh_c: { fulfillable: 5, onhand: null } },
  }
  const stock = one(fields)
  t.strictSame(codes(stock), [
    ['quantity_unknown', 'a'],
    ['quantity_unknown', 'a'],
  ])
  t.match(stock.issues[0]?.detail, 'Inventory item a')
  t.match(stock.issues[0]?.detail, 'warehouse wh_b')
  t.match(stock.issues[1]?.detail, 'warehouse wh_a')
  t.match(stock, { available: 5, complete: false })
})

t.test('reports it only for selected warehouses', async (t) => {
  const fields = { inventory_by_warehouse_id: { wh_a: { fulfillable: 2 }, wh_b: {} } }
  t.match(one(fields, selected), { available: 2, complete: true, issues: [] })
  t.strictSame(codes(one(fields, ['wh_b'])), [['quantity_unknown', 'a']])
  t.match(one(fields, ['wh_b']), { available: 0, complete: false })
  t.match(one(fields, ['wh_c']), { available: 0, complete: false, issues: [{ code: 'warehouse_unknown' }] })
})

t.test('reports it for selected warehouses if the item states nothing at all', async (t) => {
  t.strictSame(codes(one({ onhand: null }, selected)), [
    ['quantity_unknown', 'a'],
    ['warehouse_unknown', null],
  ])
})

t.test('reports each invalid unit quantity', async (t) => {
  const product = plain(
    reference('a', 'A', 0),
    reference('b', 'B', '2'),
    reference('a', 'A', -1.5),
    reference('a', 'A', 2),
  )
  const stock = compose(product, [
    item('a', { fulfillable: 4, inventory_by_warehouse_id: { wh_a: { fulfillable: 4 } } }),
  ])
  t.strictSame(codes(stock), [
    ['invalid_unit_quantity', 'a'],
    ['invalid_unit_quantity', 'b'],
    ['invalid_unit_quantity', 'a'],
  ])
  t.match(stock, { available: 2, complete: false })
  t.strictSame(
    stock.components.map((component) => component.inventory_item_id),
    ['a'],
  )
  t.match(stock.issues[1]?.detail, 'inventory item b')
  t.match(stock.issues[1]?.detail, 'of type string')
  t.match(stock.issues[2]?.detail, '-1.5')
})

t.test('does not report a product without items if all of its references are invalid', async (t) => {
  const stock = compose(plain(reference('a', 'A', 0)), [item('a', { fulfillable: 4 })])
  t.strictSame(codes(stock), [['invalid_unit_quantity', 'a']])
  t.match(stock, { available: 0, complete: false, components: [] })
})

t.test('reports an unknown selected warehouse', async (t) => {
  const known = item('a', { fulfillable: 4, inventory_by_warehouse_id: { wh_a: { fulfillable: 4 } } })
  const stock = compose(plain(reference('a')), [known], {
    warehouseIds: ['wh_a', 'wh_x', 'wh_l', 'wh_x', 'constructor'],
    warehouses: warehouseList({ id: 'wh_l' }),
  })
  t.strictSame(codes(stock), [
    ['warehouse_unknown', null],
    ['warehouse_unknown', null],
  ])
  t.match(stock.issues[0]?.detail, 'warehouse wh_x')
  t.match(stock.issues[1]?.detail, 'warehouse constructor')
  t.match(stock, { available: 4, complete: false })
})

t.test('reports a first sync that is not finished', async (t) => {
  const stock = compose(plain(reference('a')), [item('a', { fulfillable: 0 })], {
    syncIncomplete: ['products', 'inventory'],
  })
  t.strictSame(codes(stock), [
    ['upstream_sync_incomplete', null],
    ['upstream_sync_incomplete', null],
  ])
  t.match(stock.issues[0]?.detail, 'products')
  t.match(stock.issues[1]?.detail, 'inventory')
  t.equal(stock.complete, false)
})

t.test('reports an item with stock but no breakdown', async (t) => {
  for (const fields of [
    { fulfillable: 3 },
    { fulfillable: -3, inventory_by_warehouse_id: null },
    { fulfillable: 0, onhand: 2, inventory_by_warehouse_id: {} },
    { onhand: 2, committed: 2, unfulfillable: 0 },
  ]) {
    t.strictSame(codes(one(fields)), [['warehouse_breakdown_missing', 'a']])
    t.equal(one(fields).complete, true, 'the totals count it')
  }
  t.equal(one({ fulfillable: 3 }).available, 3)
  for (const fields of [{ fulfillable: 0 }, { fulfillable: 0, onhand: 0, awaiting: 5 }])
    t.strictSame(codes(one(fields)), [])
})

t.test('counts 0 in selected warehouses for an item without a breakdown', async (t) => {
  const stock = compose(plain(reference('a')), [item('a', { fulfillable: 3, onhand: 3 })], {
    warehouseIds: selected,
    warehouses: warehouseList({ id: 'wh_a' }),
  })
  t.strictSame(codes(stock), [['warehouse_breakdown_missing', 'a']])
  t.match(stock, { available: 0, complete: false, quantities: { onhand: null } })
  t.strictSame(
    codes(one({ onhand: 3 }, selected))[0],
    ['warehouse_breakdown_missing', 'a'],
    'what is unknown of it included',
  )
  t.equal(one({ onhand: 3 }, selected).issues.length, 2)
})

t.test('reports a breakdown that does not add up', async (t) => {
  const mismatch = (onhand: number | null, parts: (number | null)[], warehouseIds?: string[]) =>
    one(
      {
        fulfillable: 0,
        onhand,
        inventory_by_warehouse_id: Object.fromEntries(
          parts.map((part, index) => [`wh_${index}`, { fulfillable: 0, onhand: part }]),
        ),
      },
      warehouseIds,
    )
  t.strictSame(codes(mismatch(5, [2, 2])), [['warehouse_breakdown_mismatch', 'a']])
  t.strictSame(codes(mismatch(5, [2, 2], ['wh_1'])), [['warehouse_breakdown_mismatch', 'a']])
  t.equal(mismatch(5, [2, 2]).complete, true)
  t.equal(mismatch(5, [2, 2], ['wh_1']).complete, true)
  t.strictSame(codes(mismatch(4, [2, 2])), [])
  t.strictSame(codes(mismatch(0.3, [0.1, 0.2])), [], 'to the last decimal')
  t.strictSame(codes(mismatch(5, [2, null])), [], 'nothing contradicts what is not stated')
  t.strictSame(codes(mismatch(null, [2, 2])), [])
})
