import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import cors from '../../src/http/cors.js'

const shop = 'https://shop.example'

async function start(t: Test, origins = [shop, 'http://localhost:5173']) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cors, { origins })
  app.get('/things', () => ({}))
  app.post('/things', () => ({}))
  app.get('/refused', () => {
    throw Object.assign(new Error('no'), { statusCode: 403 })
  })
  const from = (origin: string | undefined, url = '/things') =>
    app.inject({ url, headers: origin === undefined ? {} : { origin } })
  const preflight = (origin: string, method = 'POST') =>
    app.inject({
      method: 'OPTIONS',
      url: '/things',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type',
      },
    })
  return { app, from, preflight }
}

/** The names in a list header. */
const names = (header: unknown) => String(header).split(/, */)
const corsHeaders = (headers: object) => Object.keys(headers).filter((name) => name.startsWith('access-control-'))

tap.test('allows pages of configured origins to read responses', async (t) => {
  const { from } = await start(t)
  for (const origin of [shop, 'http://localhost:5173']) {
    const { headers } = await from(origin)
    t.equal(headers['access-control-allow-origin'], origin)
    t.strictSame(names(headers['vary']), ['Origin'], 'no cache may serve it to a page of the other origin')
    t.notOk(headers['access-control-allow-credentials'], 'credentials are never allowed')
  }
})

tap.test('exposes the headers that a frontend needs', async (t) => {
  const { from } = await start(t)
  t.strictSame(names((await from(shop)).headers['access-control-expose-headers']).toSorted(), [
    'Age',
    'Cache-Status',
    'ETag',
    'Idempotency-Key',
    'Idempotent-Replayed',
    'RateLimit-Limit',
    'RateLimit-Remaining',
    'RateLimit-Reset',
    'Retry-After',
    'X-Request-Id',
  ])
})

tap.test('allows no other origin, however similar', async (t) => {
  const { from, preflight } = await start(t)
  const others = [
    'https://evil.example',
    'http://shop.example',
    'https://shop.example:8443',
    'https://shop.example:443',
    'https://www.shop.example',
    'https://shop.example.evil.example',
    'https://evilshop.example',
    'https://shop.example@evil.example',
    'https://shop.example/',
    'https://SHOP.example',
    'https://shop.example https://evil.example',
    `${shop}, https://evil.example`,
    'http://localhost:5174',
    'http://localhost',
    'null',
    '*',
    '',
  ]
  for (const origin of others) {
    const reply = await from(origin)
    t.equal(reply.statusCode, 200, origin)
    t.strictSame(corsHeaders(reply.headers), [], origin)
    t.match(reply.headers['vary'], 'Origin')
    const response = await preflight(origin)
    t.equal(response.statusCode, 404, origin)
    t.strictSame(corsHeaders(response.headers), [], origin)
  }
  const none = await from(undefined)
  t.equal(none.statusCode, 200)
  t.strictSame(corsHeaders(none.headers), [], 'a request without Origin is not from a page')
})

tap.test('answers a preflight with the allowed methods and headers', async (t) => {
  const { preflight } = await start(t)
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const { statusCode, headers, body } = await preflight(shop, method)
    t.equal(statusCode, 204)
    t.equal(body, '')
    t.equal(headers['access-control-allow-origin'], shop)
    t.strictSame(names(headers['access-control-allow-methods']), ['GET', 'HEAD', 'POST', 'PUT'])
    t.equal(headers['access-control-max-age'], '7200')
    t.match(headers['vary'], 'Origin')
    t.notOk(headers['access-control-allow-credentials'])
    const allowed = names(headers['access-control-allow-headers']).map((name) => name.toLowerCase())
    t.strictSame(allowed.toSorted(), [
      'authorization',
      'cache-control',
      'content-type',
      'idempotency-key',
      'if-none-match',
      'last-event-id',
      'traceparent',
      'tracestate',
      'x-api-key',
      'x-request-id',
    ])
  }
})

tap.test('allows a page to read a rejection', async (t) => {
  const { from } = await start(t)
  for (const [url, status] of [
    ['/refused', 403],
    ['/nowhere', 404],
  ] as const) {
    const reply = await from(shop, url)
    t.equal(reply.statusCode, status)
    t.equal(reply.headers['access-control-allow-origin'], shop)
    t.ok(reply.headers['access-control-expose-headers'])
  }
})

tap.test('answers an OPTIONS request that is not a preflight', async (t) => {
  const { app } = await start(t)
  const reply = await app.inject({ method: 'OPTIONS', url: '/things', headers: { origin: shop } })
  t.equal(reply.statusCode, 204)
  t.equal(reply.headers['access-control-allow-origin'], shop)
})
