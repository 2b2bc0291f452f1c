import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import tap, { type Test } from 'tap'
import { parse } from 'yaml'
import { findRoute } from '../../src/sandbox/routes.js'
import { createData } from '../../src/sandbox/sandbox-data.js'
import { type Ask, idsOf, listening, type Reply } from './sandbox-client.js'

const file = join(import.meta.dirname, '..', '..', '..', 'openapi', 'trackstar.yaml')
const description = parse(readFileSync(file, 'utf8'))
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(description, 'trackstar.yaml')

const pointer = (part: string | number) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))
const located = (...parts: (string | number)[]) => `trackstar.yaml#/${parts.map(pointer).join('/')}`

/** Holds an answer against what `openapi/trackstar.yaml` says of it: its status, its headers and its body. */
function conforms(t: Test, template: string, method: string, reply: Reply): void {
  const { responses } = description.paths[template][method]
  const key = responses[reply.status] ? reply.status : 'default'
  const { $ref } = responses[key]
  const response = $ref ? description.components.responses[$ref.split('/').at(-1)] : responses[key]
  const schema = $ref
    ? located('components', 'responses', $ref.split('/').at(-1), 'content', 'application/json', 'schema')
    : located('paths', template, method, 'responses', key, 'content', 'application/json', 'schema')
  const validate = ajv.getSchema(schema)
  t.ok(validate, `${schema} exists`)
  t.equal(validate?.(reply.body), true, JSON.stringify(validate?.errors))
  for (const name of Object.keys(response.headers).filter((header) => header !== 'Idempotent-Replayed')) {
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

const bad: [status: number, template: string, method: string, path: string, ask?: Ask][] = [
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

tap.test('answers as openapi/trackstar.yaml says', async (t) => {
  const { sandbox, ask } = await listening(t, { products: 300, readRate: 1000, writeRate: 1000 })
  for (const [template, path] of good) {
    await t.test(`GET ${path}`, async (t2) => {
      const reply = await ask(path)
      t2.equal(reply.status, 200)
      conforms(t2, template, 'get', reply)
    })
  }
  for (const [status, template, method, path, options] of bad) {
    await t.test(`${status} for ${method} ${path}`, async (t2) => {
      const reply = await ask(path, { method: method.toUpperCase(), ...options })
      t2.equal(reply.status, status)
      conforms(t2, template, method, reply)
    })
  }
  await t.test('adjusting and its replay', async (t2) => {
    const template = '/wms/inventory/{inventory_id}/adjust'
    const body = { quantity: 1, adjustment_type: 'increase', location_id: 'A-1' }
    const options = { method: 'PUT', json: body, headers: { 'idempotency-key': 'k' } }
    conforms(t2, template, 'put', await ask('/wms/inventory/__proto__/adjust', options))
    const replay = await ask('/wms/inventory/__proto__/adjust', options)
    t2.equal(replay.headers.get('idempotent-replayed'), 'true')
    conforms(t2, template, 'put', replay)
    const reused = await ask('/wms/inventory/constructor/adjust', options)
    t2.equal(reused.status, 400)
    conforms(t2, template, 'put', reused)
  })
  await t.test('asking for a copy', async (t2) => {
    const json = { functions_to_sync: ['get_inventory'] }
    conforms(t2, '/connections/sync', 'post', await ask('/connections/sync', { method: 'POST', json }))
  })
  await t.test('being over the rate', async (t2) => {
    sandbox.options.readRate = 1
    const reply = await ask('/wms/products')
    t2.equal(reply.status, 429)
    conforms(t2, '/wms/products', 'get', reply)
  })
  await t.test('failing', async (t2) => {
    sandbox.options.readRate = 1000
    sandbox.fault('*', { status: 502 })
    conforms(t2, '/wms/products', 'get', await ask('/wms/products'))
  })
})

tap.test('has every path that openapi/trackstar.yaml names, with its methods and its credentials', async (t) => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: 0 })
  for (const [template, operations] of Object.entries<Record<string, { security?: unknown }>>(description.paths)) {
    const route = findRoute(data, template.replaceAll(/[{}]/g, ''))
    t.strictSame(
      Object.keys(route?.methods ?? {}),
      Object.keys(operations).map((method) => method.toUpperCase()),
      template,
    )
    t.equal(route?.needsToken, Object.values(operations)[0]?.security === undefined, template)
  }
})

tap.test('finds nothing elsewhere', async (t) => {
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

tap.test('lists the locations that items name in a warehouse', async (t) => {
  const { sandbox, ask } = await listening(t)
  t.strictSame(idsOf(await ask('/wms/warehouses/wh_oslo/locations')), ['A-01-1', 'A-01-2'])
  t.strictSame(idsOf(await ask('/wms/warehouses/wh_oslo/locations?limit=1')), ['A-01-1'])
  t.strictSame(idsOf(await ask('/wms/warehouses/wh_graz/locations')), [])
  Object.assign(sandbox.data.inventory.get('inv_sencha') ?? {}, { locations: null })
  Object.assign(sandbox.data.inventory.get('inv_cup') ?? {}, { locations: [{ warehouse_id: 'wh_oslo' }] })
  t.strictSame(idsOf(await ask('/wms/warehouses/wh_oslo/locations')), [])
})

tap.test('has nothing of a function whose first copy is not finished', async (t) => {
  const { sandbox, ask } = await listening(t)
  const { historical_sync_completed: completed } = sandbox.data.connection
  Object.assign(completed, { get_products: false, get_inventory: false, get_warehouses: false })
  for (const resource of ['products', 'inventory', 'warehouses']) {
    t.strictSame((await ask(`/wms/${resource}`)).body, { data: [], next_token: null, total_count: 0 })
  }
  t.equal((await ask('/wms/inventory/inv_cup')).status, 404)
  completed['get_inventory'] = true
  t.equal((await ask('/wms/inventory/inv_cup')).status, 200)
})

tap.test('adjusts without anybody to tell', async (t) => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: 0 })
  const body = { quantity: 1, adjustment_type: 'increase' }
  const adjust = findRoute(data, '/wms/inventory/inv_cup/adjust')?.methods['PUT']
  t.match(adjust?.({ method: 'PUT', query: new URLSearchParams(), body, now: 0 }), { data: { onhand: 45 } })
})
