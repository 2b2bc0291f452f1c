import t from 'tap'
import type { DocumentedItem } from '../../src/records/inventory-item.js'
import { codes, compose, item, kit, plain, reference, warehouseList } from './fixtures.js'

const one = (fields: Partial<DocumentedItem>, warehouseIds?: string[]) =>
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
    reference('b', 'B', 'two'),
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
    'its unknown quantities included',
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
  t.strictSame(codes(mismatch(0.3, [0.1, 0.2])), [], 'compared to the last decimal')
  t.strictSame(codes(mismatch(5, [2, null])), [], 'an unstated quantity contradicts nothing')
  t.strictSame(codes(mismatch(null, [2, 2])), [])
})

t.test(
  'reports a breakdown whose fulfillable quantities do not add up, and that the numbers may be wrong',
  async (t) => {
    const mismatch = (fulfillable: number, parts: object[], warehouseIds?: string[]) =>
      one(
        {
          fulfillable,
          onhand: 9,
          committed: 0,
          unfulfillable: 0,
          inventory_by_warehouse_id: Object.fromEntries(parts.map((part, index) => [`wh_${index}`, part])),
        },
        warehouseIds,
      )
    const parts = [{ fulfillable: 2 }, { fulfillable: 3 }]
    t.strictSame(codes(mismatch(5, parts)), [])
    t.strictSame(codes(mismatch(6, parts)), [['warehouse_breakdown_mismatch', 'a']])
    t.match(mismatch(6, parts), { available: 6, complete: false, issues: [{ detail: /fulfillable/ }] })
    t.match(mismatch(6, parts, ['wh_1']), { available: 3, complete: false })
    const both = mismatch(6, [
      { fulfillable: 2, onhand: 1 },
      { fulfillable: 3, onhand: 1 },
    ])
    t.strictSame(codes(both), [['warehouse_breakdown_mismatch', 'a']], 'once for each item')
    t.match(both.issues[0]?.detail, 'onhand and fulfillable')
    t.strictSame(
      codes(mismatch(6, [{ fulfillable: 2 }, {}])),
      [['quantity_unknown', 'a']],
      'an unknown quantity contradicts nothing',
    )
    const derived = [{ fulfillable: 2 }, { onhand: 3, committed: 1, unfulfillable: 0 }]
    t.strictSame(codes(mismatch(4, derived)), [])
    t.strictSame(codes(mismatch(5, derived)), [['warehouse_breakdown_mismatch', 'a']], 'a derived quantity counts, too')
  },
)

t.test('reports an item with more fulfillable than on hand', async (t) => {
  const inconsistent = (fields: Partial<DocumentedItem>) =>
    codes(one({ inventory_by_warehouse_id: { wh_a: { fulfillable: fields.fulfillable ?? null } }, ...fields }))
  t.strictSame(inconsistent({ onhand: 3, fulfillable: 5 }), [['quantity_inconsistent', 'a']])
  t.strictSame(inconsistent({ onhand: 0.1, fulfillable: 0.11 }), [['quantity_inconsistent', 'a']])
  t.strictSame(inconsistent({ onhand: -5, fulfillable: -3 }), [['quantity_inconsistent', 'a']])
  t.match(one({ onhand: 3, fulfillable: 5 }), { available: 5, complete: false })
  for (const fields of [
    { onhand: 5, fulfillable: 5 },
    { fulfillable: 5 },
    { onhand: 3, fulfillable: 5, substitute_skus: ['B'] },
    { onhand: 3, fulfillable: 3, sellable: 9 },
  ]) {
    t.strictSame(inconsistent(fields), [])
  }
})

t.test("reports an item of another merchant than the product's", async (t) => {
  const merchants = (ofProduct: unknown, ofItem: unknown) =>
    compose({ ...plain(reference('a')), warehouse_customer_id: ofProduct }, [
      { id: 'a', fulfillable: 0, warehouse_customer_id: ofItem },
    ])
  for (const [ofProduct, ofItem] of [
    ['cust_a', 'cust_b'],
    ['7', 8],
    [7, '07'],
  ]) {
    t.strictSame(codes(merchants(ofProduct, ofItem)), [['merchant_mismatch', 'a']])
    t.equal(merchants(ofProduct, ofItem).complete, false)
  }
  for (const [ofProduct, ofItem] of [
    ['cust_a', 'cust_a'],
    [7, '7'],
    [null, 'cust_b'],
    ['cust_a', undefined],
    ['a', {}],
  ]) {
    t.strictSame(codes(merchants(ofProduct, ofItem)), [])
  }
})

t.test('counts the quantities of an item of another merchant', async (t) => {
  const product = { ...plain(reference('a')), warehouse_customer_id: 'cust_a' }
  const item = { id: 'a', fulfillable: 4, warehouse_customer_id: 'cust_b' }
  t.match(compose(product, [item]), { available: 4, complete: false })
})

t.test('reports a reference without an item id, and counts the others', async (t) => {
  const broken = [null, 'a', {}, { inventory_item_id: null, unit_quantity: 0 }]
  const product = { id: 'p', is_kit: false, inventory_items: [...broken, reference('a')] }
  const stock = compose(product, [item('a', { fulfillable: 0 })])
  t.strictSame(
    codes(stock),
    broken.map(() => ['invalid_reference', null]),
  )
  t.match(stock, { complete: false, components: [{ inventory_item_id: 'a' }] })
  t.strictSame(codes(compose({ id: 'p', inventory_items: [null] }, [])), [['invalid_reference', null]])
})

t.test('reports an unmarked product that counts as a kit', async (t) => {
  const items = [item('a', { fulfillable: 4 }), item('b', { fulfillable: 9 })]
  const product = (is_kit: unknown, ...skus: string[]) => ({
    id: 'p',
    is_kit,
    inventory_items: [reference('a', skus[0]), reference('b', skus[1])],
  })
  for (const isKit of [null, undefined, 'yes']) {
    const stock = compose(product(isKit, 'A', 'B'), items)
    t.ok(codes(stock).some(([code]) => code === 'kit_flag_missing'))
    t.match(stock, { available: 4, complete: false, product: { is_kit: true }, limiting: { component_sku: 'A' } })
    t.match(compose(product(isKit, 'A', 'A'), items), { available: 13, complete: true, product: { is_kit: false } })
  }
  for (const isKit of [true, false]) {
    t.notOk(codes(compose(product(isKit, 'A', 'B'), items)).some(([code]) => code === 'kit_flag_missing'))
  }
})
