import tap from 'tap'
import { maxSkusInBody, maxSkusInQuery } from '../../src/routes/stock-query.js'
import { startService, TestClock } from '../harness.js'

interface Result {
  readonly sku: string
  readonly status: string
  readonly stock?: { readonly available: number; readonly lots?: unknown }
  readonly problem?: { readonly code: string; readonly request_id: string; readonly status: number }
}

const summarize = ({ sku, status, stock, problem }: Result) => [sku, status, stock?.available ?? problem?.code]

tap.test('answers for each distinct SKU in the order of the request', async (t) => {
  const { get, post } = await startService(t)
  const expected = [
    ['GONGFU-SET', 'ok', 6],
    ['UNKNOWN', 'not_found', 'product_not_found'],
    ['HONEY-1', 'ambiguous', 'sku_ambiguous'],
    ['SENCHA-100', 'ok', 38],
    ['__proto__', 'ok', 3],
  ]
  const skus = ['GONGFU-SET', 'UNKNOWN', 'GONGFU-SET', 'HONEY-1', 'SENCHA-100', 'UNKNOWN', '__proto__']
  const posted = await post('/stock/query', { skus })
  t.equal(posted.statusCode, 200)
  t.strictSame(posted.json().results.map(summarize), expected)
  t.equal(posted.json().results[1].problem.request_id, posted.headers['x-request-id'])
  t.equal(posted.json().results[2].problem.candidates.length, 2)
  const listed = await get(`/stock?${skus.map((sku) => `sku=${sku}`).join('&')}`)
  t.strictSame(listed.json().results.map(summarize), expected)
})

tap.test('regression: options in the query of a POST or PUT were ignored in silence', async (t) => {
  const { app } = await startService(t)
  const query = { warehouse_id: 'wh_oslo' }
  const errors = [{ field: 'warehouse_id', message: 'is not recognized' }]
  const requests = [
    ['POST', '/stock/query', { skus: ['OOLONG-250'] }],
    ['POST', '/stock/check', { lines: [{ sku: 'CUP', quantity: 1 }] }],
    ['POST', '/stock/events/tickets', undefined],
    ['PUT', '/inventory/inv_cup/adjust', { quantity: 1, adjustment_type: 'add' }],
  ] as const
  for (const [method, url, payload] of requests) {
    const response = await app.inject({ method, url, query, ...(payload && { payload }) })
    t.equal(response.statusCode, 400, url)
    t.match(response.json().errors, errors, url)
  }
  const twofold = await app.inject({ method: 'POST', url: '/stock/query', query, payload: { include: 'x' } })
  t.strictSame(
    twofold.json().errors.map(({ field }: { field: string }) => field),
    ['warehouse_id', 'skus', 'include'],
  )
})

tap.test('regression: a field __proto__ in a body was called invalid JSON', async (t) => {
  const { app } = await startService(t)
  const send = (url: string, payload: string) =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })
  for (const field of ['__proto__', 'constructor']) {
    const value = `{"prototype": {"skus": ["CUP"]}, "skus": ["CUP"]}`
    t.match((await send('/stock/query', `{"skus": ["CUP"], "${field}": ${value}}`)).json(), {
      status: 400,
      errors: [{ field, message: 'is not recognized' }],
    })
    t.match((await send('/stock/query', `{"${field}": ${value}}`)).json(), { status: 400 })
    t.match((await send('/stock/check', `{"lines": [{"sku": "CUP", "quantity": 1, "${field}": ${value}}]}`)).json(), {
      status: 400,
      errors: [{ field: `lines[0].${field}`, message: 'is not recognized' }],
    })
  }
  t.equal(Object.hasOwn(Object.prototype, 'skus'), false)
})

tap.test('accepts the options of a single stock', async (t) => {
  const { get, post } = await startService(t)
  const options = { warehouse_customer_id: 'cust_borealis', warehouse_id: ['wh_oslo'], include: ['lots'] }
  const [honey, sencha] = (await post('/stock/query', { skus: ['HONEY-1', 'SENCHA-100'], ...options })).json().results
  t.match(honey, { status: 'ok', stock: { available: 4, lots: [] } })
  t.equal(sencha.status, 'not_found')
  const query = 'sku=HONEY-1&warehouse_customer_id=cust_aurora&warehouse_id=wh_oslo&include=lots,locations'
  t.match((await get(`/stock?${query}`)).json().results, [{ stock: { available: 15, lots: [], locations: [] } }])
})

