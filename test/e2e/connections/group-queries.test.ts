import { pino } from 'pino'
import tap from 'tap'
import { fixedSkus } from '../../../src/sandbox/fixed-catalog.js'
import { generatedSku } from '../../../src/sandbox/generated-catalog.js'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { startConnections } from '../../connections-service.js'
import { eventually } from '../../harness.js'

const groups = { all: ['au', 'us', 'ca'] }
const given = { au: {}, us: { sandbox: { seed: 7 } }, ca: { sandbox: { seed: 8, products: 20 } } }
/** With this, a stock is composed for the request. */
const composed = { 'cache-control': 'max-age=1000' }
const urlOf = (sku: string) => `/products/${encodeURIComponent(sku)}/stock?connection=all`
const skus = [...fixedSkus.map(({ sku }) => sku), 'UNKNOWN', ...Array.from({ length: 12 }, (_, n) => generatedSku(n))]
/** A problem refers to the page of problems from where it is. */
const withoutIds = (body: string) => body.replaceAll(/"(?:request_id|type)":"[^"]*"/g, '')

/** Three live mirrors that read nothing in the background any more. */
async function startMirrors(t: Parameters<typeof startConnections>[0]) {
  const environment = {
    CATALOG_MODE: 'mirror',
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    SYNC_INTERVAL_SECONDS: '86400',
    FULL_COMPARE_HOURS: '8760',
  }
  const service = await startConnections(t, given, { environment, groups })
  const { app, get, sandbox } = service
  await eventually(async () => {
    const { connections } = (await get('/status')).json()
    return connections.every(
      ({ mirror, source }: { mirror: { state: string; pages_left: number | null }; source: object | null }) =>
        mirror.state === 'live' && mirror.pages_left === 0 && source !== null,
    )
  })
  let deliveries = 0
  return {
    ...service,
    /** Changes the stock of an item, and delivers the webhook. */
    async move(connection: string, itemId: string, by: number) {
      const { record } = sandbox(connection).move(itemId, { by, warehouse_id: 'wh_oslo' })
      const payload = JSON.stringify({
        connection_id: `conn_${connection}`,
        event_type: 'inventory.updated',
        data: record,
      })
      const signature = signWebhook(sandboxWebhookSecret, `msg_${++deliveries}`, Math.floor(Date.now() / 1000), payload)
      const headers = { 'content-type': 'application/json', ...signature }
      await app.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })
    },
  }
}

tap.test('a kept stock of a group is what is composed for a request, byte for byte', async (t) => {
  const { get, post } = await startMirrors(t)
  for (const sku of skus) {
    const first = await get(urlOf(sku))
    for (const headers of [{}, composed]) {
      const again = await get(urlOf(sku), headers)
      t.equal(again.statusCode, first.statusCode, sku)
      t.equal(withoutIds(again.body), withoutIds(first.body), sku)
      t.equal(again.headers.etag, first.headers.etag)
      t.equal(again.headers['cache-status'], first.headers['cache-status'])
    }
  }
  const honey = `${urlOf('HONEY-1')}&warehouse_customer_id=cust_borealis`
  t.equal((await get(honey)).body, (await get(honey, composed)).body, 'of one merchant')
  t.not((await get(honey)).body, (await get(urlOf('HONEY-1'))).body)
  const query = () => post('/stock/query', { skus, connection: 'all' })
  const [kept, again, made] = [
    await query(),
    await query(),
    await post('/stock/query', { skus, connection: 'all' }, composed),
  ]
  t.equal(withoutIds(kept.body), withoutIds(made.body), 'of many SKUs, some without a stock')
  t.equal(withoutIds(kept.body), withoutIds(again.body))
  t.equal(kept.headers.etag, made.headers.etag)
  t.equal(kept.headers['content-length'], String(Buffer.byteLength(kept.body)))
})

