import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import type { Status } from '../../../src/routes/status.js'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { type GivenConnection, startConnections } from '../../connections-service.js'
import { eventually } from '../../harness.js'

type Shown = Status['connections'][number]
const mirror = { CATALOG_MODE: 'mirror' }

const connectionsOf = async ({ get }: Pick<Awaited<ReturnType<typeof startConnections>>, 'get'>) =>
  (await get('/status')).json().connections

tap.test('every stock says its connection, and each connection has its own', async (t) => {
  const { get, post, sandbox } = await startConnections(t, { au: {}, us: { fields: { catalog_mode: 'mirror' } } })
  const cup = sandbox('us').data.inventory.get('inv_cup')
  if (cup) Object.assign(cup, { fulfillable: 7, inventory_by_warehouse_id: {} })
  for (const [connection, available] of [
    ['au', 40],
    ['us', 7],
  ] as const) {
    const stock = (await get(`/products/CUP/stock?connection=${connection}`)).json()
    t.match(stock, { sku: 'CUP', connection, available })
    const { results } = (await post('/stock/query', { skus: ['CUP'], connection })).json()
    t.match(results, [{ stock: { connection, available } }])
    t.match((await get(`/stock?sku=CUP&connection=${connection}`)).json(), { results: [{ stock: { connection } }] })
    t.match((await post('/stock/check', { lines: [{ sku: 'CUP', quantity: 9 }], connection })).json(), {
      fulfillable: available >= 9,
    })
  }
})

tap.test('the state, the metrics and the log lines of a connection name it', async (t) => {
  const lines: string[] = []
  const service = await startConnections(
    t,
    { au: {}, us: { fields: { read_rate: 7, catalog_mode: 'mirror' } } },
    {
      environment: { LOG_LEVEL: 'info' },
      logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
    },
  )
  const { get } = service
  await eventually(async () => (await connectionsOf(service))[1].mirror.state === 'live')
  await get('/products/CUP/stock?connection=us')
  await get('/products/CUP/stock')
  t.match(await connectionsOf(service), [
    { name: 'au', connection_id: 'conn_au', mode: 'on-demand', mirror: null },
    { name: 'us', connection_id: 'conn_us', mode: 'mirror', budget: { reads_per_second: 7 } },
  ])
  const { body } = await get('/metrics')
  t.match(body, 'mirror_state{connection="us",state="live"} 1')
  t.match(body, /^trackstar_budget_permits_left\{connection="au"\} \d+$/m)
  const logged = lines.map((line) => JSON.parse(line))
  t.match(
    logged.find(({ msg }) => msg === 'catalog mirrored'),
    { connection: 'us' },
  )
  t.strictSame(
    logged
      .filter(({ msg }) => msg === 'request completed')
      .flatMap(({ route, connection }) => (route?.includes('sku') ? [connection] : [])),
    ['us', null],
  )
  t.notOk(`${body}${lines.join('')}`.includes('token-of-'))
})

tap.test('a connection that is refused changes nothing for the others; readiness ends when all are', async (t) => {
  const { get, sandbox } = await startConnections(t, { au: {}, us: {} })
  const ask = async (connection: string, sku: string) =>
    (await get(`/products/${sku}/stock?connection=${connection}`)).statusCode
  sandbox('au').fault('/wms/*', { status: 401 })
  t.equal(await ask('au', 'CUP'), 502)
  t.equal(await ask('us', 'CUP'), 200)
  t.equal((await get('/readyz')).statusCode, 200)
  sandbox('us').fault('/wms/*', { status: 401 })
  t.equal(await ask('us', 'TRAY'), 502)
  t.equal((await get('/readyz')).statusCode, 503)
  sandbox('us').clearFaults()
  await eventually(async () => (await get('/readyz')).statusCode === 200)
})

