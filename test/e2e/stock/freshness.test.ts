import tap from 'tap'
import { eventually, type ServiceOptions, startService, TestClock } from '../../harness.js'

const url = '/products/SENCHA-100/stock'
const seconds = 1000

/** A service with a clock. TTL 60 s, revalidate 300 s, stale 86400 s. */
async function start(t: Parameters<typeof startService>[0], options: ServiceOptions = {}) {
  const clock = new TestClock()
  const service = await startService(t, { ...options, clock })
  /** Sells one unit from Oslo. */
  const sell = () => {
    const item = service.sandbox.data.inventory.get('inv_sencha')
    for (const record of [item, item?.inventory_by_warehouse_id?.['wh_oslo']]) {
      if (record) record.fulfillable = (record.fulfillable ?? 0) - 1
    }
  }
  const read = async (headers: Record<string, string> = {}) => {
    const reply = await service.get(url, headers)
    const { available, stale, code } = reply.body ? reply.json() : {}
    return {
      status: reply.statusCode,
      cache: String(reply.headers['cache-status']).replace('trackstar-bff; ', ''),
      age: reply.headers.age,
      etag: reply.headers.etag,
      available,
      stale,
      code,
    }
  }
  const ageBy = (ms: number) => clock.advance(ms)
  return { ...service, clock, sell, read, ageBy }
}

tap.test('reports how fresh a response is', async (t) => {
  const { get, clock } = await start(t)
  const begunAt = new Date(clock.now()).toISOString()
  const cold = await get(url)
  t.match(cold.headers, {
    age: '0',
    'cache-control': 'private, max-age=60, stale-while-revalidate=300',
    'cache-status': 'trackstar-bff; fwd=miss',
    vary: 'Authorization, X-API-Key, Origin, Accept-Encoding',
    etag: /^W\/"[\w-]+"$/,
  })
  clock.advance(30 * seconds)
  const warm = await get(url)
  t.match(warm.headers, { age: '30', 'cache-status': 'trackstar-bff; hit' })
  t.match(warm.json(), { as_of: begunAt, stale: false })
})

tap.test('serves a stale record immediately and refreshes it in the background', async (t) => {
  const { read, sell, clock, sandbox, newCalls } = await start(t)
  await read()
  newCalls()
  sell()
  clock.advance(61 * seconds)
  t.match(await read(), { cache: 'hit; detail=stale', stale: true, age: '61', available: 38 })
  await eventually(() => sandbox.calls.filter(({ status }) => status === 200).length === 5)
  await eventually(async () => (await read()).available === 37)
  t.match(await read(), { cache: 'hit', stale: false, age: '0', available: 37 })
  t.equal(newCalls().length, 2, 'one refresh of the product, one of the item')
})

tap.test(
  'waits for a reload past the revalidate window, and falls back to the cached record if upstream fails',
  async (t) => {
    const { read, sell, clock, sandbox } = await start(t)
    await read()
    sell()
    clock.advance(361 * seconds)
    t.match(await read(), { cache: 'fwd=stale', stale: false, available: 37, age: '0' })
    clock.advance(361 * seconds)
    sandbox.fault('*', { status: 500 })
    t.match(await read(), { status: 200, cache: 'fwd=stale', stale: true, available: 37, age: '361' })
    clock.advance(86_400 * seconds)
    t.match(await read(), { status: 503, code: 'upstream_unavailable' })
  },
)

tap.test('gives equal stocks the same ETag, and different ones another', async (t) => {
  const { read, sell, clock } = await start(t)
  const { etag } = await read()
  clock.advance(400 * seconds)
  const again = await read()
  t.equal(again.cache, 'fwd=stale')
  t.equal(again.etag, etag)
  sell()
  clock.advance(400 * seconds)
  t.not((await read()).etag, etag)
})

