import tap, { type Test } from 'tap'
import { adjust, findRoute } from '../../src/sandbox/handlers.js'
import { counts, newItem } from '../../src/sandbox/new-records.js'
import { createData } from '../../src/sandbox/sandbox-data.js'
import { faultsOf, resolved, trackstarDocument } from '../openapi/trackstar-document.js'
import { type CallOptions, idsOf, type Reply, startSandbox } from './sandbox-client.js'

/** Checks a response against `openapi/trackstar.yaml`: its status, headers and body. */
function conforms(t: Test, template: string, method: string, reply: Reply): void {
  const responses = trackstarDocument.paths[template]?.[method]?.responses
  const response = responses?.[reply.status] ?? responses?.['default']
  t.ok(response, `${method} ${template} is described`)
  if (response === undefined) return
  const { headers, content } = resolved(response)
  t.equal(faultsOf(content['application/json']?.schema ?? {}, reply.body), null)
  for (const name of Object.keys(headers).filter((header) => header !== 'Idempotent-Replayed')) {
    t.ok(reply.headers.get(name), `${method} ${template} ${reply.status} has ${name}`)
  }
}

const good: [template: string, path: string][] = [
  ['/wms/products', '/wms/products'],
  ['/wms/products', '/wms/products?limit=3&sku[in]=CUP,__proto__,constructor,HONEY-1'],
  ['/wms/products/{product_id}', '/wms/products/__proto__'],
  ['/wms/products/{product_id}', `/wms/products/${encodeURIComponent('prod/mint 50%')}`],
  ['/wms/inventory', '/wms/inventory'],
  ['/wms/inventory', '/wms/inventory?ids[in]=__proto__,nowhere'],
  ['/wms/inventory/{inventory_id}', '/wms/inventory/constructor'],
  ['/wms/inventory/{inventory_id}', '/wms/inventory/inv_mix,3'],
  ['/wms/warehouses', '/wms/warehouses'],
  ['/wms/warehouses/{warehouse_id}', '/wms/warehouses/wh_quiet'],
  ['/wms/warehouses/{warehouse_id}/locations', '/wms/warehouses/wh_oslo/locations'],
  ['/connections/{connection_id}', '/connections/conn_sandbox'],
]

const bad: [status: number, template: string, method: string, path: string, call?: CallOptions][] = [
  [401, '/wms/products', 'get', '/wms/products', { headers: { 'x-trackstar-api-key': '' } }],
  [422, '/wms/products', 'get', '/wms/products?colour=green'],
  [422, '/wms/inventory', 'get', '/wms/inventory?limit=0'],
  [422, '/wms/warehouses', 'get', '/wms/warehouses?sku=CUP'],
  [404, '/wms/products/{product_id}', 'get', '/wms/products/nowhere'],
  [404, '/wms/inventory/{inventory_id}', 'get', '/wms/inventory/toString'],
  [501, '/wms/inventory/{inventory_id}', 'get', '/wms/inventory/ledger'],
  [404, '/wms/warehouses/{warehouse_id}', 'get', '/wms/warehouses/__proto__'],
  [404, '/wms/warehouses/{warehouse_id}/locations', 'get', '/wms/warehouses/nowhere/locations'],
  [404, '/connections/{connection_id}', 'get', '/connections/constructor'],
  [422, '/connections/sync', 'post', '/connections/sync', { json: { functions_to_sync: ['get_tea'] } }],
  [404, '/wms/inventory/{inventory_id}/adjust', 'put', '/wms/inventory/nowhere/adjust', { json: { quantity: 1 } }],
  [422, '/wms/inventory/{inventory_id}/adjust', 'put', '/wms/inventory/inv_cup/adjust', { json: { quantity: 1 } }],
]

