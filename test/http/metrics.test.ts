import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { problems } from '../../src/errors.js'
import access from '../../src/http/auth.js'
import requestMetrics, { Metrics, type MetricsState } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'
import metricsPage from '../../src/routes/prometheus.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { eventually, getOverSocket, startService } from '../harness.js'

/** Samples by name and labels as they stand; refuses what is not the text format of Prometheus (0.0.4). */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  const label = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"'
  const sample = new RegExp(`^([a-zA-Z_:][\\w:]*(?:\\{${label}(?:,${label})*\\})?) (\\S+)$`)
  const comment = /^# (HELP [a-zA-Z_:][\w:]* \S.*|TYPE [a-zA-Z_:][\w:]* (counter|gauge|histogram|summary))$/
  for (const line of text.split('\n')) {
    if (line === '' || comment.test(line)) continue
    const [, name, value] = sample.exec(line) ?? []
    if (name === undefined || !/^([+-]?Inf|NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(String(value))) {
      throw new Error(`this is no sample: ${line}`)
    }
    if (samples.has(name)) throw new Error(`this is there twice: ${name}`)
    samples.set(name, Number(value))
  }
  return samples
}

const mirror = {
  state: 'live',
  products: 3,
  inventory: 4,
  warehouses: 2,
  pages: 7,
  pagesLeft: null,
  syncedAt: 1_700_000_000_500,
} as const
const state: MetricsState = {
  budget: { readsPerSecond: 10, usedLastSecond: 4, waiting: 2 },
  circuit: 'half-open',
  isRefused: false,
  keysWaiting: 5,
  requestsWaiting: 6,
  lookups: { hit: 9, miss: 1 },
  stores: { records: { entries: 11, bytes: 12, maxBytes: 13, evictions: 14 } },
  mirror: null,
}

