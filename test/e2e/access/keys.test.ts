import { createHash, hash } from 'node:crypto'
import tap, { type Test } from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { overSocket, type ServiceOptions, startService } from '../../harness.js'
import { operationsOf } from '../../openapi/document.js'
import { routesOf } from '../../openapi/routes.js'

const keys = { shop: 'k3y-of-the-shop', office: 'k3y-of-the-office', robot: 'k3y-of-the-robot' }
const environment = {
  AUTH_MODE: 'api-key',
  API_KEYS: [
    `shop:${keys.shop}`,
    `office:${keys.office}:read+write`,
    `robot:sha256:${hash('sha256', keys.robot)}:read+write`,
  ].join(),
}
const withWebhooks = { TRACKSTAR_CONNECTION_ID: 'conn_sandbox', TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret }
const json = { 'content-type': 'application/json' }
const more = { quantity: 5, adjustment_type: 'increase' }

/** A service with these keys. */
async function start(t: Test, options: ServiceOptions = {}) {
  const service = await startService(t, { ...options, environment: { ...environment, ...options.environment } })
  const adjust = (headers: Record<string, string>, url = '/inventory/inv_tray/adjust') =>
    service.app.inject({ method: 'PUT', url, headers: { ...json, ...headers }, payload: JSON.stringify(more) })
  return { ...service, adjust }
}

tap.test('accepts each key in either header, plain or hashed in the configuration', async (t) => {
  const { get } = await start(t)
  for (const key of Object.values(keys)) {
    for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
      t.equal((await get('/products/CUP/stock', headers)).statusCode, 200)
    }
  }
})