tap.test('answers 304 if the caller has the same response', async (t) => {
  const { app, get, post, read } = await start(t)
  const etag = String((await read()).etag)
  for (const method of ['GET', 'HEAD'] as const) {
    for (const tag of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const reply = await app.inject({ method, url, headers: { 'if-none-match': tag } })
      t.equal(reply.statusCode, 304, `${method} ${tag}`)
      t.equal(reply.body, '')
      t.match(reply.headers, { etag, 'cache-status': 'trackstar-bff; hit', age: '0', vary: /Authorization/ })
      t.match(reply.headers['cache-control'], /^private, max-age=60/)
      t.ok(reply.headers['x-request-id'])
      t.notOk('content-type' in reply.headers)
    }
  }
  t.equal((await read({ 'if-none-match': 'W/"other"' })).status, 200)
  const head = await app.inject({ method: 'HEAD', url })
  t.equal(head.statusCode, 200)
  t.equal(head.headers.etag, etag)
  t.equal(head.body, '')
  const many = await post('/stock/query', { skus: ['SENCHA-100'] })
  const posted = await post('/stock/query', { skus: ['SENCHA-100'] }, { 'if-none-match': String(many.headers.etag) })
  t.equal(posted.statusCode, 200, 'a POST is not conditional')
  const listed = await get('/stock?sku=SENCHA-100', { 'if-none-match': String(many.headers.etag) })
  t.equal(listed.statusCode, 304)
})

tap.test('regression: a response with an unknown SKU never had the same ETag twice', async (t) => {
  const { get } = await start(t)
  const first = await get('/stock?sku=SENCHA-100&sku=UNKNOWN')
  const second = await get('/stock?sku=SENCHA-100&sku=UNKNOWN', { 'if-none-match': String(first.headers.etag) })
  t.equal(second.statusCode, 304)
})

tap.test('regression: a response without any stock had no freshness headers', async (t) => {
  const { get, clock } = await start(t)
  await get('/stock?sku=UNKNOWN&sku=HONEY-1')
  clock.advance(10 * seconds)
  const { headers } = await get('/stock?sku=UNKNOWN&sku=HONEY-1')
  t.match(headers, { age: '10', 'cache-status': 'trackstar-bff; hit', 'cache-control': /^private/, etag: /^W/ })
})

tap.test('reloads for no-cache, unless the record is under a second old or If-None-Match is present', async (t) => {
  const { read, sell, clock, newCalls } = await start(t)
  const { etag } = await read()
  sell()
  newCalls()
  clock.advance(1000)
  t.match(await read({ 'cache-control': 'no-cache' }), { cache: 'hit', available: 38 })
  clock.advance(1)
  t.match(await read({ 'cache-control': 'no-cache', 'if-none-match': String(etag) }), { status: 304, cache: 'hit' })
  t.match(await read({ 'Cache-Control': 'No-Cache' }), { cache: 'fwd=stale', available: 37, age: '0' })
  t.equal(newCalls().length, 2)
})

tap.test('serves nothing older than max-age', async (t) => {
  const { read, sell, clock } = await start(t)
  await read()
  sell()
  clock.advance(20 * seconds)
  t.match(await read({ 'cache-control': 'max-age=20' }), { cache: 'hit', available: 38 })
  t.match(await read({ 'cache-control': 'foo=1, max-age="19"' }), { cache: 'fwd=stale', available: 37 })
  t.match(await read({ 'cache-control': 'max-age=x, max-stale' }), { cache: 'hit' })
})

tap.test('never calls Trackstar for only-if-cached', async (t) => {
  const { read, clock, sandbox } = await start(t, { environment: { TRACKSTAR_CONNECTION_ID: 'conn_sandbox' } })
  const headers = { 'cache-control': 'only-if-cached' }
  t.match(await read(headers), { status: 504, code: 'not_cached' })
  t.equal(sandbox.calls.length, 0, 'not even for warehouses or the connection')
  await read()
  await eventually(() => sandbox.calls.length === 4)
  clock.advance(1000 * seconds)
  t.match(await read(headers), { status: 200, cache: 'hit; detail=stale', stale: true })
  t.match(await read({ 'cache-control': 'only-if-cached, max-age=10' }), { status: 504 })
  t.equal(sandbox.calls.length, 4)
})

