import { once } from 'node:events'
import { createServer, request } from 'node:http'
import tap from 'tap'
import { createSandbox, type Fault } from '../../../src/sandbox/sandbox.js'
import { eventually, RunningClock, type ServiceOptions, startService } from '../../harness.js'

const url = '/products/SENCHA-100/stock'

/** A fault of Trackstar, and the response to a caller without a cached record. */
const faults: readonly (readonly [what: string, fault: Fault, status: number, code: string])[] = [
  ['429', { status: 429, headers: { 'retry-after': '30' } }, 503, 'upstream_unavailable'],
  ['500', { status: 500 }, 503, 'upstream_unavailable'],
  ['502', { status: 502, body: '<html>bad gateway</html>' }, 503, 'upstream_unavailable'],
  ['503', { status: 503 }, 503, 'upstream_unavailable'],
  ['reset', { reset: true }, 503, 'upstream_unavailable'],
  ['truncated', { truncate: true }, 503, 'upstream_unavailable'],
  ['slow', { delayMs: 3000 }, 504, 'upstream_timeout'],
  ['401', { status: 401 }, 502, 'upstream_auth_failed'],
  ['403', { status: 403 }, 502, 'upstream_auth_failed'],
  ['400', { status: 400 }, 422, 'upstream_rejected'],
  ['422', { status: 422, body: { error: 'no', origin: 'integration' } }, 422, 'upstream_rejected'],
  ['501', { status: 501 }, 501, 'not_supported_by_integration'],
  ['404', { status: 404 }, 502, 'upstream_invalid_response'],
  ['403 of a gateway', { status: 403, body: '<h1>Blocked</h1>' }, 502, 'upstream_invalid_response'],
  ['HTML', { status: 200, body: '<h1>Welcome</h1>' }, 502, 'upstream_invalid_response'],
  ['302', { status: 302, headers: { location: '/elsewhere' } }, 502, 'upstream_invalid_response'],
  ['no JSON', { body: '{"data": [' }, 502, 'upstream_invalid_response'],
  ['empty', { body: '' }, 502, 'upstream_invalid_response'],
  ['wrong shape', { body: { data: {} } }, 502, 'upstream_invalid_response'],
  ['a list', { body: [] }, 502, 'upstream_invalid_response'],
  ['null', { body: 'null' }, 502, 'upstream_invalid_response'],
  ['endless', { body: { data: [], next_token: 'again' } }, 502, 'upstream_invalid_response'],
]

const impatient: ServiceOptions = { environment: { TRACKSTAR_TIMEOUT_MS: '200' } }

// Most of the time is spent waiting for retries.
tap.jobs = 4
for (const [what, fault, status, code] of faults) {
  tap.test(`answers ${status} ${code} to ${what}, or serves the cached record`, { buffered: true }, async (t) => {
    const clock = new RunningClock()
    const { get, sandbox } = await startService(t, { ...(what === 'slow' && impatient), clock })
    // On a slow machine, a short timeout may end the very first call.
    await eventually(async () => (await get('/products/CUP/stock')).statusCode === 200)
    clock.advance(400_000)
    sandbox.fault('*', fault)
    const cold = await get(url)
    t.equal(cold.statusCode, status)
    t.match(cold.json(), { code, status })
    if (status === 503) t.ok(Number(cold.headers['retry-after']) >= 1)
    if (what === '422') t.match(cold.json(), { origin: 'integration', detail: 'no' })
    const host = String(sandbox.calls[0]?.headers.host)
    for (const inside of [host, 'sandbox-a', 'node_modules', 'undici']) t.notOk(cold.body.includes(inside), inside)
    const cached = await get('/products/CUP/stock')
    t.equal(cached.statusCode, 200)
    t.match(cached.json(), { available: 40, stale: true })
    t.equal(cached.headers['cache-status'], 'trackstar-bff; fwd=stale')
  })
}

tap.test('regression: with a short wrong token, refused credentials were an invalid response', async (t) => {
  for (const token of ['t', 'trackstar']) {
    const { get } = await startService(t, { environment: { TRACKSTAR_ACCESS_TOKEN: token } })
    t.match((await get(url)).json(), { status: 502, code: 'upstream_auth_failed' }, token)
    t.equal((await get('/readyz')).statusCode, 503, token)
  }
})

