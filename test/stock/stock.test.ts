import Fastify from 'fastify'
import t from 'tap'
import { issueCodes, Stock, stockSchemas } from '../../src/stock/stock.js'
import { compose, item, kit, plain, reference, warehouseList } from './fixtures.js'

const full = item('a', {
  name: 'Tent',
  sku: 'TENT-2P',
  active: true,
  onhand: 52.5,
  committed: 9,
  unfulfillable: 2,
  fulfillable: 41.5,
  sellable: 41,
  awaiting: 20,
  inventory_by_warehouse_id: { wh_a: { onhand: 40, fulfillable: 30 }, wh_b: null },
  lots: [{ lot_id: 'lot_1', onhand: 2.5, expiration_date: '2027-01-01', warehouse_id: 'wh_a' }, {}],
  locations: [{ location_id: 'A-1', quantity: 0.5, warehouse_id: 'wh_a' }, {}],
})
const source = {
  synced_at: '2026-11-23T09:31:07Z',
  errors: [{ message: 'Refused', preventing_sync: true, first_seen: null, last_seen: '2026-11-23T09:00:00Z' }],
}
const options = {
  include: { lots: true, locations: true },
  source,
  warehouses: warehouseList({ id: 'wh_a', name: 'Reno' }),
}
const kitStock = compose(kit(reference('a', 'A', 0.5), reference('gone', null, 2)), [full], options)
const plainStock = compose(plain(reference('a'), reference('b', 'B', 'two')), [full])

t.test('serializes a whole stock without loss or rounding', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const schema of stockSchemas) app.addSchema(schema)
  const schema = { response: { 200: { $ref: 'Stock#' } } }
  app.get('/kit', { schema }, async () => kitStock)
  app.get('/plain', { schema }, async () => plainStock)
  t.strictSame((await app.inject('/kit')).json(), kitStock)
  t.strictSame((await app.inject('/plain')).json(), plainStock)
  t.match(kitStock, { limiting: { component_sku: null }, lots: [{}, {}], locations: [{}, {}] })
})

t.test('requires every field except the included ones and those of a group', async (t) => {
  const optional = Object.keys(Stock.properties).filter((name) => !Stock.required.some((required) => required === name))
  t.strictSame(optional, ['lots', 'locations', 'connections'])
  t.strictSame(Object.keys(plainStock), Stock.required)
})

t.test('uses only documented issue codes', async (t) => {
  t.strictSame(issueCodes, [
    'no_inventory_items',
    'inventory_item_missing',
    'quantity_unknown',
    'invalid_unit_quantity',
    'invalid_reference',
    'kit_flag_missing',
    'merchant_mismatch',
    'quantity_inconsistent',
    'warehouse_unknown',
    'upstream_sync_incomplete',
    'warehouse_breakdown_missing',
    'warehouse_breakdown_mismatch',
    'connection_unanswered',
  ])
})
