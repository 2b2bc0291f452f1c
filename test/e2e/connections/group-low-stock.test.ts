import tap from 'tap'
import { toCursor } from '../../../src/services/low-stock.js'
import { type GivenConnection, startConnections } from '../../connections-service.js'
import { eventually } from '../../harness.js'

interface Row {
  readonly sku: string
  readonly product_id: string
  readonly warehouse_customer_id: string | null
  readonly available: number
  readonly quantities: object
  readonly connections?: readonly { readonly connection: string; readonly status: string; readonly available: number }[]
}

const groups = { both: ['au', 'us'], only: ['au'] }

/** Mirrored connections; the second one may be something else. */
async function start(t: Parameters<typeof startConnections>[0], us: GivenConnection = { sandbox: { seed: 7 } }) {
  const environment = { CATALOG_MODE: 'mirror', SYNC_INTERVAL_SECONDS: '86400' }
  const service = await startConnections(t, { au: {}, us }, { groups, environment })
  const { get } = service
  const low = async (query: string) => (await get(`/stock/low?${query}`)).json<{ data: Row[]; next_token: string }>()
  const isLive = async (name: string) => (await get(`/stock/low?below=0&connection=${name}`)).statusCode === 200
  await eventually(() => isLive('au'))
  return { ...service, low, isLive }
}

tap.test('lists every SKU of a group by its sum, as the stock of the group has it', async (t) => {
  const { get, low, isLive } = await start(t)
  await eventually(() => isLive('us'))
  const { data, next_token } = await low('below=100&limit=1000&connection=both')
  t.equal(next_token, null)
  t.ok(data.length > 30)
  for (const { sku, warehouse_customer_id, available, quantities, product_id, connections } of data) {
    t.equal(
      available,
      connections?.reduce((sum, one) => sum + one.available, 0),
    )
    const path = `/products/${encodeURIComponent(sku)}/stock?connection=both`
    let reply = await get(path)
    if (reply.statusCode === 409) reply = await get(`${path}&warehouse_customer_id=${warehouse_customer_id}`)
    t.match(reply.json(), { available, quantities, product: { id: product_id } }, sku)
  }
  const order = data.map(({ available }) => available)
  t.strictSame(
    order,
    order.toSorted((a, b) => a - b),
  )
  t.ok(data.filter(({ sku }) => sku === 'HONEY-1').length === 2, 'one for each merchant that shares the SKU')
  const au = await low('below=100&limit=1000&connection=au')
  t.notOk(au.data.some((row) => 'connections' in row))
})

tap.test('one connection alone is that connection, page by page and with every filter', async (t) => {
  const { low } = await start(t)
  for (const filter of ['', '&warehouse_customer_id=cust_borealis', '&warehouse_id=wh_oslo&warehouse_id=wh_graz']) {
    const all = async (connection: string) => {
      const rows: Row[] = []
      for (let token = ''; token !== null; ) {
        const page = await low(`below=60&limit=9&connection=${connection}${filter}${token && `&page_token=${token}`}`)
        rows.push(...page.data)
        token = page.next_token
      }
      return rows
        .map(({ connections: _, ...row }) => row)
        .toSorted((a, b) => a.available - b.available || (a.product_id < b.product_id ? -1 : 1))
    }
    const own = await all('au')
    t.ok(own.length > 0)
    t.strictSame(await all('only'), own, filter)
  }
})

tap.test('changes of one connection move the SKU in the order of the group', async (t) => {
  const { app, low, isLive } = await start(t, {})
  await eventually(() => isLive('us'))
  const cups = async () =>
    (await low('below=1000&limit=1000&connection=both')).data.find(({ sku }) => sku === 'CUP')?.available
  t.equal(await cups(), 80)
  const adjusted = await app.inject({
    method: 'PUT',
    url: '/inventory/inv_cup/adjust?connection=us',
    payload: { quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' },
  })
  t.equal(adjusted.statusCode, 200)
  t.equal(await cups(), 85)
})

tap.test('needs the mirror of each connection of the group, because a sum without one would be too low', async (t) => {
  const { get, isLive, sandbox } = await start(t, { sandbox: { latencyMs: 300 } })
  const loading = await get('/stock/low?below=5&connection=both')
  t.match([loading.statusCode, loading.json()], [503, { code: 'mirror_loading', detail: /of us is not ready/ }])
  t.equal((await get('/stock/low?below=5&connection=only')).statusCode, 200)
  sandbox('us').options.latencyMs = 0
  await eventually(() => isLive('us'))
  t.equal((await get('/stock/low?below=5&connection=both')).statusCode, 200)
})

tap.test('a group with a connection on demand has no low stock', async (t) => {
  const { get } = await start(t, { fields: { catalog_mode: 'on-demand' } })
  const reply = await get('/stock/low?below=5&connection=both')
  t.match([reply.statusCode, reply.json()], [501, { code: 'requires_mirror', detail: /us has no mirror/ }])
})

tap.test('a page may begin after any SKU of any merchant', async (t) => {
  const { get } = await start(t, {})
  const longest = '\u0001'.repeat(255)
  const page_token = toCursor({ available: 0, productId: `${longest}\ud800${longest}` })
  const reply = await get(`/stock/low?below=1&connection=only&page_token=${page_token}`)
  t.equal(reply.statusCode, 200, `${page_token.length} characters`)
})
