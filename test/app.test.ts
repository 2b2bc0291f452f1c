import tap from 'tap'
import { MockAgent } from 'undici'
import { buildApp } from '../src/app.js'
import { readConfig } from '../src/config/config.js'
import { createLogger } from '../src/http/logging.js'
import { startService } from './harness.js'

tap.test('logs, counts and labels every response, rejections included', async (t) => {
  const lines: string[] = []
  const { get } = await startService(t, {
    environment: {
      AUTH_MODE: 'api-key',
      API_KEYS: 'shop:one',
      CORS_ORIGINS: 'https://shop.example',
      CLIENT_RATE_LIMIT: '2',
      LOG_LEVEL: 'info',
    },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  const request = (key: string) => get('/warehouses', { 'x-api-key': key, origin: 'https://shop.example' })
  const replies = [await request('one'), await request('no'), await request('one'), await request('one')]
  t.strictSame(
    replies.map(({ statusCode }) => statusCode),
    [200, 401, 200, 429],
  )
  for (const { headers } of replies) {
    t.match(headers, {
      'x-request-id': /^[\da-f-]{36}$/,
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': 'https://shop.example',
      'ratelimit-limit': '2',
    })
  }
  const logged = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request completed')
  t.strictSame(
    logged.map(({ status, caller, problem }) => [status, caller, problem]),
    [
      [200, 'shop', null],
      [401, null, 'unauthorized'],
      [200, 'shop', null],
      [429, 'shop', 'rate_limited'],
    ],
  )
  t.match((await get('/metrics')).body, 'http_caller_requests_total{caller="shop",status="429"} 1')
})

tap.test('limits the number of connections', async (t) => {
  const { app } = await startService(t)
  t.equal(app.server.maxConnections, 20_000)
})

tap.test('admits no caller if authentication is on and there are no keys', async (t) => {
  const config = readConfig({
    TRACKSTAR_API_KEY: 'k',
    TRACKSTAR_ACCESS_TOKEN: 't',
    AUTH_MODE: 'none',
    CATALOG_MODE: 'on-demand',
    LOG_LEVEL: 'silent',
  })
  const app = await buildApp({ ...config, authMode: 'api-key', apiKeys: undefined }, { dispatcher: new MockAgent() })
  t.teardown(() => app.close())
  for (const headers of [{}, { 'x-api-key': '' }, { authorization: 'Bearer undefined' }]) {
    t.equal((await app.inject({ url: '/warehouses', headers })).statusCode, 401)
  }
})

tap.test('sends no CORS headers unless an origin is configured', async (t) => {
  const { app } = await startService(t)
  const headers = { origin: 'https://shop.example', 'access-control-request-method': 'GET' }
  for (const method of ['GET', 'OPTIONS'] as const) {
    const reply = await app.inject({ method, url: '/livez', headers })
    t.notOk(Object.keys(reply.headers).some((name) => name.startsWith('access-control-')))
  }
})

tap.test('regression: calls with a permit waited for one of 32 sockets', async (t) => {
  const rate = 60
  const { get, sandbox } = await startService(t, {
    environment: { TRACKSTAR_READ_RATE: String(rate), TRACKSTAR_WRITE_RATE: '1', TRACKSTAR_TIMEOUT_MS: '5000' },
  })
  sandbox.fault('/wms/products', { delayMs: 2000 })
  const lists = Array.from({ length: rate }, (_, n) => get(`/products?limit=${n + 1}`))
  await Promise.race(lists)
  t.equal(sandbox.calls.length, rate, 'all were sent before the first response')
  for (const { statusCode } of await Promise.all(lists)) t.equal(statusCode, 200)
})
