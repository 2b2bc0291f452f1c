import t from 'tap'
import { composeStock } from '../../src/stock/compose.js'
import { compose, item, kit, plain, quantities, reference, warehouseList } from './fixtures.js'

t.test('composes a plain product', async (t) => {
  const reno = { onhand: 40, committed: 8, unfulfillable: 2, fulfillable: 30, sellable: 30, awaiting: 20 }
  const leipzig = { onhand: 7, committed: 1, unfulfillable: 0, fulfillable: 6, sellable: 5, awaiting: 0 }
  const total = { onhand: 47, committed: 9, unfulfillable: 2, fulfillable: 36, sellable: 35, awaiting: 20 }
  const stock = composeStock({
    connection: 'default',
    sku: 'boots-42',
    product: {
      id: 'prod_4',
      sku: 'BOOTS-42',
      name: 'Boots, size 42',
      gtin: '04012345678901',
      is_kit: false,
      active: true,
      warehouse_customer_id: 'cust_7',
      inventory_items: [{ inventory_item_id: 'inv_8', sku: 'BOOTS-42', unit_quantity: 1 }],
    },
    items: new Map([
      [
        'inv_8',
        item('inv_8', {
          name: 'Boots',
          sku: 'B42',
          active: true,
          ...total,
          inventory_by_warehouse_id: { wh_2: leipzig, wh_1: reno },
        }),
      ],
    ]),
    warehouses: warehouseList({ id: 'wh_1', name: 'Reno', code: 'RNO-1' }, { id: 'wh_2', name: 'Leipzig' }),
    asOf: '2026-11-23T10:00:00Z',
    stale: true,
    source: { synced_at: '2026-11-23T09:31:07Z', errors: [] },
  })
  t.strictSame(stock, {
    connection: 'default',
    sku: 'boots-42',
    product: {
      id: 'prod_4',
      name: 'Boots, size 42',
      gtin: '04012345678901',
      is_kit: false,
      active: true,
      warehouse_customer_id: 'cust_7',
    },
    available: 36,
    quantities: total,
    warehouses: [
      { warehouse_id: 'wh_1', name: 'Reno', code: 'RNO-1', available: 30, quantities: reno },
      { warehouse_id: 'wh_2', name: 'Leipzig', code: null, available: 6, quantities: leipzig },
    ],
    components: [
      {
        inventory_item_id: 'inv_8',
        sku: 'BOOTS-42',
        name: 'Boots',
        unit_quantity: 1,
        active: true,
        status: 'ok',
        quantities: total,
      },
    ],
    complete: true,
    issues: [],
    limiting: null,
    as_of: '2026-11-23T10:00:00Z',
    stale: true,
    source: { synced_at: '2026-11-23T09:31:07Z', errors: [] },
  })
})

t.test('returns null for absent product fields', async (t) => {
  t.strictSame(compose({ id: 'p' }, []).product, {
    id: 'p',
    name: null,
    gtin: null,
    is_kit: false,
    active: null,
    warehouse_customer_id: null,
  })
  t.equal(compose({ id: 'p', is_kit: true, active: false }, []).product.is_kit, true)
  t.equal(compose({ id: 'p', is_kit: null, active: false }, []).product.active, false)
})

t.test('has 0 available and a negative quantity when oversold', async (t) => {
  const stock = compose(plain(reference('a')), [item('a', { fulfillable: -4 })])
  t.match(stock, { available: 0, quantities: { fulfillable: -4 } })
})

