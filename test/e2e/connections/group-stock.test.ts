import tap from 'tap'
import type { Stock } from '../../../src/stock/stock.js'
import { prefixWarehouses, startConnections } from '../../connections-service.js'
import { eventually, TestClock } from '../../harness.js'

const groups = { both: ['au', 'us'] }
const isOf = (connection: string) => (entry: { readonly connection?: string }) => entry.connection === connection

tap.test('adds up what each connection has, and says whose each part is', async (t) => {
  const { get } = await startConnections(t, { au: {}, us: { sandbox: { seed: 7 } } }, { groups })
  const stockIn = async (connection: string) =>
    (await get(`/products/TRAVEL-SET/stock?include=lots,locations&connection=${connection}`)).json<Stock>()
  const [au, us, both] = [await stockIn('au'), await stockIn('us'), await stockIn('both')]
  t.match(both, { sku: 'TRAVEL-SET', connection: 'both', product: au.product, limiting: null, source: null })
  t.equal(both.available, au.available + us.available, 'kits are not pooled')
  t.equal(both.quantities.onhand, Number(au.quantities.onhand) + Number(us.quantities.onhand))
  t.strictSame(
    both.connections?.map(({ connection, status, available, limiting, as_of, problem }) => [
      connection,
      status,
      available,
      limiting,
      as_of,
      problem,
    ]),
    [
      ['au', 'ok', au.available, au.limiting, au.as_of, null],
      ['us', 'ok', us.available, us.limiting, us.as_of, null],
    ],
  )
  for (const list of ['warehouses', 'components', 'issues', 'lots', 'locations'] as const) {
    const own = { au: au[list] ?? [], us: us[list] ?? [] }
    for (const name of ['au', 'us'] as const) {
      const entries = (both[list] ?? []).filter(isOf(name)).map(({ connection: _, ...entry }) => entry)
      t.strictSame(entries, own[name], `${list} of ${name}`)
    }
    t.equal(both[list]?.length, own.au.length + own.us.length)
    t.notOk(
      own.au.some((entry) => 'connection' in entry),
      'not in the stock of one connection',
    )
  }
  t.notOk('connections' in au)
})

tap.test('says what a connection without an answer lacks, and counts the others', async (t) => {
  const { get, sandbox } = await startConnections(
    t,
    { au: {}, us: {}, ca: {} },
    { groups: { all: ['au', 'us', 'ca'] } },
  )
  const only = (await get('/products/CUP/stock?connection=au')).json<Stock>()
  sandbox('us').fault('/wms/*', { status: 500 })
  for (const product of sandbox('ca').data.products.values()) if (product.sku === 'CUP') product.sku = 'MUG'
  const reply = await get('/products/CUP/stock?connection=all')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'no-store', 'a later answer may be complete')
  const stock = reply.json<Stock>()
  t.match(stock, {
    available: only.available,
    quantities: only.quantities,
    complete: false,
    issues: [{ code: 'connection_unanswered', inventory_item_id: null, connection: 'us' }],
    connections: [
      { connection: 'au', status: 'ok', complete: true, problem: null },
      {
        connection: 'us',
        status: 'unavailable',
        product: null,
        available: null,
        quantities: null,
        complete: false,
        as_of: null,
        problem: { status: 503, code: 'upstream_unavailable', request_id: reply.headers['x-request-id'] },
      },
      { connection: 'ca', status: 'not_found', complete: true, problem: { status: 404, code: 'product_not_found' } },
    ],
  })
  t.equal(stock.issues.length, 1, 'a connection that has no such product has answered')
})

tap.test('is a problem only if no connection has the SKU', async (t) => {
  const { get, sandbox } = await startConnections(t, { au: {}, us: {} }, { groups })
  const answer = async (sku: string) => {
    const reply = await get(`/products/${sku}/stock?connection=both`)
    return [reply.statusCode, reply.json().code, reply.headers['retry-after'] !== undefined]
  }
  t.strictSame(await answer('NO-SUCH-SKU'), [404, 'product_not_found', false], 'all say that they have none')
  const reply = await get('/products/EARL-GREY/stock?connection=both')
  t.match([reply.statusCode, reply.json().candidates.length], [409, 2])
  sandbox('us').fault('/wms/*', { status: 500 })
  t.strictSame(await answer('NO-SUCH-SKU-EITHER'), [503, 'upstream_unavailable', true], 'one does not say')
  for (const product of sandbox('au').data.products.values()) if (product.sku === 'CUP') product.sku = 'EARL-GREY'
  t.strictSame((await answer('EARL-GREY')).slice(0, 2), [409, 'sku_ambiguous'], 'what is known is served')
})

tap.test(
  'a connection that is refused or down is not asked for every request, and the others stay right',
  async (t) => {
    const { get, sandbox, setToken } = await startConnections(
      t,
      { au: {}, us: {}, ca: {} },
      { groups: { all: ['us', 'au', 'ca'] } },
    )
    setToken('us', 'another-token')
    sandbox('ca').fault('/wms/*', { status: 500 })
    const answers: Stock[] = []
    for (const sku of ['CUP', 'GONGFU-SET', 'SENCHA-100', 'OOLONG-250', 'CHAI-50', 'MATCHA-TIN']) {
      const own = (await get(`/products/${sku}/stock?connection=au`)).json<Stock>()
      const stock = (await get(`/products/${sku}/stock?connection=all`)).json<Stock>()
      t.match(stock, { product: own.product, available: own.available, quantities: own.quantities, complete: false })
      answers.push(stock)
    }
    const codes = answers.map(({ connections }) => connections?.map(({ problem }) => problem?.code ?? 'ok').join())
    t.strictSame([...new Set(codes)], ['upstream_auth_failed,ok,upstream_unavailable'])
    const { connections } = (await get('/status')).json()
    t.match(connections, [{ circuit: 'closed' }, { credentials: 'refused' }, { circuit: 'open' }])
  },
)