tap.test('reports a problem for one SKU, and answers the others', async (t) => {
  const { post, sandbox } = await startService(t)
  sandbox.fault('/wms/inventory/inv_mix%2C3', { status: 422 })
  const skus = ['GREEN, BLACK + WHITE', 'SENCHA-100', 'UNKNOWN', 'HONEY-1']
  const reply = await post('/stock/query', { skus })
  t.equal(reply.statusCode, 200)
  t.strictSame(reply.json().results.map(summarize), [
    ['GREEN, BLACK + WHITE', 'unavailable', 'upstream_rejected'],
    ['SENCHA-100', 'ok', 38],
    ['UNKNOWN', 'not_found', 'product_not_found'],
    ['HONEY-1', 'ambiguous', 'sku_ambiguous'],
  ])
})

tap.test('answers from the cache while upstream fails, and fails only if nothing is cached', async (t) => {
  const clock = new TestClock()
  const { get, post, sandbox } = await startService(t, { clock })
  await get('/products/SENCHA-100/stock')
  clock.advance(400_000)
  sandbox.fault('*', { status: 500 })
  const partly = await post('/stock/query', { skus: ['SENCHA-100', 'CUP'] })
  t.equal(partly.statusCode, 200)
  t.strictSame(partly.json().results.map(summarize), [
    ['SENCHA-100', 'ok', 38],
    ['CUP', 'unavailable', 'upstream_unavailable'],
  ])
  t.equal(partly.json().results[0].stock.stale, true)
  const wholly = await post('/stock/query', { skus: ['CUP', 'GONGFU-SET'] })
  t.equal(wholly.statusCode, 503)
  t.match(wholly.json(), { code: 'upstream_unavailable' })
  t.ok(wholly.headers['retry-after'])
})

tap.test('rejects more SKUs than the maximum, and none', async (t) => {
  const { get, post, newCalls } = await startService(t)
  const skus = (count: number) => Array.from({ length: count }, (_, n) => `S${n}`)
  const query = (count: number) =>
    `/stock?${skus(count)
      .map((sku) => `sku=${sku}`)
      .join('&')}`
  t.equal((await get(query(maxSkusInQuery))).statusCode, 200)
  t.equal((await post('/stock/query', { skus: skus(maxSkusInBody) })).statusCode, 200)
  t.equal(newCalls().length, 10)
  const wrong = [
    [await get(query(maxSkusInQuery + 1)), 'sku'],
    [await get('/stock'), 'sku'],
    [await get('/stock?sku='), 'sku[0]'],
    [await get('/stock?sku=A&page=1'), 'page'],
    [await post('/stock/query', { skus: skus(maxSkusInBody + 1) }), 'skus'],
    [await post('/stock/query', { skus: [] }), 'skus'],
    [await post('/stock/query', {}), 'skus'],
    [await post('/stock/query', { skus: ['A', ''] }), 'skus[1]'],
    [await post('/stock/query', { skus: ['A', 'x'.repeat(256)] }), 'skus[1]'],
  ] as const
  for (const [reply, field] of wrong) {
    t.equal(reply.statusCode, 400)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] })
  }
  t.strictSame(newCalls(), [])
})

tap.test('rejects invalid bodies', async (t) => {
  const { post } = await startService(t)
  const wrong = [
    [{ skus: 'A' }, 'skus'],
    [{ skus: [1] }, 'skus[0]'],
    [{ skus: [null] }, 'skus[0]'],
    [{ skus: ['A'], include: 'lots' }, 'include'],
    [{ skus: ['A'], include: ['lots,locations'] }, 'include[0]'],
    [{ skus: ['A'], warehouse_id: 'wh' }, 'warehouse_id'],
    [{ skus: ['A'], warehouse_customer_id: 7 }, 'warehouse_customer_id'],
    [{ skus: ['A'], limit: 1 }, 'limit'],
    [['A'], ''],
    ['A', ''],
    [null, ''],
  ] as const
  for (const [body, field] of wrong) {
    const reply = await post('/stock/query', body)
    t.equal(reply.statusCode, 400, JSON.stringify(body))
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, JSON.stringify(body))
  }
})