tap.test('answers 304 until a record of one of the connections changes', async (t) => {
  const { get, move } = await startMirrors(t)
  for (const url of [urlOf('LIVE-GIFT'), `/stock?sku=CUP&sku=LIVE-GIFT&connection=all`]) {
    const first = await get(url)
    t.equal(first.headers['cache-control'], 'private, no-cache')
    const headers = { 'if-none-match': String(first.headers.etag) }
    t.equal((await get(url, headers)).statusCode, 304)
    await move('us', 'inv_jasmine', -3)
    const changed = await get(url, headers)
    t.equal(changed.statusCode, 200)
    t.equal(changed.body, (await get(url, composed)).body)
    t.not(changed.headers.etag, first.headers.etag)
  }
})

tap.test('many SKUs have the stock that each has alone', async (t) => {
  const { get, post } = await startConnections(t, given, { groups })
  const options = 'warehouse_id=wh_oslo&include=lots'
  const isSynced = ({ source }: { source: object | null }) => source !== null
  await eventually(async () => (await get(urlOf('CUP'))).json().connections.every(isSynced))
  const body = { skus, warehouse_id: ['wh_oslo'], include: ['lots'], connection: 'all' }
  const { results } = (await post('/stock/query', body)).json()
  t.strictSame(
    results.map(({ sku }: { sku: string }) => sku),
    skus,
  )
  const statuses = new Set<string>()
  for (const { sku, status, stock, problem } of results) {
    statuses.add(status)
    const alone = await get(`${urlOf(sku)}&${options}`)
    t.equal(
      withoutIds(JSON.stringify(stock ?? problem.code)),
      withoutIds(JSON.stringify(stock ? alone.json() : alone.json().code)),
      sku,
    )
  }
  t.strictSame([...statuses].toSorted(), ['ambiguous', 'not_found', 'ok'])
  const byQuery = await get(`/stock?sku=CUP&sku=UNKNOWN&connection=all&${options}`)
  t.match(byQuery.json().results, [
    { sku: 'CUP', status: 'ok' },
    { sku: 'UNKNOWN', status: 'not_found' },
  ])
})

tap.test('what one connection lacks in time is missing from the sums, and the others are served', async (t) => {
  const lines: { msg?: string; upstream_calls?: number }[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const environment = { REQUEST_TIMEOUT_MS: '300', LOG_LEVEL: 'info' }
  const { get, post, sandbox } = await startConnections(t, given, { groups, environment, logger })
  sandbox('us').fault('/wms/products', { delayMs: 1000 })
  const query = (headers = {}) => post('/stock/query', { skus: ['CUP', 'UNKNOWN'], connection: 'all' }, headers)
  const partial = await query()
  t.equal(partial.statusCode, 200)
  t.equal(partial.headers['cache-control'], 'no-store')
  const us = { connection: 'us', status: 'unavailable', problem: { code: 'upstream_timeout' } }
  t.match(partial.json().results, [
    { sku: 'CUP', status: 'ok', stock: { complete: false, connections: [{ status: 'ok' }, us, { status: 'ok' }] } },
    { sku: 'UNKNOWN', status: 'unavailable', problem: { code: 'upstream_timeout' } },
  ])
  const single = await get(urlOf('CUP'), { 'cache-control': 'only-if-cached' })
  t.match(single.json().connections, [{ status: 'ok' }, { problem: { code: 'not_cached' } }, { status: 'ok' }])
  const calls = () => lines.filter(({ msg }) => msg === 'request completed').map(({ upstream_calls }) => upstream_calls)
  await eventually(() => calls().length === 2)
  t.strictSame(calls(), [5, 0], 'products of three connections, and items of two')

  for (const name of ['au', 'us', 'ca']) sandbox(name).fault('/wms/*', { status: 500 })
  const none = await post('/stock/query', { skus: ['TRAY', 'OTHER'], connection: 'all' })
  t.match([none.statusCode, none.json().code], [503, 'upstream_unavailable'], 'nobody answers')
  t.equal((await query()).statusCode, 200, 'what is cached is served')
})
