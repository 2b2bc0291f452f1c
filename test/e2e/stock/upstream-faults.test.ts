import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import tap, { type Test } from 'tap'
import { newItem, newProduct } from '../../../src/sandbox/new-records.js'
import type { Fault } from '../../../src/sandbox/sandbox.js'
import { eventually, RunningClock, type ServiceOptions, startService } from '../../harness.js'

const url = '/products/SENCHA-100/stock'

/** What Trackstar does, and what a caller with nothing held sees of it. */
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
  ['401 of a gateway', { status: 401, body: '<h1>Unauthorized</h1>' }, 502, 'upstream_invalid_response'],
  ['403 of a gateway', { status: 403, body: '<h1>Blocked</h1>' }, 502, 'upstream_invalid_response'],
  ['404 of a gateway', { status: 404, body: '' }, 502, 'upstream_invalid_response'],
  ['422 of a gateway', { status: 422, body: { message: 'no' } }, 502, 'upstream_invalid_response'],
  ['204', { status: 204, body: '' }, 502, 'upstream_invalid_response'],
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
  tap.test(
    `answers ${status} ${code} where Trackstar's answer is ${what}, and gives what it holds`,
    { buffered: true },
    async (t) => {
      const clock = new RunningClock()
      const { get, sandbox } = await startService(t, { ...(what === 'slow' && impatient), clock })
      // An impatient service may fail at its very first call, where the machine is slow.
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
      const held = await get('/products/CUP/stock')
      t.equal(held.statusCode, 200)
      t.match(held.json(), { available: 40, stale: true })
      t.equal(held.headers['cache-status'], 'trackstar-bff; fwd=stale')
    },
  )
}

tap.test('is not ready after Trackstar refuses its credentials until a call succeeds', async (t) => {
  const { get, sandbox } = await startService(t)
  const ready = async () => (await get('/readyz')).statusCode
  t.equal(await ready(), 200)
  sandbox.fault('*', { status: 500 })
  await get(url)
  t.equal(await ready(), 200, 'never because upstream is down')
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
  const kept = await get(path)
  t.equal(kept.statusCode, 200, 'the cached item is served')
  t.equal(kept.headers['cache-status'], 'trackstar-bff; fwd=stale')
  const cold = await get('/inventory/inv,unread')
  t.equal(cold.statusCode, 502)
  t.match(cold.json(), { code: 'upstream_invalid_response' })
  sandbox.clearFaults()
  clock.advance(30_000)
  t.equal((await get('/inventory/inv,unread')).statusCode, 404, 'the absence is Trackstar’s own word')
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
  t.equal(sandbox.calls.length, before + 1, 'it looks once in 5 s')
  clock.advance(5000)
  await eventually(async () => (await ready()) === 200)
  t.equal(sandbox.calls.length, before + 2)
  await ready()
  t.equal(sandbox.calls.length, before + 2, 'and no more once it is ready')
})

type Spoil = (response: ServerResponse) => void

const withStatus =
  (status: number, body: string): Spoil =>
  (response) =>
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json' }).end(body)

/** An upstream that answers with `spoil` to every list of SKUs with a SKU that has `SPOILT` in it; and those lists. */
async function startPicky(t: Test, spoil: Spoil) {
  const lists: string[][] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream')
    const keys = (searchParams.get('sku[in]') ?? searchParams.get('ids[in]'))?.split(',') ?? []
    const isOfProducts = pathname === '/wms/products'
    if (isOfProducts && keys.length > 0) lists.push(keys)
    if (isOfProducts && keys.some((key) => key.includes('SPOILT'))) return spoil(response)
    const data = keys.map((key) =>
      isOfProducts
        ? newProduct(`p-${key}`, key, key, [{ inventory_item_id: `i-${key}` }])
        : newItem(key, key, key, [['wh', { onhand: 7, fulfillable: 7 }]]),
    )
    return withStatus(200, JSON.stringify({ data, next_token: null }))(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const clock = new RunningClock()
  const environment = { TRACKSTAR_BASE_URL: `http://127.0.0.1:${port}` }
  const service = await startService(t, { environment, clock })
  return { ...service, clock, lists }
}

const own = (error: string) => JSON.stringify({ error, origin: 'trackstar' })

/** What one SKU may draw, and what its caller sees. */
const spoils: readonly (readonly [what: string, spoil: Spoil, status: number, code: string])[] = [
  ['a 422', withStatus(422, own('malformed SKU')), 422, 'upstream_rejected'],
  ['a 403', withStatus(403, own('no')), 502, 'upstream_auth_failed'],
  ['the 403 of a gateway', withStatus(403, '<h1>Blocked</h1>'), 502, 'upstream_invalid_response'],
  ['the 404 of a gateway', withStatus(404, '<h1>Not Found</h1>'), 502, 'upstream_invalid_response'],
  ['a 500', withStatus(500, own('oops')), 503, 'upstream_unavailable'],
  ['HTML', withStatus(200, '<h1>Hello</h1>'), 502, 'upstream_invalid_response'],
  ['a list of the wrong shape', withStatus(200, '{"data": {}}'), 502, 'upstream_invalid_response'],
  ['a reset', (response) => void response.destroy(), 503, 'upstream_unavailable'],
]

for (const [what, spoil, status, code] of spoils) {
  tap.test(`regression: a SKU that draws ${what} failed the SKUs of other callers`, { buffered: true }, async (t) => {
    const { get, post, lists, clock } = await startPicky(t, spoil)
    const skus = ['A', 'B', 'SPOILT', 'C', 'D', 'E']
    const replies = await Promise.all(skus.map((sku) => get(`/products/${sku}/stock`)))
    for (const [n, sku] of skus.entries()) {
      const reply = replies[n]
      t.equal(reply?.statusCode, sku === 'SPOILT' ? status : 200, sku)
      if (sku === 'SPOILT') t.match(reply?.json(), { code })
      else t.equal(reply?.json().available, 7)
    }
    t.ok(
      lists.some((keys) => keys.includes('SPOILT') && keys.length > 1),
      'they rode together',
    )
    t.equal((await get('/readyz')).statusCode, 200)
    const before = lists.length
    const query = await post('/stock/query', { skus: ['F', 'SPOILT', 'A'] })
    t.match(query.json(), {
      results: [{ status: 'ok' }, { status: 'unavailable', problem: { code } }, { status: 'ok' }],
    })
    t.strictSame(lists.slice(before), [['F']], 'it is not read again at once')
    for (let n = 0; n < 6; n++) {
      clock.advance(30_000)
      t.equal((await get('/products/SPOILT/stock')).statusCode, status)
    }
    t.equal((await get('/products/G/stock')).statusCode, 200, 'the circuit is closed')
    t.match((await get('/status')).json(), { connections: [{ circuit: 'closed' }] })
  })
}

tap.test('makes few calls while Trackstar fails altogether', async (t) => {
  const { post, sandbox } = await startService(t)
  sandbox.fault('*', { status: 500 })
  const skus = Array.from({ length: 100 }, (_, n) => `SKU-${n}`)
  t.equal((await post('/stock/query', { skus })).statusCode, 503)
  t.ok(sandbox.calls.filter(({ path }) => path === '/wms/products').length <= 2)
})

tap.test('does not split a batch that Trackstar has no capacity for', async (t) => {
  const { post, lists } = await startPicky(t, withStatus(503, own('busy')))
  const reply = await post('/stock/query', { skus: ['A', 'SPOILT', 'B'] })
  t.equal(reply.statusCode, 503)
  t.strictSame(new Set(lists.map(String)), new Set(['A,SPOILT,B']))
})
