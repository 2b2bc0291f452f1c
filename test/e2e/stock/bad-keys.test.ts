import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import tap, { type Test } from 'tap'
import { newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { RunningClock, startService } from '../../harness.js'

type Spoil = (response: ServerResponse) => void

const withStatus =
  (status: number, body: string): Spoil =>
  (response) =>
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json' }).end(body)

const own = (error: string) => JSON.stringify({ error, origin: 'trackstar' })

/** What one SKU may draw, and what its caller sees. */
const spoils: readonly {
  readonly what: string
  readonly spoil: Spoil
  readonly status: number
  readonly code: string
}[] = [
  { what: 'a 422', spoil: withStatus(422, own('malformed SKU')), status: 422, code: 'upstream_rejected' },
  { what: 'a 403', spoil: withStatus(403, own('no')), status: 502, code: 'upstream_auth_failed' },
  {
    what: 'the 403 of a gateway',
    spoil: withStatus(403, '<h1>Blocked</h1>'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  {
    what: 'the 404 of a gateway',
    spoil: withStatus(404, '<h1>Not Found</h1>'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  { what: 'a 500', spoil: withStatus(500, own('oops')), status: 503, code: 'upstream_unavailable' },
  { what: 'HTML', spoil: withStatus(200, '<h1>Hello</h1>'), status: 502, code: 'upstream_invalid_response' },
  {
    what: 'a list of the wrong shape',
    spoil: withStatus(200, '{"data": {}}'),
    status: 502,
    code: 'upstream_invalid_response',
  },
  { what: 'a reset', spoil: (response) => void response.destroy(), status: 503, code: 'upstream_unavailable' },
]

/** The service before an upstream that answers a list with `SPOILT-<n>` in it with the nth of `spoils`; and those lists. */
async function startPicky(t: Test) {
  const lists: string[][] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream')
    const keys = (searchParams.get('sku[in]') ?? searchParams.get('ids[in]'))?.split(',') ?? []
    const isOfProducts = pathname === '/wms/products'
    if (isOfProducts && keys.length > 0) lists.push(keys)
    const bad = keys.find((key) => key.startsWith('SPOILT-'))
    if (isOfProducts && bad) return spoils[Number(bad.slice(7))]?.spoil(response)
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

tap.test('regression: a SKU that draws an error failed the SKUs of other callers', async (t) => {
  const { get, post, lists, clock } = await startPicky(t)
  for (const [n, { what, status, code }] of spoils.entries()) {
    const bad = `SPOILT-${n}`
    const skus = ['A', 'B', bad, 'C', 'D', 'E'].map((sku) => (sku === bad ? sku : `${sku}-${n}`))
    const replies = await Promise.all(skus.map((sku) => get(`/products/${sku}/stock`)))
    for (const [at, reply] of replies.entries()) {
      t.equal(reply.statusCode, skus[at] === bad ? status : 200, `${what}: ${skus[at]}`)
      t.match(reply.json(), skus[at] === bad ? { code } : { available: 7 })
    }
    t.ok(
      lists.some((keys) => keys.includes(bad) && keys.length > 1),
      'they were in one batch',
    )
    t.equal((await get('/readyz')).statusCode, 200, what)
    const before = lists.length
    const query = await post('/stock/query', { skus: [`F-${n}`, bad, `A-${n}`] })
    t.match(query.json(), {
      results: [{ status: 'ok' }, { status: 'unavailable', problem: { code } }, { status: 'ok' }],
    })
    t.strictSame(lists.slice(before), [[`F-${n}`]], 'it is not read again at once')
    for (let repeat = 0; repeat < 6; repeat++) {
      clock.advance(30_000)
      t.equal((await get(`/products/${bad}/stock`)).statusCode, status, what)
    }
    t.match((await get('/status')).json(), { connections: [{ circuit: 'closed' }] }, what)
  }
})

tap.test('makes few calls while Trackstar fails altogether', async (t) => {
  const { post, sandbox } = await startService(t)
  sandbox.fault('*', { status: 500 })
  const skus = Array.from({ length: 100 }, (_, n) => `SKU-${n}`)
  t.equal((await post('/stock/query', { skus })).statusCode, 503)
  t.ok(sandbox.calls.filter(({ path }) => path === '/wms/products').length <= 2)
})