tap.test('caches that a SKU is unknown for CACHE_NEGATIVE_TTL_SECONDS', async (t) => {
  const { get, clock, newCalls } = await start(t)
  const status = async () => (await get('/products/UNKNOWN/stock')).statusCode
  t.equal(await status(), 404)
  clock.advance(26 * seconds)
  t.equal(await status(), 404)
  t.equal(newCalls().length, 1)
  clock.advance(4 * seconds)
  t.equal(await status(), 404)
  t.equal(newCalls().length, 1)
})

tap.test('a response is as old as its oldest record', async (t) => {
  const { get, clock } = await start(t)
  await get('/products/CUP/stock')
  clock.advance(40 * seconds)
  const set = await get('/products/GONGFU-SET/stock')
  t.match(set.headers, { age: '40', 'cache-status': 'trackstar-bff; fwd=miss' })
  t.equal(set.json().as_of, new Date(clock.now() - 40 * seconds).toISOString())
  clock.advance(21 * seconds)
  t.equal((await get('/products/GONGFU-SET/stock')).json().stale, true)
  const many = await get('/stock?sku=GONGFU-SET&sku=SENCHA-100')
  t.ok(Number(many.headers.age) >= 21)
})

tap.test('applies the same rules to records', async (t) => {
  const { get, clock } = await start(t)
  for (const path of ['/products/SENCHA-100', '/inventory/inv_sencha', '/warehouses/wh_oslo']) {
    const cold = await get(path)
    t.match(cold.headers, { 'cache-status': 'trackstar-bff; fwd=miss', age: '0' })
    clock.advance(10 * seconds)
    const warm = await get(path, { 'if-none-match': String(cold.headers.etag) })
    t.equal(warm.statusCode, 304)
    t.match(warm.headers, { 'cache-status': 'trackstar-bff; hit', age: '10' })
  }
})

tap.test('everything is stale with a TTL of 0', async (t) => {
  const environment = { CACHE_TTL_SECONDS: '0', CACHE_REVALIDATE_SECONDS: '0', CACHE_MAX_STALE_SECONDS: '0' }
  const { read, newCalls } = await start(t, { environment })
  t.match(await read(), { cache: 'fwd=miss', available: 38 })
  t.match(await read(), { cache: 'fwd=miss', available: 38 })
  t.equal(newCalls().length, 4)
})

tap.test(
  'regression: after the clock was set back, a cached record was kept until the clock had caught up',
  async (t) => {
    const clock = new TestClock()
    const { get, sandbox, newCalls } = await startService(t, { clock })
    const available = async (sku: string) => {
      const reply = await get(`/products/${sku}/stock`)
      return [reply.statusCode === 200 ? reply.json().available : reply.json().code, reply.headers['cache-status']]
    }
    await available('CUP')
    await available('SENCHA-100')
    newCalls()
    clock.setWallClock(-3600 * seconds)
    t.strictSame(await available('CUP'), [40, 'trackstar-bff; hit'], 'no time has passed')
    t.strictSame(newCalls(), [])
    sandbox.remove('products', 'prod_sencha')
    clock.advance(61 * seconds)
    t.strictSame(await available('CUP'), [40, 'trackstar-bff; hit; detail=stale'])
    await eventually(async () => (await available('CUP'))[1] === 'trackstar-bff; hit')
    await available('SENCHA-100')
    await eventually(async () => (await available('SENCHA-100'))[0] === 'product_not_found')
    newCalls()
    t.equal((await available('CUP'))[0], 40)
    t.equal((await available('SENCHA-100'))[0], 'product_not_found')
    t.strictSame(newCalls(), [], 'records and absences read since are cached')
  },
)
