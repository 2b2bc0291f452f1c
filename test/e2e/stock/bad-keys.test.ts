import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import tap, { type Test } from 'tap'
import { newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { RunningClock, startService } from '../../harness.js'

type Fault = (response: ServerResponse) => void

const withStatus =
  (status: number, body: string): Fault =>
  (response) =>
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json' }).end(body)

const own = (error: string) => JSON.stringify({ error, origin: 'trackstar' })

/** Faults that one SKU may cause, and what its caller sees. */
const faults: readonly {
  readonly what: string
  readonly fault: Fault
  readonly status: number
  readonly code: string
}[] = [
  { what: 'a 422', fault: withStatus(422, own('malformed SKU')), status: 422, code: 'upstream_rejected' },
  { what: 'a 403', fault: withStatus(403, own('no')), status: 502, code: 'upstream_auth_failed' },
  {
    what: 'the 403 of a gateway',
    fault: withStatus(403, '<h1>Blocked</h1>'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  {
    what: 'the 404 of a gateway',
    fault: withStatus(404, '<h1>Not Found</h1>'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  { what: 'a 500', fault: withStatus(500, own('oops')), status: 503, code: 'upstream_unavailable' },
  { what: 'HTML', fault: withStatus(200, '<h1>Hello</h1>'), status: 502, code: 'upstream_invalid_response' },
  {
    what: 'a list of the wrong shape',
    fault: withStatus(200, '{"data": {}}'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  { what: 'a reset', fault: (response) => void response.destroy(), status: 503, code: 'upstream_unavailable' },
]

/**
 * The service in front of an upstream that answers a list with the SKU `BAD-<n>` with the nth fault; `lists` records
 * them.
 */
async function startWithFaults(t: Test) {
  const lists: string[][] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream')
    const keys = (searchParams.get('sku[in]') ?? searchParams.get('ids[in]'))?.split(',') ?? []
    const isOfProducts = pathname === '/wms/products'
    if (isOfProducts && keys.length > 0) lists.push(keys)
    const bad = keys.find((key) => key.startsWith('BAD-'))
    if (isOfProducts && bad) return faults[Number(bad.slice(4))]?.fault(response)
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

tap.test('regression: a SKU that caused an error failed the SKUs of other callers', async (t) => {
  const { get, post, lists, clock } = await startWithFaults(t)
  for (const [n, { what, status, code }] of faults.entries()) {
    const bad = `BAD-${n}`
    const skus = ['A', 'B', bad, 'C', 'D', 'E'].map((sku) => (sku === bad ? sku : `${sku}-${n}`))
    const replies = await Promise.all(skus.map((sku) => get(`/products/${sku}/stock`)))
    for (const [at, reply] of replies.entries()) {
      t.equal(reply.statusCode, skus[at] === bad ? status : 200, `${what}: ${skus[at]}`)
      t.match(reply.json(), skus[at] === bad ? { code } : { available: 7 })
    }
    t.ok(
      lists.some((keys) => keys.includes(bad) && keys.length > 1),
      'all SKUs shared a batch',
    )
    t.equal((await get('/readyz')).statusCode, 200, what)
    const before = lists.length
    const query = await post('/stock/query', { skus: [`F-${n}`, bad, `A-${n}`] })
    t.match(query.json(), {
      results: [{ status: 'ok' }, { status: 'unavailable', problem: { code } }, { status: 'ok' }],
    })
    t.strictSame(lists.slice(before), [[`F-${n}`]], 'the failed SKU is not read again at once')
    for (let repeat = 0; repeat < 6; repeat++) {
      clock.advance(30_000)
      t.equal((await get(`/products/${bad}/stock`)).statusCode, status, what)
    }
    t.match((await get('/status')).json(), { connections: [{ circuit: 'closed' }] }, what)
  }
})

tap.test('makes few calls while Trackstar is down', async (t) => {
  const { post, sandbox } = await startService(t)
  sandbox.fault('*', { status: 500 })
  const skus = Array.from({ length: 100 }, (_, n) => `SKU-${n}`)
  t.equal((await post('/stock/query', { skus })).statusCode, 503)
  t.ok(sandbox.calls.filter(({ path }) => path === '/wms/products').length <= 2)
})
