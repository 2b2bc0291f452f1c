import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { LightMyRequestResponse } from 'fastify'
import tap, { type Test } from 'tap'
import { EventStream } from '../../event-stream.js'
import { eventually, overSocket, type ServiceOptions, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

const shop = 'https://shop.example'
const evil = 'https://shop.example.evil.example'
const key = { 'x-api-key': 'hunter2' }
const environment = { AUTH_MODE: 'api-key', API_KEYS: 'shop:hunter2', CORS_ORIGINS: `${shop},http://localhost:5173` }

const start = (t: Test, options: ServiceOptions = {}) =>
  startService(t, { ...options, environment: { ...environment, ...options.environment } })

const corsOf = ({ headers }: Pick<LightMyRequestResponse, 'headers'>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'))

tap.test('a page of an allowed origin can read every response, errors included', async (t) => {
  const { app, get, post } = await start(t, { environment: { CLIENT_RATE_LIMIT: '4' } })
  const page = { origin: shop, ...key }
  const etag = (await get('/products/CUP/stock', page)).headers['etag'] as string
  const replies: [number, LightMyRequestResponse][] = [
    [200, await get('/products/CUP/stock', page)],
    [304, await get('/products/CUP/stock', { ...page, 'if-none-match': etag })],
    [404, await get('/products/UNKNOWN/stock', page)],
    [429, await get('/products/CUP/stock', page)],
    [400, await app.inject({ url: '/products/%zz/stock', headers: { origin: shop }, remoteAddress: '10.0.0.9' })],
    [401, await get('/products/CUP/stock', { origin: shop })],
    [401, await post('/stock/events/tickets', {}, { origin: shop, 'x-api-key': 'guessed' })],
    [404, await get('/nowhere', { origin: shop })],
    [405, await app.inject({ method: 'DELETE', url: '/livez', headers: { origin: shop } })],
    [429, await get('/nowhere', { origin: shop })],
    [200, await get('/openapi.json', { origin: shop })],
  ]
  for (const [status, reply] of replies) {
    t.equal(reply.statusCode, status)
    t.equal(reply.headers['access-control-allow-origin'], shop)
    t.match(reply.headers['vary'], 'Origin')
    t.match(reply.headers['access-control-expose-headers'], /ETag, Age, Cache-Status, X-Request-Id, Retry-After/)
    t.notOk(reply.headers['access-control-allow-credentials'])
  }
})

tap.test('exposes every response header with information for callers', async (t) => {
  const { get, app } = await start(t, {
    environment: { API_KEYS: 'shop:hunter2:read+write', CLIENT_RATE_LIMIT: '4' },
  })
  const page = { origin: shop, ...key }
  const adjust = () =>
    app.inject({
      method: 'PUT',
      url: '/inventory/inv_tray/adjust',
      headers: { ...page, 'idempotency-key': '1' },
      payload: { quantity: 5, adjustment_type: 'increase' },
    })
  const replies = [await get('/products/CUP/stock', page), await adjust(), await adjust()]
  for (let n = 0; n < 3; n++) replies.push(await get('/products/CUP/stock', page))
  t.equal(replies.at(-1)?.statusCode, 429)
  const exposed = String(replies[0]?.headers['access-control-expose-headers']).toLowerCase().split(', ')
  // Headers that every page may read (Fetch, "CORS-safelisted response-header name"), and those for the browser itself.
  const safe = ['cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified']
  const known = /^(access-control-|cross-origin-|x-(content|dns|download|frame|permitted|xss)|vary$|date$|connection$)/
  const helmets = /^(content-security-policy|origin-agent-cluster|referrer-policy|strict-transport-security)$/
  for (const { headers } of replies) {
    const telling = Object.keys(headers).filter(
      (name) => !safe.includes(name) && !known.test(name) && !helmets.test(name),
    )
    t.ok(telling.length > 2)
    t.strictSame(
      telling.filter((name) => !exposed.includes(name)),
      [],
    )
  }
})

tap.test('a page of any other origin can read nothing', async (t) => {
  const { app, get, listen } = await start(t)
  for (const origin of [evil, 'http://shop.example', 'https://shop.example:8443', 'https://www.shop.example', 'null']) {
    for (const url of ['/products/CUP/stock', '/nowhere', '/livez']) {
      t.strictSame(corsOf(await get(url, { origin, ...key })), [], `${origin} ${url}`)
    }
    const headers = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-api-key' }
    const preflight = await app.inject({ method: 'OPTIONS', url: '/products/CUP/stock', headers })
    t.equal(preflight.statusCode, 405)
    t.strictSame(corsOf(preflight), [])
  }
  const twice = `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: ${shop}\r\nOrigin: ${evil}\r\n\r\n`
  const reply = await overSocket(await listen(), twice)
  t.equal(reply.status, 200)
  t.notOk(reply.headers.has('access-control-allow-origin'))
})

tap.test('a preflight needs no key', async (t) => {
  const { app, newCalls } = await start(t, { environment: { CLIENT_RATE_LIMIT: '1' } })
  const requests = [
    ['GET', '/products/CUP/stock'],
    ['POST', '/stock/query'],
    ['PUT', '/inventory/inv_tray/adjust'],
    ['POST', '/stock/events/tickets'],
  ] as const
  for (const [method, url] of requests) {
    const headers = {
      origin: shop,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,idempotency-key,x-api-key',
    }
    const { statusCode, headers: allowed } = await app.inject({ method: 'OPTIONS', url, headers })
    t.equal(statusCode, 204)
    t.equal(allowed['access-control-allow-origin'], shop)
    t.match(allowed['access-control-allow-methods'], method)
    for (const name of ['Authorization', 'X-API-Key', 'Content-Type', 'Idempotency-Key']) {
      t.match(allowed['access-control-allow-headers'], name)
    }
    t.equal(allowed['x-content-type-options'], 'nosniff')
  }
  t.strictSame(newCalls(), [])
})

tap.test('a page of an allowed origin can read events with a ticket', async (t) => {
  const { app, get, post, listen, move } = await startMirrored(t, { waits: false, environment })
  await app.ready()
  await eventually(async () => (await get('/stock/low?below=0', key)).statusCode === 200)
  const { ticket } = (await post('/stock/events/tickets', {}, { origin: shop, ...key })).json()
  const target = `/stock/events?sku=LIVE-JASMINE&ticket=${ticket}`
  const headers = { origin: shop, 'accept-encoding': 'gzip, deflate, br', accept: 'text/event-stream' }
  const stream = await EventStream.open(t, await listen(), target, headers)
  t.equal(stream.response.statusCode, 200)
  t.match(stream.response.headers, {
    'access-control-allow-origin': shop,
    'x-content-type-options': 'nosniff',
    'content-security-policy': /default-src 'none'/,
  })
  t.notOk(stream.response.headers['content-encoding'], 'compression would delay events')
  await move('inv_jasmine', -3, 'wh_oslo')
  t.strictSame(await stream.changes(1), [['LIVE-JASMINE', 40, 37]])
  const refused = await EventStream.open(t, await listen(), target, headers)
  t.equal(refused.response.statusCode, 401)
  t.equal(refused.response.headers['access-control-allow-origin'], shop)
})

tap.test('without CORS_ORIGINS, sends no CORS header except Vary', async (t) => {
  const { app, get } = await start(t, { environment: { CORS_ORIGINS: '' } })
  const headers = { origin: shop, 'access-control-request-method': 'GET' }
  for (const reply of [
    await get('/products/CUP/stock', { origin: shop, ...key }),
    await get('/livez', { origin: shop }),
    await app.inject({ method: 'OPTIONS', url: '/products/CUP/stock', headers }),
  ]) {
    t.strictSame(corsOf(reply), [])
  }
})

tap.test('sends security headers with every response, and a separate policy with the documentation', async (t) => {
  const { app, get, post } = await start(t, { environment: { API_KEYS: 'shop:hunter2' } })
  const data: [number, LightMyRequestResponse][] = [
    [200, await get('/products/CUP/stock', key)],
    [200, await get('/metrics')],
    [200, await get('/openapi.json')],
    [400, await post('/stock/query', {}, key)],
    [401, await get('/status')],
    [404, await get('/nowhere')],
    [405, await app.inject({ method: 'DELETE', url: '/livez' })],
    [501, await get('/stock/low?below=1', key)],
  ]
  for (const [status, reply] of data) {
    t.equal(reply.statusCode, status)
    t.equal(reply.headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'")
  }
  const pages = [await get('/docs/'), await get('/docs/problems'), await get('/docs/static/swagger-ui.css')]
  for (const reply of pages) t.match(reply.headers['content-security-policy'], /^default-src 'self';script-src 'self';/)
  for (const { headers } of [...data.map(([, reply]) => reply), ...pages]) {
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
      'cross-origin-resource-policy': 'same-origin',
    })
  }
})

tap.test('compresses long responses without changing them', async (t) => {
  const { app, post, get, sandbox } = await start(t)
  const skus = Array.from(sandbox.data.products.values(), ({ sku }) => sku ?? '').slice(-60)
  const url = `/stock?${new URLSearchParams(skus.map((sku): [string, string] => ['sku', sku]))}`
  const plain = await get(url, key)
  t.notOk(plain.headers['content-encoding'])
  t.ok(plain.body.length > 20_000)
  for (const [encoding, decode] of [
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const) {
    const reply = await get(url, { ...key, 'accept-encoding': encoding })
    t.equal(reply.headers['content-encoding'], encoding)
    t.match(reply.headers['vary'], /Authorization, X-API-Key, Origin, Accept-Encoding/)
    t.equal(reply.headers['etag'], plain.headers['etag'])
    t.ok(reply.rawPayload.length < plain.body.length / 4)
    t.strictSame(JSON.parse(String(decode(reply.rawPayload))).results, plain.json().results)
    const known = await get(url, {
      ...key,
      'accept-encoding': encoding,
      'if-none-match': String(reply.headers['etag']),
    })
    t.equal(known.statusCode, 304)
    t.equal(known.rawPayload.length, 0)
    t.notOk(known.headers['content-encoding'])
  }
  const head = await app.inject({ method: 'HEAD', url, headers: { ...key, 'accept-encoding': 'gzip' } })
  t.strictSame([head.statusCode, head.rawPayload.length, head.headers['etag']], [200, 0, plain.headers['etag']])
  t.notOk(head.headers['content-length'], 'the length of the uncompressed body would be wrong')
  const short = await app.inject({ method: 'HEAD', url: '/products/CUP/stock', headers: key })
  t.equal(Number(short.headers['content-length']), (await get('/products/CUP/stock', key)).rawPayload.length)
  const small = await get('/products/CUP/stock', { ...key, 'accept-encoding': 'gzip, br' })
  t.notOk(small.headers['content-encoding'])
  t.equal(small.json().sku, 'CUP')
  const query = await post('/stock/query', { skus }, { ...key, 'accept-encoding': 'gzip' })
  t.strictSame(JSON.parse(String(gunzipSync(query.rawPayload))).results, plain.json().results)
})
