import tap from 'tap'
import { startConnections } from '../connections-service.js'
import { startService } from '../harness.js'
import { routesOf } from '../openapi/routes.js'

const environment = {
  AUTH_MODE: 'api-key',
  API_KEYS: 'all:key-of-all:read+write,one:key-of-one:read+write:us,none:key-of-none:read:gone',
}

/** A request of every route that asks a connection, besides the events. */
const requests = (connection?: string) => {
  const query = connection === undefined ? '' : `connection=${connection}`
  const field = connection === undefined ? {} : { connection }
  return [
    ['GET', `/products/CUP/stock?${query}`],
    ['GET', `/stock?sku=CUP&${query}`],
    ['POST', '/stock/query', { skus: ['CUP'], ...field }],
    ['POST', '/stock/check', { lines: [{ sku: 'CUP', quantity: 1 }], ...field }],
    ['GET', `/stock/low?below=1&${query}`],
    ['GET', `/search?q=cup&${query}`],
    ['GET', `/products?limit=1&${query}`],
    ['GET', `/inventory?limit=1&${query}`],
    ['GET', `/warehouses?limit=1&${query}`],
    ['GET', `/products/CUP?${query}`],
    ['GET', `/inventory/inv_cup?${query}`],
    ['GET', `/inventory/inv_cup/products?${query}`],
    ['GET', `/warehouses/wh_oslo?${query}`],
    ['PUT', `/inventory/inv_cup/adjust?${query}`, { quantity: 1, adjustment_type: 'increase' }],
    ['GET', `/stock/events?${query}`],
  ] as const
}

async function start(t: Parameters<typeof startConnections>[0]) {
  const service = await startConnections(t, { au: {}, us: {} }, { environment })
  const send = (key: string, [method, url, payload]: ReturnType<typeof requests>[number]) =>
    service.app.inject({ method, url, headers: service.keyed(key), ...(payload && { payload }) })
  const callsOf = (name: string) =>
    service.sandbox(name).calls.filter(({ headers }) => 'x-trackstar-access-token' in headers).length
  return { ...service, send, callsOf }
}

/** What a route answers whose connection was found: `requires_mirror` without a mirror. */
const isAnswered = ({ statusCode }: { readonly statusCode: number }) => statusCode === 200 || statusCode === 501

tap.test('a key that may use several connections has to name one', async (t) => {
  const { send, callsOf } = await start(t)
  for (const request of requests()) {
    const reply = await send('key-of-all', request)
    t.equal(reply.statusCode, 400, request[1])
    t.match(reply.json(), { code: 'connection_required', connections: ['au', 'us'] })
  }
  t.strictSame([callsOf('au'), callsOf('us')], [0, 0])
})

tap.test('asks the connection that the request names', async (t) => {
  const { send, callsOf } = await start(t)
  for (const request of requests('us')) t.ok(isAnswered(await send('key-of-all', request)), request[1])
  t.equal(callsOf('au'), 0)
  t.ok(callsOf('us') > 5)
})

tap.test('a key that may use only one need not name it', async (t) => {
  const { send, callsOf } = await start(t)
  for (const request of [...requests(), ...requests('us')])
    t.ok(isAnswered(await send('key-of-one', request)), request[1])
  t.equal(callsOf('au'), 0)
})

tap.test('a connection that the key may not use is answered like one that does not exist', async (t) => {
  const { send, callsOf } = await start(t)
  const names = ['au', 'uk'].map((name) => requests(name))
  for (const [index, request] of (names[0] ?? []).entries()) {
    const unknown = names[1]?.[index]
    if (unknown === undefined) throw new Error('expected two lists of the same length')
    const [forbidden, absent] = [await send('key-of-one', request), await send('key-of-one', unknown)]
    t.strictSame([forbidden.statusCode, absent.statusCode], [404, 404], request[1])
    const plain = (body: string) => body.replaceAll(/"request_id":"[^"]*"/g, '').replaceAll('uk', 'au')
    t.equal(plain(forbidden.body), plain(absent.body))
    t.equal(forbidden.json().code, 'connection_not_found')
  }
  t.strictSame([callsOf('au'), callsOf('us')], [0, 0])
})

tap.test('a key whose connections are gone may use none', async (t) => {
  const { send } = await start(t)
  for (const request of requests().filter(([method]) => method !== 'PUT')) {
    t.match((await send('key-of-none', request)).json(), { code: 'connection_required', connections: [] })
  }
})

tap.test('a key that may only use groups is told so by a route that needs one connection', async (t) => {
  const keys = 'one:key-of-one-group:read:both,two:key-of-two-groups:read:both+other'
  const { get, keyed } = await startConnections(
    t,
    { au: {}, us: {} },
    { environment: { ...environment, API_KEYS: keys }, groups: { both: ['au', 'us'], other: ['us'] } },
  )
  for (const key of ['key-of-one-group', 'key-of-two-groups']) {
    const reply = (await get('/products/CUP', keyed(key))).json()
    t.match(reply, { code: 'connection_required', connections: [], detail: /only use groups/ }, key)
  }
  const { connections } = (await get('/products/CUP/stock', keyed('key-of-two-groups'))).json()
  t.strictSame(connections, ['both', 'other'])
})

tap.test('the only connection is called default', async (t) => {
  const { get, app } = await startService(t)
  t.equal((await get('/products/CUP/stock')).json().connection, 'default')
  t.equal((await get('/products/CUP/stock?connection=default')).statusCode, 200)
  t.equal((await get('/products/CUP/stock?connection=other')).json().code, 'connection_not_found')
  t.equal((await get(`/products/CUP/stock?connection=${'x'.repeat(256)}`)).json().code, 'validation_failed')
  const asked = new Set(requests().map(([method, url]) => `${method} ${url.replace(/\?.*/, '')}`))
  const others = (await routesOf(app)).filter(
    (route) => !/docs|openapi|livez|readyz|metrics|status|webhooks|\/ui|^GET \/$/.test(route),
  )
  const shapes = Array.from(asked, (route) => route.replace(/CUP/, ':sku').replace(/inv_cup|wh_oslo/, ':id'))
  t.strictSame(
    others.filter((route) => !shapes.includes(route)),
    ['GET /connections', 'POST /stock/events/tickets'],
    'every other route is tested above',
  )
})
