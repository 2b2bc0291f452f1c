import tap from 'tap'
import { generatedSku } from '../../../src/sandbox/generated-catalog.js'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { startService } from '../../harness.js'

const environment = { AUTH_MODE: 'api-key', API_KEYS: 'shop:one,shop:two,office:three' }
const keyed = (key: string) => ({ 'x-api-key': key })

tap.test("a request for a thousand SKUs hardly delays another key's request for one", async (t) => {
  const { get, post, sandbox } = await startService(t, {
    environment: { ...environment, TRACKSTAR_READ_RATE: '10' },
    sandbox: { products: 1100, readRate: 10 },
  })
  const skus = Array.from({ length: 1001 }, (_, n) => generatedSku(n))
  const [last = ''] = skus.splice(-1)
  let isDone = false
  const bulk = async () => {
    await post('/stock/query', { skus }, keyed('one'))
    isDone = true
  }
  void bulk()
  while (sandbox.calls.length < 10) await new Promise((resolve) => setImmediate(resolve))
  const before = sandbox.calls.length
  const reply = await get(`/products/${last}/stock`, keyed('three'))
  t.equal(reply.statusCode, 200)
  t.notOk(isDone, 'the thousand continue')
  const names = [last, reply.json().components[0].inventory_item_id]
  const own = names.map((name) => sandbox.calls.findIndex(({ url }) => url.includes(name)) - before)
  // Ten permits come at once, a second after the ones before. If all are taken when the product has come, the call for
  // its item is one of the first of the next second, long before the twenty of the thousand that are left.
  t.ok(
    own.every((position) => position >= 0 && position < 13),
    `the calls for the single SKU were those at ${own} in the queue`,
  )
})

tap.test('limits requests per minute by key, or by address without a key', async (t) => {
  const { app } = await startService(t, { environment: { ...environment, CLIENT_RATE_LIMIT: '2' } })
  const ask = async (headers: Record<string, string>, remoteAddress: string) => {
    const reply = await app.inject({ url: '/products/CUP/stock', headers, remoteAddress })
    return [reply.statusCode, reply.headers['ratelimit-remaining']]
  }
  t.strictSame(await ask(keyed('one'), '10.0.0.1'), [200, '1'])
  t.strictSame(await ask(keyed('two'), '10.0.0.2'), [200, '0'], 'the other key of the same name, during rotation')
  t.strictSame(await ask(keyed('one'), '10.0.0.3'), [429, '0'])
  t.strictSame(await ask(keyed('three'), '10.0.0.1'), [200, '1'])
  t.strictSame(await ask({}, '10.0.0.1'), [401, '1'])
  t.strictSame(await ask(keyed('guess'), '10.0.0.1'), [401, '0'])
  t.strictSame(await ask(keyed('guess again'), '10.0.0.1'), [429, '0'])
  t.strictSame(await ask(keyed('guess again'), '10.0.0.2'), [401, '1'])
})

tap.test('regression: a request for a thousand SKUs counted as much as a request for one', async (t) => {
  const { get, post } = await startService(t, { environment: { CLIENT_RATE_LIMIT: '3000' } })
  const remaining = async (reply: ReturnType<typeof get>) => {
    const { statusCode, headers } = await reply
    return [statusCode, Number(headers['ratelimit-remaining'])]
  }
  const skus = (count: number) => Array.from({ length: count }, (_, n) => generatedSku(n))
  const lines = skus(200).map((sku) => ({ sku, quantity: 1 }))
  t.strictSame(await remaining(get('/products/CUP/stock')), [200, 2999])
  t.strictSame(await remaining(get('/stock?sku=CUP')), [200, 2998])
  t.strictSame(await remaining(get('/stock?sku=CUP&sku=TEAPOT&sku=CUP')), [200, 2995])
  t.strictSame(await remaining(post('/stock/check', { lines })), [200, 2795])
  t.strictSame(await remaining(post('/stock/query', { skus: skus(90) })), [200, 2705])
  t.strictSame(await remaining(post('/stock/query', { skus: skus(700), other: 1 })), [400, 2005], 'an invalid request')
  t.strictSame(
    await remaining(post('/stock/query', { skus: skus(5000) })),
    [400, 1005],
    'it costs as much as the largest valid one',
  )
  t.strictSame(await remaining(post('/stock/query', { skus: 'CUP' })), [400, 1004])
  t.strictSame(await remaining(post('/stock/query', null)), [400, 1003])
  t.strictSame(await remaining(get('/stock')), [400, 1002])
  const over = await post('/stock/query', { skus: skus(1000).concat('CUP') })
  t.equal(over.statusCode, 400)
  t.strictSame(await remaining(post('/stock/query', { skus: ['CUP', 'TEAPOT', 'X'] })), [429, 0])
  t.strictSame(await remaining(get('/products/CUP/stock')), [429, 0], 'rejected requests count')
})

