import t from 'tap'
import { compose, item, kit, plain, quantities, reference, warehouseList } from './fixtures.js'

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

t.test('names the warehouses that the warehouse list knows', async (t) => {
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

t.test('tells of a kit what each warehouse can build by itself', async (t) => {
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

t.test('lists only the warehouses asked for that an item names', async (t) => {
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