tap.test('a warehouse counts in whichever connection has it, and is unknown only if none has', async (t) => {
  const { get, sandbox } = await startConnections(t, { au: {}, us: {} }, { groups })
  prefixWarehouses(sandbox('us').data, 'us_')
  const stockAt = async (...ids: string[]) => {
    const query = ids.map((id) => `warehouse_id=${id}`).join('&')
    return (await get(`/products/SENCHA-100/stock?connection=both&${query}`)).json<Stock>()
  }
  const both = await stockAt('wh_oslo', 'us_wh_porto')
  t.match(both, { complete: true, issues: [] })
  t.strictSame(
    both.warehouses.map(({ connection, warehouse_id }) => [connection, warehouse_id]),
    [
      ['au', 'wh_oslo'],
      ['us', 'us_wh_porto'],
    ],
  )
  t.equal(
    both.available,
    both.warehouses.reduce((sum, { available }) => sum + available, 0),
  )
  t.match(await stockAt('wh_oslo', 'wh_nowhere'), {
    complete: false,
    issues: [
      { code: 'warehouse_unknown', connection: 'au' },
      { code: 'warehouse_unknown', connection: 'us' },
    ],
    connections: [{ complete: false }, { complete: false }],
  })
  t.match(await stockAt('wh_oslo', 'us_wh_graz'), { complete: true, issues: [] }, 'the list of one knows it')
})

tap.test('no warehouse is called unknown while a connection that may have it does not answer', async (t) => {
  const { get, post, sandbox } = await startConnections(t, { au: {}, us: {} }, { groups })
  sandbox('us').fault('/wms/*', { status: 500 })
  const stock = (await get('/products/CUP/stock?connection=both&warehouse_id=wh_of_us')).json<Stock>()
  const unanswered = [{ code: 'connection_unanswered', connection: 'us' }]
  t.match(stock, { available: 0, complete: false, issues: unanswered, connections: [{ complete: true }, {}] })
  t.equal(stock.issues.length, 1)
  const body = { lines: [{ sku: 'CUP', quantity: 1 }], warehouse_id: ['wh_of_us'], connection: 'both' }
  const basket = (await post('/stock/check', body)).json()
  t.match(basket, { fulfillable: false, complete: false, issues: unanswered, connections: [{ complete: true }, {}] })
  t.equal(basket.issues.length, 1)
})

tap.test('a key of a group only sees it without naming it', async (t) => {
  const environment = { AUTH_MODE: 'api-key', API_KEYS: 'group:key-of-the-group-only:read:both' }
  const { get, keyed } = await startConnections(t, { au: {}, us: {} }, { groups, environment })
  const key = keyed('key-of-the-group-only')
  t.match((await get('/products/CUP/stock', key)).json(), { connection: 'both' })
  t.match((await get('/products/CUP/stock?connection=au', key)).json(), { code: 'connection_not_found' })
})

tap.test('an ETag is of all that the connections have but when it was read', async (t) => {
  const clock = new TestClock()
  const { app, get, sandbox } = await startConnections(t, { au: {}, us: {} }, { groups, clock })
  const url = '/products/CUP/stock?connection=both'
  t.match((await get(url)).headers, { 'cache-status': 'trackstar-bff; fwd=miss', age: '0' })
  const sources = async () => (await get(url)).json<Stock>().connections?.map(({ source }) => source)
  await eventually(async () => (await sources())?.every((source) => source !== null) ?? false)
  const first = await get(url)
  const etag = String(first.headers['etag'])
  t.equal(first.headers['cache-control'], 'private, max-age=60, stale-while-revalidate=300')
  const again = () => get(url, { 'if-none-match': etag })
  t.match([(await again()).statusCode, (await again()).headers['cache-status']], [304, 'trackstar-bff; hit'])
  const head = await app.inject({ method: 'HEAD', url })
  t.match([head.statusCode, head.headers['etag'], head.body], [200, etag, ''])

  clock.advance(30_000)
  await get('/products/CUP/stock?connection=us', { 'cache-control': 'no-cache' })
  const later = await get(url)
  t.equal(later.headers['age'], '30', 'the oldest counts')
  t.match(later.json().connections, [{ as_of: first.json().as_of }, {}])
  t.not(later.json().connections[1].as_of, first.json().as_of)
  t.equal((await again()).statusCode, 304)

  clock.advance(2000)
  sandbox('us').move('inv_cup', { by: -1, warehouse_id: 'wh_oslo' })
  await get('/products/CUP/stock?connection=us', { 'cache-control': 'no-cache' })
  const changed = await again()
  t.equal(changed.statusCode, 200)
  t.equal(changed.json().available, first.json().available - 1)
})
