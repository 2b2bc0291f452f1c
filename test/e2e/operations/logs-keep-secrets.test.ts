import { pino } from 'pino'
import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { type ServiceOptions, startService } from '../../harness.js'

/** A service and its log lines. */
async function start(t: Parameters<typeof startService>[0], options: ServiceOptions = {}) {
  const lines: string[] = []
  const service = await startService(t, {
    ...options,
    environment: { LOG_LEVEL: 'trace', ...options.environment },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  const answered = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request completed')
  return { ...service, lines, answered }
}

tap.test("logs one line for each request, with its id and without the client's address", async (t) => {
  const { get, post, answered, lines } = await start(t)
  await get('/products/SENCHA-100/stock?warehouse_id=wh_oslo', { 'x-request-id': 'one' })
  await get('/products/SENCHA-100/stock', { 'x-request-id': 'two' })
  await get('/nowhere/at/all', { 'x-request-id': 'three' })
  await post('/stock/query', {}, { 'x-request-id': 'four' })
  t.match(answered(), [
    { request_id: 'one', method: 'GET', route: '/products/:sku/stock', status: 200, cache: 'fwd=miss', level: 30 },
    { request_id: 'two', route: '/products/:sku/stock', status: 200, cache: 'hit' },
    { request_id: 'three', status: 404, cache: null },
    { request_id: 'four', method: 'POST', route: '/stock/query', status: 400 },
  ])
  t.equal(answered().length, 4)
  t.notOk(lines.some((line) => line.includes('SENCHA-100')))
  const calls = lines.map((line) => JSON.parse(line)).filter(({ upstream }) => upstream)
  t.match(calls[0].upstream, { outcome: '200', upstreamRequestId: /^req_/ })
})

tap.test('logs no secret, even if Trackstar echoes it', async (t) => {
  const secrets = ['k3y-"with\\quotes', 't0ken-of-the-connection']
  const { get, post, sandbox, lines } = await start(t, {
    sandbox: { apiKey: String(secrets[0]), accessToken: String(secrets[1]) },
  })
  const echo = { error: `bad credentials: ${secrets.join(' and ')}`, origin: 'trackstar' }
  for (const status of [400, 401, 403, 404, 422, 429, 500, 501, 503]) {
    sandbox.clearFaults()
    sandbox.fault('*', { status, body: echo, headers: { 'x-request-id': `req ${secrets[1]}` } })
    for (const url of ['/products/A/stock', '/products', '/warehouses/w']) {
      const reply = await get(url, { 'x-api-key': String(secrets[0]), authorization: `Bearer ${secrets[1]}` })
      // Upstream's text about a request (400, 422, 501) is passed on.
      if (![400, 422, 501].includes(status)) for (const secret of secrets) t.notOk(reply.body.includes(secret))
    }
    await post('/stock/query', { skus: ['A'] })
  }
  t.ok(lines.length > 30)
  t.ok(lines.some((line) => line.includes('[redacted]')))
  for (const secret of secrets) {
    const written = JSON.stringify(secret).slice(1, -1)
    t.notOk(lines.some((line) => line.includes(secret) || line.includes(written)))
  }
})

tap.test('logs an error of our own with its stack, and reveals nothing of it to the caller', async (t) => {
  const { app, get, lines } = await start(t)
  app.get('/broken', () => {
    throw new TypeError('the inside of things')
  })
  const reply = await get('/broken')
  t.equal(reply.statusCode, 500)
  t.equal(reply.json().code, 'internal_error')
  t.notOk(reply.body.includes('inside'))
  const [line] = lines.map((text) => JSON.parse(text)).filter(({ level }) => level === 50)
  t.match(line, { request_id: reply.json().request_id })
  t.match(JSON.stringify(line), /the inside of things.*logs-keep-secrets/)
})

tap.test('logs nothing below its level', async (t) => {
  const lines: string[] = []
  const config = { logLevel: 'warn', trackstarApiKey: 'a-key', connections: [{ accessToken: 'a-token' }] } as const
  const logger = createLogger(config, { write: (line) => void lines.push(line) })
  logger.info('not this')
  logger.warn('this')
  t.equal(lines.length, 1)
  t.equal(createLogger(config).level, 'warn')
  t.equal(pino.levels.values['warn'], 40)
})