t.test('lists the components of a kit in product order, with merged unit quantities', async (t) => {
  const product = kit(
    reference('a', 'A', 2),
    reference('b'),
    reference('a', 'LATER', 0.5),
    reference('c', 'A', 1),
    reference('d', 'D', 'x'),
  )
  const stock = compose(product, [
    item('a', { name: 'Pole', fulfillable: 10 }),
    item('b', { sku: 'B', active: false, onhand: 5 }),
    item('c', { fulfillable: -1 }),
  ])
  t.strictSame(
    stock.components.map(({ quantities: _, ...component }) => component),
    [
      { inventory_item_id: 'a', sku: 'A', name: 'Pole', unit_quantity: 2.5, active: null, status: 'ok' },
      { inventory_item_id: 'b', sku: 'B', name: null, unit_quantity: 1, active: false, status: 'ok' },
      { inventory_item_id: 'c', sku: 'A', name: null, unit_quantity: 2.5, active: null, status: 'ok' },
    ],
  )
  t.strictSame(
    stock.components.map((component) => component.quantities),
    [quantities({ fulfillable: 10 }), quantities({ onhand: 5 }), quantities({ fulfillable: -1 })],
  )
})

t.test('applies the selected warehouses to every part of the stock', async (t) => {
  const product = kit(reference('pole', 'POLE', 4), reference('tent', 'TENT'))
  const items = [
    item('pole', {
      fulfillable: 30,
      inventory_by_warehouse_id: {
        wh_a: { fulfillable: 20, onhand: 21 },
        wh_b: { fulfillable: 6 },
        wh_c: { fulfillable: 4 },
      },
      lots: [
        { lot_id: 'lot_a', warehouse_id: 'wh_a' },
        { lot_id: 'lot_b', warehouse_id: 'wh_b' },
      ],
      locations: [
        { location_id: 'A-1', warehouse_id: 'wh_a' },
        { location_id: 'B-1', warehouse_id: 'wh_b' },
      ],
    }),
    item('tent', { fulfillable: 2, inventory_by_warehouse_id: { wh_a: { fulfillable: 2 } } }),
  ]
  const include = { lots: true, locations: true }
  t.match(compose(product, items, { warehouseIds: [] }), {
    available: 2,
    limiting: { component_sku: 'TENT', yield: 2 },
  })
  const stock = compose(product, items, { warehouseIds: ['wh_b', 'wh_c', 'wh_b'], include })
  t.match(stock, {
    available: 0,
    quantities: { fulfillable: 0, onhand: null },
    limiting: { component_sku: 'TENT', yield: 0, shortfall: 1 },
    complete: true,
  })
  t.strictSame(
    stock.components.map((component) => component.quantities),
    [quantities({ fulfillable: 10 }), quantities()],
  )
  t.strictSame(
    stock.lots?.map((lot) => lot.lot_id),
    ['lot_b'],
  )
  t.strictSame(
    stock.locations?.map((location) => location.location_id),
    ['B-1'],
  )
})

t.test('omits lots and locations unless included', async (t) => {
  const items = [item('a', { fulfillable: 0, lots: [{}], locations: [{}] })]
  const names = (include?: { lots?: boolean; locations?: boolean }) => {
    const stock = compose(plain(reference('a'), reference('gone')), items, { include })
    return [stock.lots?.length, stock.locations?.length, 'lots' in stock, 'locations' in stock]
  }
  t.strictSame(names(), [undefined, undefined, false, false])
  t.strictSame(names({ lots: false }), [undefined, undefined, false, false])
  t.strictSame(names({ lots: true }), [1, undefined, true, false])
  t.strictSame(names({ locations: true }), [undefined, 1, false, true])
  t.strictSame(compose(plain(), [], { include: { lots: true } }).lots, [])
})

t.test('treats ids named like Object.prototype members as ordinary', async (t) => {
  const breakdown = JSON.parse('{"__proto__": {"fulfillable": 3}}')
  const stock = compose(
    kit(reference('__proto__', 'constructor'), reference('constructor', '__proto__')),
    [item('__proto__', { fulfillable: 3, inventory_by_warehouse_id: breakdown })],
    { warehouseIds: ['__proto__'] },
  )
  t.strictSame(
    stock.components.map((component) => [component.inventory_item_id, component.status]),
    [
      ['__proto__', 'ok'],
      ['constructor', 'missing'],
    ],
  )
  t.strictSame(
    stock.warehouses.map((warehouse) => warehouse.warehouse_id),
    ['__proto__'],
  )
  t.match(stock.components[0]?.quantities, { fulfillable: 3 })
})

