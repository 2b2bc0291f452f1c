import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import tap, { type Test } from 'tap'
import { Agent, buildConnector, type Dispatcher, MockAgent } from 'undici'
import { createSandbox } from '../../src/sandbox/sandbox.js'
import { httpTransport, type UpstreamRequest } from '../../src/trackstar/transport.js'
import { settled } from './fake-time.js'

const credentials = { apiKey: 'sandbox-api-key', accessToken: 'sandbox-access-token' }
const get = (path: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({ method: 'GET', path, ...more })

/** A transport to `base` through `dispatcher`; counts the requests that were written. */
function via(dispatcher: Dispatcher, base: string, timeoutMs = 5000) {
  const transport = httpTransport(dispatcher, base, credentials)
  const counts = { sent: 0 }
  const call = (request: UpstreamRequest) => transport(request, { timeoutMs, onSent: () => counts.sent++ })
  return { counts, call }
}

async function sandboxed(t: Test, path = '', timeoutMs?: number) {
  const sandbox = createSandbox({ products: 40, readRate: 0 })
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  t.teardown(() => sandbox.close())
  return { sandbox, ...via(dispatcher, (await sandbox.listen()) + path, timeoutMs) }
}

async function served(t: Test, listener: RequestListener, timeoutMs?: number) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${Object(server.address()).port}`
  return { base, ...via(dispatcher, base, timeoutMs) }
}

tap.test('sends the API key and the access token', async (t) => {
  const { sandbox, call, counts } = await sandboxed(t)
  const { status, headers, body } = await call(get('/wms/warehouses?limit=1'))
  t.equal(status, 200)
  t.match(headers, { 'x-request-id': 'req_1' })
  t.match(body, { data: [{ id: 'wh_oslo' }] })
  t.equal(counts.sent, 1)
  t.match(sandbox.calls, [
    {
      method: 'GET',
      url: '/wms/warehouses?limit=1',
      headers: {
        'x-trackstar-api-key': credentials.apiKey,
        'x-trackstar-access-token': credentials.accessToken,
        accept: 'application/json',
        'content-type': undefined,
      },
    },
  ])
})

tap.test('sends the API key alone if no access token is needed', async (t) => {
  const { sandbox, call } = await sandboxed(t)
  t.match(await call(get('/connections/conn_sandbox', { organisationOnly: true })), { status: 200 })
  t.equal(sandbox.calls[0]?.headers['x-trackstar-api-key'], credentials.apiKey)
  t.notOk(Object.hasOwn(sandbox.calls[0]?.headers ?? {}, 'x-trackstar-access-token'))
})

tap.test('lets no header of a request replace the credentials', async (t) => {
  const { sandbox, call } = await sandboxed(t)
  const headers = { 'x-trackstar-api-key': 'other', 'x-trackstar-access-token': 'other', 'x-own': 'kept' }
  t.match(await call(get('/wms/products?limit=1', { headers })), { status: 200 })
  t.equal(sandbox.calls[0]?.headers['x-own'], 'kept')
})

tap.test('prefixes each path with the path of the base URL', async (t) => {
  for (const path of ['/proxy/v1', '/proxy/v1/']) {
    const { sandbox, call } = await sandboxed(t, path)
    t.match(await call(get('/wms/inventory/a%2Fb%2C%20c?x=%26')), { status: 404, body: { origin: 'trackstar' } })
    t.equal(sandbox.calls[0]?.url, '/proxy/v1/wms/inventory/a%2Fb%2C%20c?x=%26')
  }
})

tap.test('sends a body as JSON', async (t) => {
  const { sandbox, call } = await sandboxed(t)
  const before = sandbox.data.inventory.get('inv_cup')?.onhand ?? 0
  const body = { quantity: 3, adjustment_type: 'increase' }
  const headers = { 'idempotency-key': 'once' }
  const request = { method: 'PUT', path: '/wms/inventory/inv_cup/adjust', headers, body } as const
  t.match(await call(request), { status: 200, body: { id: 'inv_cup' } })
  t.equal(sandbox.data.inventory.get('inv_cup')?.onhand, before + 3)
  t.match(sandbox.calls[0]?.headers, { 'content-type': 'application/json', 'idempotency-key': 'once' })
})

tap.test('returns a response of any status, without a body if it is not JSON', async (t) => {
  const { sandbox, call } = await sandboxed(t)
  for (const [status, text, body] of [
    [500, '<h1>Bad</h1>', undefined],
    [200, '{"data": [', undefined],
    [200, '', undefined],
    [200, 'null', null],
    [429, '{"error": "slow down"}', { error: 'slow down' }],
  ] as const) {
    sandbox.fault('/wms/products', { status, body: text, times: 1 })
    const answer = await call(get('/wms/products'))
    t.equal(answer.status, status)
    t.strictSame(answer.body, body)
  }
})

tap.test('times out a call', async (t) => {
  const { sandbox, call, counts } = await sandboxed(t, '', 300)
  sandbox.fault('*', { delayMs: 60_000 })
  await t.rejects(call(get('/wms/products')), {
    message: 'Trackstar did not send a complete response within 300 ms',
    problem: 'upstream_timeout',
    cause: { name: 'TimeoutError' },
  })
  t.equal(counts.sent, 1)
})

tap.test('times out a response that begins and does not end', async (t) => {
  const { call } = await served(t, (_request, response) => void response.write('{"data": ['), 80)
  await t.rejects(call(get('/')), { message: /complete response/, problem: 'upstream_timeout' })
})

tap.test('throws upstream_unavailable if there is no complete response', async (t) => {
  const failed = {
    message: 'The connection to Trackstar failed',
    problem: 'upstream_unavailable',
    extras: { retryAfter: 1 },
  }
  const { sandbox, call } = await sandboxed(t)
  sandbox.fault('*', { reset: true, times: 1 })
  await t.rejects(call(get('/wms/products')), failed, 'a connection that is reset')
  sandbox.fault('*', { truncate: true, times: 1 })
  await t.rejects(call(get('/wms/products')), failed, 'a truncated response')
  t.match(await call(get('/wms/products?limit=1')), { status: 200 }, 'the next call succeeds')
})

tap.test('writes nothing without a connection', async (t) => {
  const { base } = await served(t, () => {})
  const port = Number(new URL(base).port)
  const dispatcher = new Agent({
    connect: (_options, callback) =>
      callback(Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), { code: 'ECONNREFUSED' }), null),
  })
  t.teardown(() => dispatcher.destroy())
  const { call, counts } = via(dispatcher, base)
  await t.rejects(call(get('/')), {
    message: /failed/,
    problem: 'upstream_unavailable',
    cause: { code: 'ECONNREFUSED' },
  })
  t.equal(counts.sent, 0)
})

tap.test('counts a call as written once it is connected', async (t) => {
  const { base } = await served(t, (_request, response) => void response.end('{}'))
  const connector = buildConnector({})
  const door = new EventEmitter<{ knock: [open: () => void] }>()
  const dispatcher = new Agent({
    connect: (options, callback) => void door.emit('knock', () => connector(options, callback)),
  })
  t.teardown(() => dispatcher.destroy())
  const { call, counts } = via(dispatcher, base)
  const knock = once(door, 'knock')
  const answer = call(get('/'))
  const [open] = await knock
  await settled()
  t.equal(counts.sent, 0, 'it is not connected yet')
  open()
  t.match(await answer, { status: 200, body: {} })
  t.equal(counts.sent, 1)
})

tap.test('throws the same for errors of the dispatcher', async (t) => {
  const agent = new MockAgent()
  agent.disableNetConnect()
  t.teardown(() => agent.close())
  const { call } = via(agent, 'https://upstream.example/base')
  const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
  agent.get('https://upstream.example').intercept({ path: '/base/wms/products' }).replyWithError(cause)
  await t.rejects(call(get('/wms/products')), { message: /failed/, problem: 'upstream_unavailable', cause })
})