tap.test('a rejection has Retry-After and causes no call upstream', async (t) => {
  const { get, sandbox } = await startService(t, { environment: { CLIENT_RATE_LIMIT: '1' } })
  await get('/livez')
  await get('/warehouses')
  const calls = sandbox.calls.length
  const reply = await get('/products/CUP/stock')
  t.equal(reply.statusCode, 429)
  const seconds = Number(reply.headers['retry-after'])
  t.ok(seconds >= 50 && seconds <= 60, `${seconds} s`)
  t.equal(reply.headers['ratelimit-reset'], reply.headers['retry-after'])
  t.match(reply.json(), { code: 'rate_limited', status: 429, retry_after: seconds })
  t.equal(sandbox.calls.length, calls)
})

tap.test('regression: addresses that cannot be decoded, and other odd requests, were not counted', async (t) => {
  const { app } = await startService(t, { environment: { ...environment, CLIENT_RATE_LIMIT: '3' } })
  const ask = async (url: string, accept = '*/*') => {
    const { statusCode, headers } = await app.inject({ url, headers: { ...keyed('one'), accept } })
    return [statusCode, headers['ratelimit-remaining']]
  }
  t.strictSame(await ask('/products/%FF/stock'), [400, '2'])
  t.strictSame(await ask('/products/CUP/stock', 'text/html'), [406, '1'])
  t.strictSame(await ask(`/stock?sku=${'x'.repeat(17_000)}`), [414, '0'])
  t.strictSame(await ask('/docs/%zz'), [429, '0'])
})

tap.test('ignores X-Forwarded-For from an untrusted proxy', async (t) => {
  const statuses = async (trustProxy: string) => {
    const { app } = await startService(t, { environment: { CLIENT_RATE_LIMIT: '1', TRUST_PROXY: trustProxy } })
    const found: number[] = []
    for (const forwarded of ['1.1.1.1', '2.2.2.2', '1.1.1.1, 10.0.0.7']) {
      const headers = { 'x-forwarded-for': forwarded }
      found.push((await app.inject({ url: '/warehouses', headers, remoteAddress: '10.0.0.9' })).statusCode)
    }
    return found
  }
  t.strictSame(await statuses(''), [200, 429, 429])
  t.strictSame(await statuses('192.168.0.0/16'), [200, 429, 429], 'from a proxy that is not trusted')
  t.strictSame(await statuses('true'), [200, 200, 429])
  t.strictSame(await statuses('10.0.0.9'), [200, 200, 200])
  t.strictSame(await statuses('1'), [200, 200, 200])
})

tap.test('counts forwarded requests by address alone', async (t) => {
  const { app } = await startService(t, { environment: { CLIENT_RATE_LIMIT: '1', TRUST_PROXY: 'true' } })
  const ask = async (forwarded: string) =>
    (await app.inject({ url: '/warehouses', headers: { 'x-forwarded-for': forwarded } })).statusCode
  t.equal(await ask('1.1.1.1:40001'), 200)
  t.equal(await ask('1.1.1.1:40002'), 429, 'another port of the same address')
  t.equal(await ask('1.1.1.1'), 429)
  t.equal(await ask('[2001:db8::1]:40001'), 200)
  t.equal(await ask('[2001:db8::2]'), 429, 'the same network')
  t.equal(await ask('fe80::1%a'), 200)
  t.equal(await ask(`fe80::1%${'a'.repeat(9000)}`), 429, 'a zone does not make another address')
  t.equal(await ask('x'.repeat(9000)), 200)
  t.equal(await ask('no address'), 429, 'all invalid addresses count as one client')
})

tap.test('does not count probes, documentation and webhooks', async (t) => {
  const { app, get } = await startService(t, {
    environment: {
      CLIENT_RATE_LIMIT: '1',
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    },
  })
  await get('/warehouses')
  const payload = JSON.stringify({ connection_id: 'conn_other', event_type: 'product.updated', data: {} })
  const deliver = (id: string) => {
    const signed = signWebhook(sandboxWebhookSecret, id, Math.floor(Date.now() / 1000), payload)
    const headers = { 'content-type': 'application/json', ...signed }
    return app.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })
  }
  for (const id of ['msg_1', 'msg_2']) {
    for (const url of ['/livez', '/readyz', '/metrics', '/docs/', '/openapi.json']) {
      t.equal((await get(url)).statusCode, 200, url)
    }
    t.equal((await deliver(id)).statusCode, 204)
  }
  t.equal((await get('/warehouses')).statusCode, 429)
})

tap.test('CLIENT_RATE_LIMIT=0 turns the limit and its headers off', async (t) => {
  const { get } = await startService(t, { environment: { CLIENT_RATE_LIMIT: '0' } })
  const reply = await get('/products/CUP/stock')
  t.equal(reply.statusCode, 200)
  t.strictSame(
    Object.keys(reply.headers).filter((name) => name.startsWith('ratelimit')),
    [],
  )
})