tap.test('conforms to openapi/trackstar.yaml', async (t) => {
  const { sandbox, call } = await startSandbox(t, { products: 300, readRate: 1000, writeRate: 1000 })
  for (const [template, path] of good) {
    await t.test(`GET ${path}`, async (t2) => {
      const reply = await call(path)
      t2.equal(reply.status, 200)
      conforms(t2, template, 'get', reply)
    })
  }
  for (const [status, template, method, path, options] of bad) {
    await t.test(`${status} for ${method} ${path}`, async (t2) => {
      const reply = await call(path, { method: method.toUpperCase(), ...options })
      t2.equal(reply.status, status)
      conforms(t2, template, method, reply)
    })
  }
  await t.test('an adjustment and its replay', async (t2) => {
    const template = '/wms/inventory/{inventory_id}/adjust'
    const body = { quantity: 1, adjustment_type: 'increase', location_id: 'A-1' }
    const options = { method: 'PUT', json: body, headers: { 'idempotency-key': 'k' } }
    conforms(t2, template, 'put', await call('/wms/inventory/__proto__/adjust', options))
    const replay = await call('/wms/inventory/__proto__/adjust', options)
    t2.equal(replay.headers.get('idempotent-replayed'), 'true')
    conforms(t2, template, 'put', replay)
    const reused = await call('/wms/inventory/constructor/adjust', options)
    t2.equal(reused.status, 400)
    conforms(t2, template, 'put', reused)
  })
  await t.test('a requested sync', async (t2) => {
    const json = { functions_to_sync: ['get_inventory'] }
    conforms(t2, '/connections/sync', 'post', await call('/connections/sync', { method: 'POST', json }))
  })
  await t.test('a call over the rate limit', async (t2) => {
    sandbox.options.readRate = 1
    const replies = await Promise.all([call('/wms/products'), call('/wms/products')])
    const refused = replies.filter(({ status }) => status === 429)
    t2.ok(refused.length > 0)
    for (const reply of refused) conforms(t2, '/wms/products', 'get', reply)
  })
  await t.test('a server error', async (t2) => {
    sandbox.options.readRate = 1000
    sandbox.fault('*', { status: 502 })
    conforms(t2, '/wms/products', 'get', await call('/wms/products'))
  })
})

tap.test('has every path of openapi/trackstar.yaml with its methods and credentials', async (t) => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: 0 })
  for (const [template, operations] of Object.entries(trackstarDocument.paths)) {
    const route = findRoute(data, template.replaceAll(/[{}]/g, ''))
    t.strictSame(
      Object.keys(route?.methods ?? {}),
      Object.keys(operations).map((method) => method.toUpperCase()),
      template,
    )
    t.equal(route?.needsToken, Object.values(operations)[0]?.security === undefined, template)
  }
})

tap.test('finds no route for other paths', async (t) => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: 0 })
  const paths = ['/', '/wms', '/wms/tea', '/wms/tea/1', '/wms/tea/1/leaves', '/wms/inventory/1/locations']
  for (const path of [
    ...paths,
    '/wms/inventory/1/adjust/2',
    '/connections',
    '/connections/a/b',
    '/wms/products/%E0%A4%A',
  ]) {
    t.equal(findRoute(data, path), undefined, path)
  }
})

tap.test('lists the locations in a warehouse that items name', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  t.strictSame(idsOf(await call('/wms/warehouses/wh_oslo/locations')), ['A-01-1', 'A-01-2'])
  t.strictSame(idsOf(await call('/wms/warehouses/wh_oslo/locations?limit=1')), ['A-01-1'])
  t.strictSame(idsOf(await call('/wms/warehouses/wh_graz/locations')), [])
  Object.assign(sandbox.data.inventory.get('inv_sencha') ?? {}, { locations: null })
  Object.assign(sandbox.data.inventory.get('inv_cup') ?? {}, { locations: [{ warehouse_id: 'wh_oslo' }] })
  t.strictSame(idsOf(await call('/wms/warehouses/wh_oslo/locations')), [])
})

tap.test('serves no records of a function until its historical sync is complete', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  const { historical_sync_completed: completed } = sandbox.data.connection
  Object.assign(completed, { get_products: false, get_inventory: false, get_warehouses: false })
  for (const resource of ['products', 'inventory', 'warehouses']) {
    t.strictSame((await call(`/wms/${resource}`)).body, { data: [], next_token: null, total_count: 0 })
  }
  t.equal((await call('/wms/inventory/inv_cup')).status, 404)
  completed['get_inventory'] = true
  t.equal((await call('/wms/inventory/inv_cup')).status, 200)
})

tap.test('adjusts without a receiver of events', async (t) => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: 0 })
  const body = { quantity: 1, adjustment_type: 'increase' }
  const adjust = findRoute(data, '/wms/inventory/inv_cup/adjust')?.methods['PUT']
  t.match(adjust?.({ method: 'PUT', query: new URLSearchParams(), body, now: 0 }), { data: { onhand: 45 } })
})

const now = Date.UTC(2026, 3, 1)
const data = () => createData({ products: 0, seed: 1, connectionId: 'c', now })
const twoWarehouses = () =>
  newItem('i', 'S', 'Tea', [
    ['wh_oslo', counts(10, 2)],
    ['wh_porto', counts(5)],
  ])

