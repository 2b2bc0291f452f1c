import tap from 'tap'
import { adjust } from '../../src/sandbox/adjust.js'
import { counts, newItem } from '../../src/sandbox/new-records.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const now = Date.UTC(2026, 3, 1)
const data = () => createData({ products: 0, seed: 1, connectionId: 'c', now })
const twoPlaces = () =>
  newItem('i', 'S', 'Tea', [
    ['wh_oslo', counts(10, 2)],
    ['wh_porto', counts(5)],
  ])

tap.test('adds to the item and to one warehouse', async (t) => {
  const item = twoPlaces()
  const body = { quantity: 3, adjustment_type: 'increase', warehouse_id: 'wh_porto' }
  t.strictSame(adjust(data(), item, body, now), { id: 'i', data: item, unused_fields: [] })
  t.match(item, { onhand: 18, committed: 2, fulfillable: 16, sellable: 16 })
  t.match(item.inventory_by_warehouse_id?.['wh_porto'], counts(8))
  t.match(item.inventory_by_warehouse_id?.['wh_oslo'], counts(10, 2))
})

tap.test('takes from the first warehouse of the breakdown where none is named', async (t) => {
  const item = twoPlaces()
  adjust(data(), item, { quantity: 10, adjustment_type: 'decrease' }, now)
  t.match(item, { onhand: 5, fulfillable: 3, inventory_by_warehouse_id: { wh_oslo: { onhand: 0, fulfillable: -2 } } })
})

tap.test('dates the record now, and in any case later than before', async (t) => {
  const item = twoPlaces()
  const body = { quantity: 1, adjustment_type: 'increase' }
  adjust(data(), item, body, now)
  t.match(item, { trackstar_updated_date: '2026-04-01T00:00:00Z', updated_date: '2026-04-01T00:00:00Z' })
  adjust(data(), item, body, now)
  t.equal(item.trackstar_updated_date, '2026-04-01T00:00:01Z')
  item.trackstar_updated_date = null
  adjust(data(), item, body, now)
  t.equal(item.trackstar_updated_date, '2026-04-01T00:00:00Z')
})

tap.test('names the fields it has no use for', async (t) => {
  const body = { quantity: 1, adjustment_type: 'increase', location_id: 'A-1', reason: 'found' }
  t.strictSame(adjust(data(), twoPlaces(), body, now).unused_fields, ['location_id', 'reason'])
})

tap.test('opens a breakdown entry for a warehouse that is new to the item', async (t) => {
  const item = twoPlaces()
  adjust(data(), item, { quantity: 4, adjustment_type: 'increase', warehouse_id: 'wh_graz' }, now)
  t.match(item.inventory_by_warehouse_id?.['wh_graz'], { onhand: 4, fulfillable: 4, sellable: 4 })
})

tap.test('opens it for names that every object has', async (t) => {
  for (const warehouse_id of ['constructor', '__proto__']) {
    const sandbox = data()
    sandbox.warehouses.set(warehouse_id, { id: warehouse_id })
    const item = { ...twoPlaces(), inventory_by_warehouse_id: {} }
    adjust(sandbox, item, { quantity: 4, adjustment_type: 'increase', warehouse_id }, now)
    t.match(Object.entries(item.inventory_by_warehouse_id), [[warehouse_id, { onhand: 4 }]])
  }
})

tap.test('takes a warehouse that only the item knows', async (t) => {
  const sandbox = data()
  const item = sandbox.inventory.get('__proto__')
  t.ok(item)
  if (item) adjust(sandbox, item, { quantity: 1, adjustment_type: 'increase', warehouse_id: '__proto__' }, now)
  t.match(new Map(Object.entries(item?.inventory_by_warehouse_id ?? {})).get('__proto__'), counts(3))
})

tap.test('changes the totals alone where there is no breakdown', async (t) => {
  for (const inventory_by_warehouse_id of [null, {}]) {
    const item = { ...twoPlaces(), inventory_by_warehouse_id }
    adjust(data(), item, { quantity: 1, adjustment_type: 'increase' }, now)
    t.match(item, { onhand: 16, inventory_by_warehouse_id })
  }
})

tap.test('leaves quantities unstated that are', async (t) => {
  const item = { ...twoPlaces(), fulfillable: null, inventory_by_warehouse_id: { wh_oslo: null } }
  adjust(data(), item, { quantity: 1, adjustment_type: 'increase' }, now)
  t.match(item, { onhand: 16, fulfillable: null, inventory_by_warehouse_id: { wh_oslo: { onhand: 1 } } })
})

const refusals: [body: unknown, message: string, origin?: string][] = [
  [undefined, 'expected a JSON object'],
  [null, 'expected a JSON object'],
  [[], 'expected a JSON object'],
  [{ quantity: null }, 'quantity: must be left out rather than null or empty'],
  [
    { quantity: 1, adjustment_type: 'increase', location_id: '' },
    'location_id: must be left out rather than null or empty',
  ],
  [{ adjustment_type: 'increase' }, 'quantity: expected an integer above 0, but got: undefined'],
  [{ quantity: '1', adjustment_type: 'increase' }, 'quantity: expected an integer above 0, but got: "1"'],
  [{ quantity: 1.5, adjustment_type: 'increase' }, 'quantity: expected an integer above 0, but got: 1.5'],
  [{ quantity: 0, adjustment_type: 'increase' }, 'quantity: expected an integer above 0, but got: 0'],
  [{ quantity: 1, adjustment_type: 'set' }, 'adjustment_type: expected increase or decrease, but got: "set"'],
  [{ quantity: 1, adjustment_type: 'increase', warehouse_id: 3 }, 'warehouse_id: expected a string, but got: 3'],
  [
    { quantity: 1, adjustment_type: 'increase', warehouse_id: 'wh_atlantis' },
    'Unknown warehouse: wh_atlantis',
    'integration',
  ],
  [
    { quantity: 6, adjustment_type: 'decrease', warehouse_id: 'wh_porto' },
    'Cannot take 6 where 5 are on hand',
    'integration',
  ],
  [
    { quantity: 1, adjustment_type: 'decrease', warehouse_id: 'wh_graz' },
    'Cannot take 1 where 0 are on hand',
    'integration',
  ],
]

for (const [body, message, origin = 'trackstar'] of refusals) {
  tap.test(`refuses ${JSON.stringify(body)} and changes nothing`, async (t) => {
    const item = twoPlaces()
    t.throws(() => adjust(data(), item, body, now), { status: 422, message, origin })
    t.strictSame(JSON.stringify(item), JSON.stringify(twoPlaces()))
  })
}

tap.test('takes nothing from an item that does not say what it has', async (t) => {
  const item = { ...twoPlaces(), onhand: null, inventory_by_warehouse_id: null }
  t.throws(() => adjust(data(), item, { quantity: 1, adjustment_type: 'decrease' }, now), {
    status: 422,
    message: 'Cannot take 1 where 0 are on hand',
    origin: 'integration',
  })
})