tap.test('without a valid key, calls nothing upstream and reads no body', async (t) => {
  const { app, get, post, adjust, sandbox } = await start(t)
  const wrong: Record<string, string>[] = [
    {},
    { 'x-api-key': 'guessed' },
    { authorization: `Basic ${keys.shop}` },
    { 'x-api-key': hash('sha256', keys.robot) },
  ]
  for (const headers of wrong) {
    const replies = [
      await get('/products/CUP/stock', headers),
      await get('/products/CUP/stock', { ...headers, 'cache-control': 'no-cache' }),
      await get('/products?limit=1', headers),
      await post('/stock/query', { skus: ['CUP'] }, headers),
      await app.inject({ method: 'POST', url: '/stock/query', headers: { ...json, ...headers }, payload: '{"skus' }),
      await adjust(headers),
    ]
    for (const reply of replies) {
      t.equal(reply.statusCode, 401)
      t.match(reply.json(), { code: 'unauthorized', status: 401, type: /docs\/problems#unauthorized$/ })
      t.match(reply.headers['www-authenticate'], /^Bearer/)
    }
  }
  t.strictSame(sandbox.calls, [])
})

tap.test('rejects a long body without waiting for its end', async (t) => {
  const { listen } = await start(t)
  const head = `POST /stock/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n`
  const reply = await overSocket(await listen(), `${head}Content-Length: 900000\r\n\r\n{`)
  t.equal(reply.status, 401)
})

tap.test('rejects two keys in the same header', async (t) => {
  const { listen } = await start(t)
  const port = await listen()
  const ask = async (...headers: string[]) =>
    (
      await overSocket(
        port,
        `GET /warehouses HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers.join('')}\r\n`,
      )
    ).status
  const bearer = (key: string) => `Authorization: Bearer ${key}\r\n`
  const apiKey = (key: string) => `X-API-Key: ${key}\r\n`
  t.equal(await ask(bearer('guessed'), bearer(keys.shop)), 401)
  t.equal(await ask(bearer(keys.shop), bearer('guessed')), 401)
  t.equal(await ask(apiKey(keys.shop), apiKey(keys.shop)), 401)
  t.equal(await ask(apiKey('guessed'), apiKey(keys.shop)), 401)
  t.equal(await ask(bearer(keys.shop), apiKey('guessed')), 200)
})

const open = ['GET /', 'GET /docs', 'GET /docs/problems', 'GET /livez', 'GET /metrics', 'GET /openapi.json']
open.push('GET /openapi.yaml', 'GET /readyz', 'GET /ui', 'GET /ui/')

tap.test('requires a key on every route except the public ones and the webhook', async (t) => {
  const { app } = await start(t, { environment: withWebhooks })
  const routes = await routesOf(app)
  t.ok(routes.length > 20, `${routes.length} routes`)
  const found: string[] = []
  for (const route of routes) {
    const [method = '', template = ''] = route.split(' ')
    const url = template.replaceAll(/:\w+/g, 'x')
    for (const verb of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
      const reply = await app.inject({ method: verb as 'GET', url })
      if (reply.statusCode !== 401) found.push(`${verb} ${template}`)
      else t.match(reply.headers['www-authenticate'], /^Bearer/, route)
    }
  }
  const both = open.flatMap((route) => [route, route.replace('GET', 'HEAD')])
  t.strictSame(found.toSorted(), both.toSorted())
  for (const url of [
    '/docs/',
    '/docs/static/swagger-initializer.js',
    '/docs/static/swagger-ui.css',
    '/docs/json',
    '/docs/yaml',
  ]) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
})

tap.test('documents the security of each route', async (t) => {
  const { get } = await start(t, { environment: withWebhooks })
  const document = (await get('/openapi.json')).json()
  const securityOf = Object.fromEntries(
    operationsOf(document).map(({ operation }) => [operation.operationId, Object(operation).security]),
  )
  const key = (scope: string) => [{ bearer: [scope] }, { apiKey: [scope] }]
  for (const name of ['getLiveness', 'getReadiness', 'getMetrics']) t.strictSame(securityOf[name], [], name)
  t.strictSame(securityOf['adjustInventoryItem'], key('write'))
  t.strictSame(securityOf['streamStockEvents'], [...key('read'), { ticket: [] }])
  t.strictSame(securityOf['receiveWebhook'], [{ signature: [] }])
  const others = Object.values(securityOf).filter(
    (security) => JSON.stringify(security) === JSON.stringify(key('read')),
  )
  t.equal(others.length, Object.keys(securityOf).length - 6)
  t.match(document.components.securitySchemes, {
    bearer: { type: 'http', scheme: 'bearer' },
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    ticket: { type: 'apiKey', in: 'query', name: 'ticket' },
    signature: { type: 'apiKey', in: 'header', name: 'svix-signature' },
  })
})

tap.test('no spelling of a path bypasses the keys', async (t) => {
  const { listen } = await start(t)
  const port = await listen()
  const odd = ['/docs/../warehouses', '/docs/%2e%2e/warehouses', '//warehouses', '/warehouses/', '/WAREHOUSES']
  odd.push('/livez/../warehouses', '/docs/static/../../warehouses', '/docs%2f..%2fwarehouses', '/warehouses%00')
  odd.push('/products/docs/stock', '/warehouses;/docs', '/warehouses?/docs', 'http://x/warehouses', '/./warehouses')
  for (const target of odd) {
    const reply = await overSocket(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    t.ok([400, 401, 403, 404].includes(reply.status), `${target}: ${reply.status}`)
    t.notMatch(reply.body, 'wh_oslo')
  }
})

tap.test('accepts webhooks by signature alone', async (t) => {
  const { app, newCalls } = await start(t, { environment: withWebhooks })
  const payload = JSON.stringify({ connection_id: 'conn_sandbox', event_type: 'sync.completed', data: {} })
  const signed = signWebhook(sandboxWebhookSecret, 'msg_1', Math.floor(Date.now() / 1000), payload)
  const deliver = async (headers: Record<string, string>) =>
    (
      await app.inject({
        method: 'POST',
        url: '/webhooks/trackstar',
        headers: { ...json, ...headers },
        payload,
      })
    ).statusCode
  t.equal(await deliver(signed), 204)
  t.equal(await deliver({ ...signed, 'x-api-key': 'guessed' }), 204)
  t.equal(await deliver({}), 401)
  t.equal(await deliver({ 'x-api-key': keys.office }), 401, 'a key does not replace a signature')
  t.notOk(
    newCalls().some((call) => call !== 'GET /connections/conn_sandbox'),
    "the delivery makes no call but the service's own sync status",
  )
})

tap.test('requires the write scope to adjust stock', async (t) => {
  const { adjust, newCalls } = await start(t)
  const refused = await adjust({ 'x-api-key': keys.shop })
  t.equal(refused.statusCode, 403)
  t.match(refused.json(), { code: 'forbidden', detail: /scope write.* shop / })
  t.notMatch(refused.body, keys.shop)
  t.strictSame(newCalls(), [])
  for (const key of [keys.office, keys.robot]) t.equal((await adjust({ 'x-api-key': key })).statusCode, 200)
  t.equal(newCalls().length, 2)
})

tap.test('separates Idempotency-Keys by caller, not by key', async (t) => {
  const office = 'k3y-of-the-office-after-rotation'
  const { adjust, sandbox } = await start(t, {
    environment: { API_KEYS: `${environment.API_KEYS},office:${office}:read+write` },
  })
  const replayed = async (key: string) =>
    (await adjust({ 'x-api-key': key, 'idempotency-key': '1' })).headers['idempotent-replayed']
  t.equal(await replayed(keys.office), undefined)
  t.equal(await replayed(keys.robot), undefined, 'another caller has not sent this key yet')
  t.equal(await replayed(keys.office), 'true')
  t.equal(await replayed(office), 'true', 'the same caller with another key')
  const upstream = new Set(sandbox.calls.map(({ headers }) => headers['idempotency-key']))
  t.equal(upstream.size, 2)
  t.ok(upstream.has(createHash('sha256').update('office\x001').digest('hex')), 'derived from the name')
})

tap.test('logs and counts the names of keys, never the keys', async (t) => {
  const lines: string[] = []
  const { get, post, adjust, app } = await start(t, {
    environment: { LOG_LEVEL: 'trace', CLIENT_RATE_LIMIT: '10' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  app.get('/broken', (request) => {
    throw Object.assign(new Error('oops'), { request: { headers: request.headers } })
  })
  const guessed = 'k3y-that-was-guessed'
  for (const key of [keys.shop, keys.office, guessed]) {
    const shown = { 'x-api-key': key, authorization: `Bearer ${key}` }
    await get('/products/CUP/stock', shown)
    await get(`/products/UNKNOWN/stock?key=${key}`, shown)
    await get(`/${key}`, shown)
    await get(`/stock?sku=${key}&sku=${'x'.repeat(300)}`, shown)
    await get(`/%zz${key}`, shown)
    await get('/broken', shown)
    await adjust(shown)
    await post('/stock/query', { skus: [], api_key: key }, shown)
    for (let n = 0; n < 8; n++) await get('/warehouses', shown)
  }
  const { body } = await get('/metrics')
  const completed = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request completed')
  for (const caller of ['shop', 'office', null]) {
    t.ok(completed.filter((line) => line.caller === caller).length > 8, `${caller} is named`)
  }
  t.ok(completed.some(({ caller, problem }) => caller === 'shop' && problem === 'rate_limited'))
  t.match(body, /^http_caller_requests_total\{caller="shop",status="200"\} \d+$/m)
  t.match(body, /^http_caller_requests_total\{caller="office",status="200"\} \d+$/m)
  for (const key of [keys.shop, keys.office, guessed]) {
    for (const secret of [key, hash('sha256', key), Buffer.from(key).toString('base64')]) {
      t.strictSame(
        lines.filter((line) => line.includes(secret)),
        [],
      )
      t.notOk(body.includes(secret))
    }
  }
})

tap.test('accepts every request with AUTH_MODE=none, as anonymous', async (t) => {
  const lines: string[] = []
  const { app, get, adjust } = await start(t, {
    environment: { AUTH_MODE: 'none', LOG_LEVEL: 'info' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  t.equal((await get('/products/CUP/stock')).statusCode, 200)
  t.equal((await adjust({})).statusCode, 200)
  t.equal((await get('/products/CUP/stock', { authorization: 'Bearer whatever' })).statusCode, 200)
  for (const route of await routesOf(app)) {
    const [method, url] = route.replaceAll(/:\w+/g, 'x').split(' ')
    if (url !== '/stock/events') {
      t.not((await app.inject({ method: method as 'GET', url: url ?? '' })).statusCode, 401, route)
    }
  }
  t.match(JSON.parse(lines[0] ?? ''), { caller: 'anonymous' })
})