tap.test('is not ready after Trackstar refuses its credentials until a call succeeds', async (t) => {
  const { get, sandbox } = await startService(t)
  const ready = async () => (await get('/readyz')).statusCode
  t.equal(await ready(), 200)
  sandbox.fault('*', { status: 500 })
  await get(url)
  t.equal(await ready(), 200, 'being down does not make it unready')
  sandbox.clearFaults()
  sandbox.fault('*', { status: 403 })
  await get(url)
  const refused = await get('/readyz')
  t.equal(refused.statusCode, 503)
  t.match(refused.json(), { status: /credentials/ })
  t.equal((await get('/livez')).statusCode, 200)
  sandbox.clearFaults()
  t.equal((await get(url)).statusCode, 200)
  t.equal(await ready(), 200)
})

tap.test('regression: a gateway that blocked one search made the service unready', async (t) => {
  const { get, sandbox } = await startService(t)
  for (const status of [401, 403]) {
    sandbox.fault('/wms/products', { status, body: '<html>Request blocked</html>', times: 1 })
    const reply = await get('/products?sku[contains]=union%20select')
    t.equal(reply.statusCode, 502)
    t.match(reply.json(), { code: 'upstream_invalid_response' })
    t.equal((await get('/readyz')).statusCode, 200)
    t.equal((await get(url)).statusCode, 200)
  }
})

tap.test('regression: a gateway’s 404 denied an item and took it out of the cache', async (t) => {
  const clock = new RunningClock()
  const { get, sandbox } = await startService(t, { clock })
  const path = '/inventory/inv_mix%2C3'
  t.equal((await get(path)).statusCode, 200)
  clock.advance(400_000)
  sandbox.fault('/wms/inventory/*', { status: 404, body: '<h1>404 Not Found</h1>' })
  const cached = await get(path)
  t.equal(cached.statusCode, 200, 'the cached item is served')
  t.equal(cached.headers['cache-status'], 'trackstar-bff; fwd=stale')
  const cold = await get('/inventory/inv,unread')
  t.equal(cold.statusCode, 502)
  t.match(cold.json(), { code: 'upstream_invalid_response' })
  sandbox.clearFaults()
  clock.advance(30_000)
  t.equal((await get('/inventory/inv,unread')).statusCode, 404, "the absence is Trackstar's own answer")
})

tap.test('regression: an unready service got no requests and so never became ready again', async (t) => {
  const clock = new RunningClock()
  const { get, sandbox } = await startService(t, { clock })
  const ready = async () => (await get('/readyz')).statusCode
  sandbox.fault('*', { status: 401 })
  await get(url)
  const before = sandbox.calls.length
  for (let n = 0; n < 5; n++) t.equal(await ready(), 503)
  await eventually(() => sandbox.calls.length > before)
  sandbox.clearFaults()
  for (let n = 0; n < 5; n++) t.equal(await ready(), 503)
  t.equal(sandbox.calls.length, before + 1, 'it checks once in 5 s')
  clock.advance(5000)
  await eventually(async () => (await ready()) === 200)
  t.equal(sandbox.calls.length, before + 2)
  await ready()
  t.equal(sandbox.calls.length, before + 2, 'no more once it is ready')
})

tap.test(
  'regression: stock was unavailable behind a gateway that sends 100 Continue before each response',
  async (t) => {
    const sandbox = createSandbox({ products: 0, readRate: 0 })
    const address = await sandbox.listen()
    const gateway = createServer((incoming, response) => {
      response.writeContinue()
      const { method, headers, url: path } = incoming
      const forwarded = request(address + path, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(forwarded)
    }).listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    t.teardown(async () => {
      gateway.closeAllConnections()
      gateway.close()
      await sandbox.close()
    })
    const { app, get } = await startService(t, {
      environment: { TRACKSTAR_BASE_URL: `http://127.0.0.1:${Object(gateway.address()).port}` },
    })
    t.match((await get('/products/CUP/stock')).json(), { available: 40, complete: true })
    const url = '/inventory/inv_cup/adjust'
    const payload = { quantity: 1, adjustment_type: 'increase' }
    t.equal((await app.inject({ method: 'PUT', url, payload })).statusCode, 200)
  },
)
