import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import tap, { type Test } from 'tap'
import { buildApp } from '../../../src/app.js'
import { readConfig } from '../../../src/config/config.js'
import { eventually } from '../../harness.js'
import {
  type Content,
  faultsOf,
  type Operation,
  resolved,
  trackstarDocument,
} from '../../openapi/trackstar-document.js'

const operations = Object.entries(trackstarDocument.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ template, method: method.toUpperCase(), operation })),
)

const examplesOf = ({ examples = {} }: Content) => Object.values(examples).map((example) => resolved(example).value)
const exampleOf = ({ schema }: { readonly schema?: { readonly examples?: readonly unknown[] } }) =>
  schema?.examples?.[0]

tap.test('every parameter, header and body of trackstar.yaml has examples that match its schema', async (t) => {
  for (const { template, method, operation } of operations) {
    const at = `${method} ${template}`
    for (const parameter of operation.parameters ?? []) {
      const { name, schema, example } = resolved(parameter)
      t.not(example, undefined, `${at} ${name} has an example`)
      t.equal(faultsOf(schema, example), null, `${at} ${name}`)
    }
    const answers = Object.entries(operation.responses).map(
      ([status, response]) => [status, resolved(response)] as const,
    )
    for (const [place, { content }] of [['body', operation.requestBody ?? { content: {} }] as const, ...answers]) {
      for (const body of Object.values(content)) {
        t.ok(examplesOf(body).length > 0, `${at} ${place} has an example`)
        for (const value of examplesOf(body)) t.equal(faultsOf(body.schema, value), null, `${at} ${place}`)
      }
    }
    for (const [status, { headers }] of answers) {
      for (const [name, header] of Object.entries(headers)) {
        const { schema = {} } = resolved(header)
        t.equal(faultsOf(schema, exampleOf({ schema }) ?? null), null, `${at} ${status} ${name}`)
      }
    }
  }
})

/** The first example of an operation's success, and the headers beside it, as a mock server sends them. */
function mockAnswer({ responses }: Operation) {
  const success = responses['200']
  if (success === undefined) throw new Error('expected a response with status 200')
  const { headers, content } = resolved(success)
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, header]) => [name, String(exampleOf(resolved(header)))]),
    ),
    body: JSON.stringify(Object.values(content).flatMap(examplesOf)[0]),
  }
}

/** Serves the examples of `trackstar.yaml`: the same answer whatever the filters, as a mock server without memory does. */
async function startMock(t: Test): Promise<string> {
  const routes = operations.map(({ template, method, operation }) => ({
    method,
    path: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    ...mockAnswer(operation),
  }))
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const route = routes.find((one) => one.method === request.method && one.path.test(path))
    request.resume()
    response.writeHead(route ? 200 : 404, { ...route?.headers, 'content-type': 'application/json' })
    response.end(route?.body ?? '{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startOnMock(t: Test, mode: 'mirror' | 'on-demand') {
  const config = readConfig({
    TRACKSTAR_BASE_URL: await startMock(t),
    TRACKSTAR_API_KEY: 'a-key',
    TRACKSTAR_ACCESS_TOKEN: 'a-token',
    TRACKSTAR_CONNECTION_ID: 'conn_teahouse',
    TRACKSTAR_READ_RATE: '1000',
    AUTH_MODE: 'none',
    CATALOG_MODE: mode,
    LOG_LEVEL: 'silent',
  })
  const app = await buildApp(config)
  t.teardown(() => app.close())
  await app.ready()
  return {
    app,
    get: async (url: string) => (await app.inject(url)).json(),
  }
}

for (const mode of ['mirror', 'on-demand'] as const) {
  tap.test(`${mode}: a mock of trackstar.yaml is an upstream that the service works with`, async (t) => {
    const { app, get } = await startOnMock(t, mode)
    if (mode === 'mirror') {
      await eventually(async () => (await get('/status')).connections[0].mirror.pages_left === 0)
      t.match(await get('/status'), { connections: [{ mirror: { state: 'live', products: 3, inventory: 3 } }] })
      t.match(await get('/stock/low?below=10'), { data: [{ sku: 'TEA-SET', available: 6 }], next_token: null })
      t.match(await get('/inventory/inv_cup/products'), { data: [{ sku: 'CUP' }, { sku: 'TEA-SET' }] })
    }
    t.match(await get('/products/SENCHA-100/stock?include=lots,locations'), {
      available: 38,
      complete: true,
      issues: [],
      warehouses: [
        { name: 'Oslo harbour', available: 22 },
        { name: 'Porto', available: 16 },
      ],
      lots: [{ lot_id: 'L-1' }, { lot_id: 'L-2' }],
      locations: [{ location_id: 'A-01-1' }],
    })
    t.match(await get('/products/TEA-SET/stock'), { available: 6, complete: true, limiting: { component_sku: 'TRAY' } })
    // On demand, the mock answers with the same products whatever is requested, and so does not say that there is none.
    const code = mode === 'mirror' ? 'product_not_found' : 'upstream_invalid_response'
    t.match(await get('/products/NOPE/stock'), { code })
    t.match(await get('/products?limit=2'), { data: [{}, {}, {}], next_token: null })
    t.match(await get('/inventory?sku[in]=CUP'), { data: [{}, {}, {}], next_token: null })
    t.match(await get('/warehouses'), { data: [{ id: 'wh_oslo' }, { id: 'wh_porto' }], next_token: null })
    t.match(await get('/products/CUP'), { data: { id: 'prod_cup' } })
    t.match(await get('/inventory/inv_tray'), { data: { onhand: 6 } })
    t.match(await get('/warehouses/wh_porto'), { data: { name: 'Porto' } })
    const adjusted = await app.inject({
      method: 'PUT',
      url: '/inventory/inv_sencha/adjust',
      payload: { quantity: 2, adjustment_type: 'increase', warehouse_id: 'wh_oslo', location_id: 'A-01-1' },
    })
    t.match(adjusted.json(), { id: 'inv_sencha', unused_fields: ['location_id'] })
    // The sync state is read behind the first stock.
    await eventually(async () => (await get('/products/CUP/stock')).source !== null)
    t.match(await get('/products/CUP/stock'), { available: 40, source: { synced_at: '2025-10-20T07:00:00Z' } })
  })
}