/** A small application whose metrics can be read, and whose state can be changed. */
async function start(t: Test, given: Partial<MetricsState> = {}) {
  let now: MetricsState = { ...state, ...given }
  const metrics = new Metrics()
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(access, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(requestMetrics, { metrics })
  metrics.watch(() => now)
  await app.register(metricsPage, { metrics })
  app.get('/things/:id', () => ({}))
  t.teardown(() => app.close())
  return {
    app,
    metrics,
    become: (next: Partial<MetricsState>) => {
      now = { ...now, ...next }
    },
    scrape: async () => parse((await app.inject('/metrics')).body),
  }
}

tap.test('gives the text format of Prometheus', async (t) => {
  const { app } = await start(t, { mirror })
  const reply = await app.inject('/metrics')
  t.equal(reply.statusCode, 200)
  t.match(reply.headers, { 'content-type': /^text\/plain; version=0\.0\.4/, 'cache-control': 'no-store' })
  t.ok(parse(reply.body).size > 50)
})

tap.test('reads the state of the moment', async (t) => {
  const { scrape, become } = await start(t)
  const wanted = {
    trackstar_budget_permits_left: 6,
    trackstar_permits_awaited: 2,
    trackstar_keys_awaited: 5,
    trackstar_requests_awaiting: 6,
    'trackstar_circuit_state{state="half-open"}': 1,
    'trackstar_circuit_state{state="open"}': 0,
    trackstar_credentials_refused: 0,
    'cache_entries{store="records"}': 11,
    'cache_bytes{store="records"}': 12,
    'cache_max_bytes{store="records"}': 13,
    'cache_evictions_total{store="records"}': 14,
    'cache_lookups_total{outcome="hit"}': 9,
  }
  const samples = await scrape()
  for (const [name, value] of Object.entries(wanted)) t.equal(samples.get(name), value, name)
  become({ circuit: 'open', isRefused: true, lookups: { hit: 12 } })
  t.equal((await scrape()).get('trackstar_credentials_refused'), 1)
  t.equal((await scrape()).get('trackstar_circuit_state{state="open"}'), 1)
  t.equal((await scrape()).get('cache_lookups_total{outcome="hit"}'), 12, 'and is counted once')
})

tap.test('says how far the mirror is, where there is one', async (t) => {
  const { scrape, become } = await start(t, { mirror })
  const samples = await scrape()
  const wanted = {
    'mirror_state{state="live"}': 1,
    'mirror_state{state="loading"}': 0,
    'mirror_state{state="off"}': 0,
    'mirror_records{resource="products"}': 3,
    'mirror_records{resource="inventory"}': 4,
    'mirror_records{resource="warehouses"}': 2,
    mirror_pages_read: 7,
    mirror_synced_timestamp_seconds: 1_700_000_000.5,
  }
  for (const [name, value] of Object.entries(wanted)) t.equal(samples.get(name), value, name)
  t.notOk(samples.has('mirror_pages_left'), 'what nobody knows is not 0')
  become({ mirror: { ...mirror, state: 'loading', pagesLeft: 5, syncedAt: undefined } })
  const later = await scrape()
  t.equal(later.get('mirror_pages_left'), 5)
  t.notOk(later.has('mirror_synced_timestamp_seconds'))
  become({ mirror: null })
  t.equal((await scrape()).get('mirror_records{resource="products"}'), 0)
  const without = await (await start(t)).scrape()
  t.notOk(Array.from(without.keys()).some((name) => name.startsWith('mirror_')))
})

tap.test('counts who reads events', async (t) => {
  const { metrics, scrape } = await start(t)
  let readers = 3
  metrics.watchReaders(() => readers)
  t.equal((await scrape()).get('stock_event_readers'), 3)
  readers = 2
  t.equal((await scrape()).get('stock_event_readers'), 2)
})

tap.test('counts requests by the template of their route, and problems by their code', async (t) => {
  const { app, scrape } = await start(t)
  for (const url of ['/things/SECRET-1', '/things/SECRET-2', '/nowhere/SECRET-3']) await app.inject(url)
  const samples = await scrape()
  t.equal(samples.get('http_request_seconds_count{method="GET",route="/things/:id",status="200"}'), 2)
  t.equal(samples.get('http_request_seconds_count{method="GET",route="none",status="404"}'), 1)
  t.equal(samples.get('http_problems_total{code="route_not_found"}'), 1)
  t.notOk(Array.from(samples.keys()).some((name) => name.includes('SECRET')))
})

tap.test('has a 0 for what has not happened yet, so that the first time shows as an increase', async (t) => {
  const samples = await (await start(t)).scrape()
  for (const code of Object.keys(problems)) t.equal(samples.get(`http_problems_total{code="${code}"}`), 0, code)
  t.equal(samples.get('trackstar_malformed_records_total{resource="products"}'), 0)
})

tap.test('counts calls upstream, batches and what is left out', async (t) => {
  const { metrics, scrape } = await start(t)
  const call = { route: '/wms/products', cause: 'caller', outcome: '200', ms: 250, waitedMs: 20 }
  metrics.upstreamCall(call)
  metrics.upstreamCall(call)
  metrics.batch('products', 40)
  metrics.malformed('inventory')
  const samples = await scrape()
  t.equal(samples.get('trackstar_calls_total{route="/wms/products",cause="caller",outcome="200"}'), 2)
  t.equal(samples.get('trackstar_call_seconds_sum{route="/wms/products"}'), 0.5)
  t.equal(samples.get('trackstar_permit_wait_seconds_count{cause="caller"}'), 2)
  t.equal(samples.get('trackstar_batch_keys_bucket{le="50",kind="products"}'), 1)
  t.equal(samples.get('trackstar_malformed_records_total{resource="inventory"}'), 1)
})

tap.test('a request is in flight until its answer is out or its caller gone', async (t) => {
  const { app, scrape } = await start(t)
  let answer = (_body: object) => {}
  app.get('/slow', () => new Promise<object>((resolve) => (answer = resolve)))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = Object(app.server.address())
  const inFlight = async () => ((await scrape()).get('http_requests_in_flight') ?? 0) - 1
  t.equal(await inFlight(), 0, 'the scrape itself apart')
  const stays = getOverSocket(port, '/slow')
  await eventually(async () => (await inFlight()) === 1)
  answer({})
  await stays
  await eventually(async () => (await inFlight()) === 0)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(async () => (await inFlight()) === 1)
  socket.destroy()
  await eventually(async () => (await inFlight()) === 0)
  answer({})
  await getOverSocket(port, '/things/%zz')
  await getOverSocket(port, '/nowhere')
  await eventually(async () => (await inFlight()) === 0)
})

tap.test('two applications do not count for each other', async (t) => {
  const [one, other] = [await start(t), await start(t)]
  await one.app.inject('/things/1')
  t.notOk((await other.scrape()).has('http_request_seconds_count{method="GET",route="/things/:id",status="200"}'))
})

tap.test('the whole service has its figures, and no SKU and no secret among them', async (t) => {
  const secrets = ['k3y-of-the-organisation', 't0ken-of-the-connection']
  const sandbox = { apiKey: String(secrets[0]), accessToken: String(secrets[1]) }
  const { get, move, post } = await startMirrored(t, { sandbox })
  await get('/products/SENCHA-100/stock')
  await get('/products/UNKNOWN-SKU/stock')
  await get('/inventory/inv_cup/products')
  await post('/stock/check', { lines: [{ sku: 'SENCHA-100', quantity: 1 }] })
  await move('inv_sencha', -1, 'wh_oslo')
  const { body } = await get('/metrics')
  const samples = parse(body)
  t.equal(samples.get('mirror_state{state="live"}'), 1)
  t.equal(samples.get('mirror_records{resource="products"}'), 100)
  t.equal(samples.get('mirror_records{resource="warehouses"}'), 4)
  t.ok((samples.get('mirror_pages_read') ?? 0) >= 2)
  t.equal(samples.get('stock_event_readers'), 0)
  t.ok((samples.get('cache_lookups_total{outcome="hit"}') ?? 0) > 0)
  t.ok((samples.get('trackstar_calls_total{route="/wms/products",cause="mirror",outcome="200"}') ?? 0) >= 1)
  t.equal(samples.get('http_request_seconds_count{method="POST",route="/webhooks/trackstar",status="204"}'), 1)
  for (const word of [...secrets, 'SENCHA', 'UNKNOWN-SKU', 'inv_']) t.notOk(body.includes(word), word)
  const onDemand = parse((await (await startService(t)).get('/metrics')).body)
  t.equal(onDemand.get('stock_event_readers'), 0)
  t.notOk(onDemand.has('mirror_pages_read'))
})
