import Fastify from 'fastify'
import tap from 'tap'
import { basketSchemas } from '../../src/basket/basket-result.js'
import problemDetails from '../../src/http/problems.js'
import { basketCheckRoute, maxLines } from '../../src/routes/basket-check.js'
import type { CatalogRouteOptions } from '../../src/routes/stock.js'
import type { Catalog } from '../../src/services/catalog.js'
import { stockSchemas } from '../../src/stock/stock.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { inTurns, startService, TestClock, withConnection } from '../harness.js'

interface Line {
  readonly sku: string
  readonly requested: number
  readonly available: number
  readonly fulfillable: boolean
  readonly problem?: { readonly code: string; readonly request_id: string }
}
const summaryOf = ({ sku, requested, available, fulfillable, problem }: Line) => [
  sku,
  requested,
  available,
  fulfillable,
  ...(problem ? [problem.code] : []),
]
const line = (sku: string, quantity = 1) => ({ sku, quantity })

tap.test('checks whether all lines can be fulfilled together', async (t) => {
  const { post } = await startService(t)
  const alone = await post('/stock/check', { lines: [line('GONGFU-SET', 5), line('CUP', 20)] })
  t.equal(alone.statusCode, 200)
  const { as_of, ...rest } = alone.json()
  t.match(as_of, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.strictSame(rest, {
    fulfillable: true,
    lines: [
      { sku: 'GONGFU-SET', requested: 5, available: 6, fulfillable: true },
      { sku: 'CUP', requested: 20, available: 40, fulfillable: true },
    ],
    shortages: [],
    complete: true,
    issues: [],
    stale: false,
  })
  t.match((await post('/stock/check', { lines: [line('GONGFU-SET', 6), line('CUP', 20)] })).json(), {
    fulfillable: false,
    lines: [{ fulfillable: true }, { fulfillable: true }],
    shortages: [{ inventory_item_ids: ['inv_cup'], sku: 'CUP', required: 44, available: 40, shortfall: 4 }],
    complete: true,
  })
})

tap.test('agrees with the stock route on a basket of one line', async (t) => {
  const { get, post } = await startMirrored(t)
  const { data } = (await get('/stock/low?below=40&limit=40')).json()
  t.ok(data.length > 30)
  for (const { sku, available, warehouse_customer_id } of data) {
    for (const quantity of [available, available + 1].filter((count) => count > 0)) {
      const { lines, fulfillable } = (
        await post('/stock/check', { lines: [{ sku, quantity, warehouse_customer_id }] })
      ).json()
      if (lines[0].problem) continue
      t.strictSame([sku, lines[0].available, fulfillable], [sku, available, quantity <= available])
    }
  }
})

tap.test('reports a problem for each line without stock, and answers the others', async (t) => {
  const { post, sandbox } = await startService(t)
  sandbox.fault('/wms/inventory/inv_mix%2C3', { status: 422 })
  const lines = [
    line('UNKNOWN', 2),
    line('HONEY-1'),
    { ...line('HONEY-1', 4), warehouse_customer_id: 'cust_borealis' },
    line('GREEN, BLACK + WHITE'),
    line('SENCHA-100', 38),
    line('UNKNOWN'),
    line('__proto__', 3),
  ]
  const reply = await post('/stock/check', { lines })
  t.equal(reply.statusCode, 200)
  t.match(reply.json(), { fulfillable: false, complete: false })
  t.strictSame(reply.json().lines.map(summaryOf), [
    ['UNKNOWN', 2, 0, false, 'product_not_found'],
    ['HONEY-1', 1, 0, false, 'sku_ambiguous'],
    ['HONEY-1', 4, 4, true],
    ['GREEN, BLACK + WHITE', 1, 0, false, 'upstream_rejected'],
    ['SENCHA-100', 38, 38, true],
    ['UNKNOWN', 1, 0, false, 'product_not_found'],
    ['__proto__', 3, 3, true],
  ])
  t.equal(reply.json().lines[0].problem.request_id, reply.headers['x-request-id'])
  t.equal(reply.json().lines[1].problem.candidates.length, 2)
  t.equal(reply.headers['cache-control'], 'no-store', 'what is missing may be available in a moment')
})

tap.test('answers a basket of unknown SKUs', async (t) => {
  const { post } = await startService(t)
  const reply = await post('/stock/check', { lines: [line('UNKNOWN')] })
  t.equal(reply.statusCode, 200)
  t.match(reply.json(), { fulfillable: false, complete: true, shortages: [], issues: [] })
  t.match(reply.headers['cache-control'], 'private, max-age=60')
})

tap.test('pools the selected warehouses', async (t) => {
  const { post } = await startService(t)
  const ask = async (warehouse_id?: string[]) =>
    (await post('/stock/check', { lines: [line('TRAVEL-SET', 5)], ...(warehouse_id && { warehouse_id }) })).json()
  t.match(await ask(), { fulfillable: true, lines: [{ available: 5 }] })
  t.match(await ask(['wh_oslo', 'wh_porto']), { fulfillable: true })
  t.match(await ask(['wh_oslo']), { fulfillable: false, lines: [{ available: 3 }] })
  t.match(await ask(['nowhere']), { fulfillable: false, complete: false, issues: [{ code: 'warehouse_unknown' }] })
})

tap.test('reports freshness, and reloads on request', async (t) => {
  const clock = new TestClock()
  const { post, newCalls } = await startService(t, { clock })
  const check = (headers = {}) => post('/stock/check', { lines: [line('CUP')] }, headers)
  t.match((await check()).headers, {
    age: '0',
    etag: /^W\//,
    'cache-control': 'private, max-age=60, stale-while-revalidate=300',
    'cache-status': 'trackstar-bff; fwd=miss',
    vary: 'Authorization, X-API-Key, Origin, Accept-Encoding',
  })
  clock.advance(30_000)
  const hit = await check()
  t.match(hit.headers, { age: '30', 'cache-status': 'trackstar-bff; hit' })
  t.equal(
    (await check({ 'if-none-match': String(hit.headers['etag']) })).statusCode,
    200,
    'a POST is never answered 304',
  )
  newCalls()
  t.match((await check({ 'cache-control': 'no-cache' })).headers, {
    age: '0',
    'cache-status': 'trackstar-bff; fwd=stale',
  })
  t.equal(newCalls().length, 2)
  clock.advance(100_000)
  const stale = await check({ 'cache-control': 'only-if-cached' })
  t.match(stale.headers, { 'cache-status': 'trackstar-bff; hit; detail=stale', age: '100' })
  t.match(stale.json(), { stale: true, as_of: new Date(clock.now() - 100_000).toISOString() })
  const cold = await post('/stock/check', { lines: [line('SENCHA-100')] }, { 'cache-control': 'only-if-cached' })
  t.equal(cold.statusCode, 504)
  t.equal(cold.json().code, 'not_cached')
})

tap.test('answers from the cache while upstream fails, and fails only if nothing is cached', async (t) => {
  const clock = new TestClock()
  const { post, sandbox } = await startService(t, { clock })
  await post('/stock/check', { lines: [line('SENCHA-100')] })
  clock.advance(400_000)
  sandbox.fault('*', { status: 500 })
  const partly = await post('/stock/check', { lines: [line('SENCHA-100'), line('CUP')] })
  t.equal(partly.statusCode, 200)
  t.match(partly.json(), { fulfillable: false, complete: false, stale: true })
  t.strictSame(partly.json().lines.map(summaryOf), [
    ['SENCHA-100', 1, 38, true],
    ['CUP', 1, 0, false, 'upstream_unavailable'],
  ])
  const wholly = await post('/stock/check', { lines: [line('CUP'), line('CUP', 2), line('GONGFU-SET')] })
  t.equal(wholly.statusCode, 503)
  t.equal(wholly.json().code, 'upstream_unavailable')
  t.ok(wholly.headers['retry-after'])
})

tap.test('accepts up to 200 lines', async (t) => {
  const { post, newCalls } = await startService(t)
  const lines = (count: number) => Array.from({ length: count }, (_, n) => line(n % 2 === 0 ? 'CUP' : `U${n}`))
  const reply = await post('/stock/check', { lines: lines(maxLines) })
  t.equal(maxLines, 200)
  t.equal(reply.statusCode, 200)
  t.equal(reply.json().lines.length, 200)
  newCalls()
  t.match((await post('/stock/check', { lines: lines(201) })).json(), { errors: [{ field: 'lines' }] })
  t.strictSame(newCalls(), [])
})

tap.test('rejects invalid bodies', async (t) => {
  const { post, app, newCalls } = await startService(t)
  const wrong = [
    [{ lines: [] }, 'lines'],
    [{}, 'lines'],
    [{ lines: line('A') }, 'lines'],
    [{ lines: null }, 'lines'],
    [{ lines: ['A'] }, 'lines[0]'],
    [{ lines: [{ sku: 'A' }] }, 'lines[0].quantity'],
    [{ lines: [{ quantity: 1 }] }, 'lines[0].sku'],
    [{ lines: [line('A'), line('A', 0)] }, 'lines[1].quantity'],
    [{ lines: [line('A', -1)] }, 'lines[0].quantity'],
    [{ lines: [line('A', 1.5)] }, 'lines[0].quantity'],
    [{ lines: [line('A', 1e9 + 1)] }, 'lines[0].quantity'],
    [{ lines: [{ sku: 'A', quantity: '1' }] }, 'lines[0].quantity'],
    [{ lines: [{ sku: 'A', quantity: true }] }, 'lines[0].quantity'],
    [{ lines: [{ sku: 'A', quantity: null }] }, 'lines[0].quantity'],
    [{ lines: [{ sku: 1, quantity: 1 }] }, 'lines[0].sku'],
    [{ lines: [line('')] }, 'lines[0].sku'],
    [{ lines: [line('x'.repeat(256))] }, 'lines[0].sku'],
    [{ lines: [line('\ud800')] }, 'lines[0].sku'],
    [{ lines: [{ ...line('A'), warehouse_customer_id: null }] }, 'lines[0].warehouse_customer_id'],
    [{ lines: [{ ...line('A'), note: 'gift' }] }, 'lines[0].note'],
    [{ lines: [line('A')], warehouse_id: 'wh_oslo' }, 'warehouse_id'],
    [{ lines: [line('A')], warehouse_id: [''] }, 'warehouse_id[0]'],
    [{ lines: [line('A')], include: ['lots'] }, 'include'],
    [[line('A')], ''],
    [null, ''],
  ] as const
  for (const [body, field] of wrong) {
    const reply = await post('/stock/check', body)
    t.equal(reply.statusCode, 400, JSON.stringify(body))
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, JSON.stringify(body))
  }
  const huge = { method: 'POST', url: '/stock/check', headers: { 'content-type': 'application/json' } } as const
  t.equal((await app.inject({ ...huge, payload: '{"lines":[{"sku":"A","quantity":1e400}]}' })).statusCode, 400)
  t.equal((await app.inject({ ...huge, payload: '{' })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/stock/check' })).statusCode, 400)
  t.equal((await app.inject({ ...huge, headers: { 'content-type': 'text/plain' }, payload: 'A' })).statusCode, 415)
  t.strictSame(newCalls(), [])
})

tap.test('answers 500 to an error of our own, even beside lines with stock', async (t) => {
  const app = Fastify()
  await app.register(problemDetails)
  app.decorateReply('freshness', null)
  for (const schema of [...stockSchemas, ...basketSchemas]) app.addSchema(schema)
  const catalog = {
    productsBySku: async () => new Map<string, unknown>([['A', { value: [], readAt: 1, stale: false }]]),
    itemsById: async () => new Map(),
    warehouses: async () => new Map(),
    incomplete: () => [],
  } as unknown as Catalog
  await withConnection(app, { catalog })
  await app.register(basketCheckRoute, {
    readContextOf: () => undefined,
    inTurns,
  } as unknown as CatalogRouteOptions)
  const reply = await app.inject({ method: 'POST', url: '/stock/check', payload: { lines: [line('A'), line('B')] } })
  t.equal(reply.statusCode, 500)
  t.equal(reply.json().code, 'internal_error')
})