tap.test('a connection that fails opens no circuit of another', async (t) => {
  const service = await startConnections(t, { au: {}, us: {} }, { environment: { TRACKSTAR_TIMEOUT_MS: '200' } })
  service.sandbox('au').fault('*', { status: 503 })
  for (let n = 0; n < 8; n++) await service.get(`/products/P${n}/stock?connection=au`)
  t.match(await connectionsOf(service), [{ circuit: 'open' }, { circuit: 'closed' }])
  t.equal((await service.get('/products/CUP/stock?connection=us')).statusCode, 200)
})

tap.test('webhooks reach the connection whose id they have', async (t) => {
  const environment = { ...mirror, TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret }
  const service = await startConnections(t, { au: {}, us: {} }, { environment })
  const { app, get, sandbox } = service
  await eventually(async () => (await connectionsOf(service)).every(({ mirror }: Shown) => mirror?.state === 'live'))
  const available = async (connection: string) =>
    (await get(`/products/CUP/stock?connection=${connection}`)).json().available
  t.strictSame([await available('au'), await available('us')], [40, 40])
  const deliver = async (connection_id: string, id: string) => {
    const { record } = sandbox('us').move('inv_cup', { by: -3, warehouse_id: 'wh_oslo' })
    const payload = JSON.stringify({ connection_id, event_type: 'inventory.updated', data: record })
    const headers = {
      'content-type': 'application/json',
      ...signWebhook(sandboxWebhookSecret, id, Math.floor(Date.now() / 1000), payload),
    }
    return (await app.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })).statusCode
  }
  t.equal(await deliver('conn_us', 'msg_1'), 204)
  t.strictSame([await available('au'), await available('us')], [40, 37])
  t.equal(await deliver('conn_of_nobody', 'msg_2'), 204)
  t.strictSame([await available('au'), await available('us')], [40, 37])
  const { body } = await get('/metrics')
  t.match(body, 'trackstar_webhook_deliveries_total{connection="us",outcome="applied"} 1')
  t.match(body, 'trackstar_webhook_deliveries_total{connection="",outcome="other_connection"} 1')
  t.match(await connectionsOf(service), [{ webhooks: { received: 0 } }, { webhooks: { received: 1 } }])
})

tap.test('at most four first loads run at a time, and one that fails keeps none from loading', async (t) => {
  const names = Array.from({ length: 9 }, (_, n) => `c${n}`)
  const given: Record<string, GivenConnection> = Object.fromEntries(
    names.map((name) => [name, { sandbox: { latencyMs: 50 } }]),
  )
  for (const name of names.slice(0, 4)) given[name] = { fields: { access_token: `wrong-${name}` } }
  const service = await startConnections(t, given, { environment: mirror })
  await eventually(async () => {
    const states = (await connectionsOf(service)).map((one: Shown) => one.mirror?.state)
    return states.slice(4).every((state: string) => state === 'live')
  })
  t.strictSame(
    (await connectionsOf(service)).slice(0, 4).map((one: Shown) => [one.mirror?.state, one.credentials]),
    Array.from({ length: 4 }, () => ['loading', 'refused']),
  )
})

tap.test('a mirror that does not fit in what is left is given up by itself, with a warning', async (t) => {
  const lines: string[] = []
  const service = await startConnections(
    t,
    { small: {}, large: { sandbox: { products: 1500 } }, other: {} },
    {
      environment: { ...mirror, CACHE_MAX_MB: '1', LOG_LEVEL: 'warn' },
      logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
    },
  )
  const states = async () => (await connectionsOf(service)).map((one: Shown) => one.mirror?.state)
  await eventually(async () => !(await states()).includes('loading'))
  t.strictSame(await states(), ['live', 'off', 'live'])
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith('mirror stopped'))
  t.match(warnings, [{ connection: 'large', err: { message: 'the catalog is larger than CACHE_MAX_MB' } }])
  const bytes = (await connectionsOf(service)).reduce((sum: number, { cache }: Shown) => sum + cache.bytes, 0)
  t.ok(bytes <= 1_000_000, `${bytes} bytes`)
  for (const connection of ['small', 'large', 'other']) {
    t.equal((await service.get(`/products/CUP/stock?connection=${connection}`)).json().available, 40, connection)
  }
})