t.test('does not change its input', async (t) => {
  const freeze = <T>(value: T): T => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
    return value
  }
  const product = freeze(kit(reference('a', 'A', 2), reference('b', 'A'), reference('a', 'A')))
  const items = freeze([
    item('a', { fulfillable: 2, lots: [{ expiration_date: '2027-01-02' }, { expiration_date: '2027-01-01' }] }),
  ])
  t.doesNotThrow(() => compose(product, items, { include: freeze({ lots: true }) }))
})

const inWarehouses = (id: string, fulfillable: Record<string, number>) =>
  item(id, {
    fulfillable: Object.values(fulfillable).reduce((a, b) => a + b, 0),
    inventory_by_warehouse_id: Object.fromEntries(
      Object.entries(fulfillable).map(([warehouseId, amount]) => [warehouseId, { fulfillable: amount }]),
    ),
  })

t.test('lists every warehouse that an item names, in code unit order of the ids', async (t) => {
  const stock = compose(plain(reference('a'), reference('b')), [
    inWarehouses('a', { wh_b: 1, wh_é: 2, wh_B: 3, '10': 4 }),
    inWarehouses('b', { wh_a: 5, '9': 6, wh_b: 7 }),
  ])
  t.strictSame(
    stock.warehouses.map((warehouse) => [warehouse.warehouse_id, warehouse.available]),
    [
      ['10', 4],
      ['9', 6],
      ['wh_B', 3],
      ['wh_a', 5],
      ['wh_b', 8],
      ['wh_é', 2],
    ],
  )
})

t.test('adds names and codes from the warehouse list', async (t) => {
  const warehouses = warehouseList(
    { id: 'wh_a', name: 'Reno', code: 'RNO-1' },
    { id: 'wh_b', name: null },
    { id: 'wh_z', name: 'Elsewhere' },
  )
  const stock = compose(plain(reference('a')), [inWarehouses('a', { wh_a: 1, wh_b: 1, wh_c: -1 })], { warehouses })
  t.strictSame(stock.warehouses, [
    { warehouse_id: 'wh_a', name: 'Reno', code: 'RNO-1', available: 1, quantities: quantities({ fulfillable: 1 }) },
    { warehouse_id: 'wh_b', name: null, code: null, available: 1, quantities: quantities({ fulfillable: 1 }) },
    { warehouse_id: 'wh_c', name: null, code: null, available: 0, quantities: quantities({ fulfillable: -1 }) },
  ])
})

t.test('computes the kits that each warehouse can build by itself', async (t) => {
  const stock = compose(kit(reference('pole', 'POLE', 4), reference('tent', 'TENT')), [
    inWarehouses('pole', { wh_a: 6, wh_b: 6 }),
    inWarehouses('tent', { wh_a: 3, wh_c: 1 }),
  ])
  t.equal(stock.available, 3)
  t.strictSame(
    stock.warehouses.map((warehouse) => [warehouse.warehouse_id, warehouse.available]),
    [
      ['wh_a', 1],
      ['wh_b', 0],
      ['wh_c', 0],
    ],
  )
})

t.test('lists only the selected warehouses that an item names', async (t) => {
  const items = [inWarehouses('a', { wh_a: 1, wh_b: 2, wh_c: 4 })]
  const stock = compose(plain(reference('a')), items, {
    warehouseIds: ['wh_c', 'wh_d', 'wh_a', 'wh_c'],
    warehouses: warehouseList({ id: 'wh_d' }),
  })
  t.strictSame(
    stock.warehouses.map((warehouse) => warehouse.warehouse_id),
    ['wh_a', 'wh_c'],
  )
  t.equal(stock.available, 5)
  t.strictSame(stock.issues, [])
})
