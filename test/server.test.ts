import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { readConfig } from '../src/config/config.js'
import { Metrics } from '../src/http/metrics.js'
import { Tickets } from '../src/http/tickets.js'
import { createServer } from '../src/server.js'

const required = { TRACKSTAR_API_KEY: 'k', TRACKSTAR_ACCESS_TOKEN: 't', AUTH_MODE: 'none' }

async function start(t: Test, environment: Record<string, string> = {}, change = {}) {
  const lines: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const parts = { logger, metrics: new Metrics(), tickets: new Tickets(Date.now) }
  const app = await createServer({ ...readConfig({ ...required, ...environment }), ...change }, parts)
  t.teardown(() => app.close())
  app.get('/things', () => ({}))
  return { app, lines, parts }
}

tap.test('has no route of its own', async (t) => {
  const { app } = await start(t)
  t.equal((await app.inject('/')).statusCode, 404)
  t.equal((await app.inject('/livez')).statusCode, 404)
})

tap.test('puts all that cuts across on an answer, and on a refusal', async (t) => {
  const { app, lines, parts } = await start(t, {
    AUTH_MODE: 'api-key',
    API_KEYS: 'shop:one',
    CORS_ORIGINS: 'https://shop.example',
    CLIENT_RATE_LIMIT: '2',
  })
  const ask = (key: string) =>
    app.inject({ url: '/things', headers: { 'x-api-key': key, origin: 'https://shop.example' } })
  const replies = [await ask('one'), await ask('no'), await ask('one'), await ask('one')]
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
  const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'answered')
  t.strictSame(
    told.map(({ status, caller, problem }) => [status, caller, problem]),
    [
      [200, 'shop', null],
      [401, null, 'unauthorized'],
      [200, 'shop', null],
      [429, 'shop', 'rate_limited'],
    ],
  )
  t.match(await parts.metrics.registry.metrics(), 'http_caller_requests_total{caller="shop",status="429"} 1')
})

tap.test('takes no more connections than it can hold', async (t) => {
  const { app } = await start(t)
  t.equal(app.server.maxConnections, 20_000)
})

tap.test('lets nobody in where keys are asked for and there are none', async (t) => {
  const { app } = await start(t, {}, { authMode: 'api-key', apiKeys: undefined })
  for (const headers of [{}, { 'x-api-key': '' }, { authorization: 'Bearer undefined' }]) {
    t.equal((await app.inject({ url: '/things', headers })).statusCode, 401)
  }
})

tap.test('knows no CORS where no origin is named', async (t) => {
  const { app } = await start(t)
  const headers = { origin: 'https://shop.example', 'access-control-request-method': 'GET' }
  for (const method of ['GET', 'OPTIONS'] as const) {
    const reply = await app.inject({ method, url: '/things', headers })
    t.notOk(Object.keys(reply.headers).some((name) => name.startsWith('access-control-')))
  }
})