tap.test('increases the quantities of the item and of one warehouse', async (t) => {
  const item = twoWarehouses()
  const body = { quantity: 3, adjustment_type: 'increase', warehouse_id: 'wh_porto' }
  t.strictSame(adjust(data(), item, body, now), { id: 'i', data: item, unused_fields: [] })
  t.match(item, { onhand: 18, committed: 2, fulfillable: 16, sellable: 16 })
  t.match(item.inventory_by_warehouse_id?.['wh_porto'], counts(8))
  t.match(item.inventory_by_warehouse_id?.['wh_oslo'], counts(10, 2))
})

tap.test('decreases the first warehouse of the breakdown by default', async (t) => {
  const item = twoWarehouses()
  adjust(data(), item, { quantity: 10, adjustment_type: 'decrease' }, now)
  t.match(item, { onhand: 5, fulfillable: 3, inventory_by_warehouse_id: { wh_oslo: { onhand: 0, fulfillable: -2 } } })
})

tap.test('sets the update date to now, or to a later time than before', async (t) => {
  const item = twoWarehouses()
  const body = { quantity: 1, adjustment_type: 'increase' }
  adjust(data(), item, body, now)
  t.match(item, { trackstar_updated_date: '2026-04-01T00:00:00Z', updated_date: '2026-04-01T00:00:00Z' })
  adjust(data(), item, body, now)
  t.equal(item.trackstar_updated_date, '2026-04-01T00:00:01Z')
  item.trackstar_updated_date = null
  adjust(data(), item, body, now)
  t.equal(item.trackstar_updated_date, '2026-04-01T00:00:00Z')
})

tap.test('reports unused fields', async (t) => {
  const body = { quantity: 1, adjustment_type: 'increase', location_id: 'A-1', reason: 'found' }
  t.strictSame(adjust(data(), twoWarehouses(), body, now).unused_fields, ['location_id', 'reason'])
})

tap.test('adds a warehouse to the breakdown', async (t) => {
  const item = twoWarehouses()
  adjust(data(), item, { quantity: 4, adjustment_type: 'increase', warehouse_id: 'wh_graz' }, now)
  t.match(item.inventory_by_warehouse_id?.['wh_graz'], { onhand: 4, fulfillable: 4, sellable: 4 })
})

tap.test('adds warehouses called __proto__ and constructor to the breakdown', async (t) => {
  for (const warehouse_id of ['constructor', '__proto__']) {
    const sandbox = data()
    sandbox.warehouses.set(warehouse_id, { id: warehouse_id })
    const item = { ...twoWarehouses(), inventory_by_warehouse_id: {} }
    adjust(sandbox, item, { quantity: 4, adjustment_type: 'increase', warehouse_id }, now)
    t.match(Object.entries(item.inventory_by_warehouse_id), [[warehouse_id, { onhand: 4 }]])
  }
})

tap.test('accepts a warehouse that only the breakdown has', async (t) => {
  const sandbox = data()
  const item = sandbox.inventory.get('__proto__')
  t.ok(item)
  if (item) adjust(sandbox, item, { quantity: 1, adjustment_type: 'increase', warehouse_id: '__proto__' }, now)
  t.match(new Map(Object.entries(item?.inventory_by_warehouse_id ?? {})).get('__proto__'), counts(3))
})

tap.test('changes only the totals without a breakdown', async (t) => {
  for (const inventory_by_warehouse_id of [null, {}]) {
    const item = { ...twoWarehouses(), inventory_by_warehouse_id }
    adjust(data(), item, { quantity: 1, adjustment_type: 'increase' }, now)
    t.match(item, { onhand: 16, inventory_by_warehouse_id })
  }
})

tap.test('leaves null quantities null', async (t) => {
  const item = { ...twoWarehouses(), fulfillable: null, inventory_by_warehouse_id: { wh_oslo: null } }
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
  tap.test(`rejects ${JSON.stringify(body)} and changes nothing`, async (t) => {
    const item = twoWarehouses()
    t.throws(() => adjust(data(), item, body, now), { status: 422, message, origin })
    t.strictSame(JSON.stringify(item), JSON.stringify(twoWarehouses()))
  })
}

tap.test('decreases nothing when the quantity on hand is unknown', async (t) => {
  const item = { ...twoWarehouses(), onhand: null, inventory_by_warehouse_id: null }
  t.throws(() => adjust(data(), item, { quantity: 1, adjustment_type: 'decrease' }, now), {
    status: 422,
    message: 'Cannot take 1 where 0 are on hand',
    origin: 'integration',
  })
})
