import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import { problems } from '../../src/errors.js'
import auth from '../../src/http/auth.js'
import type { ConnectionState } from '../../src/http/connection-state.js'
import requestMetrics, { Metrics } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'
import { metricsRoute } from '../../src/routes/status.js'
import { version } from '../../src/version.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { eventually, getOverSocket, startService } from '../harness.js'

/** Samples by name and labels. Throws if the text is not in the format of Prometheus (0.0.4). */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  const label = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"'
  const sample = new RegExp(`^([a-zA-Z_:][\\w:]*(?:\\{${label}(?:,${label})*\\})?) (\\S+)$`)
  const comment = /^# (HELP [a-zA-Z_:][\w:]* \S.*|TYPE [a-zA-Z_:][\w:]* (counter|gauge|histogram|summary))$/
  for (const line of text.split('\n')) {
    if (line === '' || comment.test(line)) continue
    const [, name, value] = sample.exec(line) ?? []
    if (name === undefined || !/^([+-]?Inf|NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(String(value))) {
      throw new Error(`invalid sample: ${line}`)
    }
    if (samples.has(name)) throw new Error(`duplicate sample: ${name}`)
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
  unreliableResources: [],
  unreadResources: [],
} as const
const state: ConnectionState = {
  name: 'default',
  budget: { readsPerSecond: 10, usedLastSecond: 4, waiting: 2 },
  circuit: 'half-open',
  connectionId: undefined,
  mode: 'on-demand',
  isLeader: true,
  credentials: 'unknown',
  lastError: null,
  webhooks: null,
  source: undefined,
  keysWaiting: 5,
  requestsWaiting: 6,
  readers: 3,
  lookups: { hit: 9, stale: 0, negative: 0, miss: 1 },
  stores: {
    records: { entries: 11, bytes: 12, maxBytes: 13, evictions: 14 },
    absences: { entries: 0, bytes: 0, maxBytes: 1, evictions: 0 },
  },
  mirror: null,
}

/** An application with metrics; its state can be changed. */
async function start(t: Test, given: Partial<ConnectionState> = {}) {
  let now: ConnectionState = { ...state, ...given }
  let others: ConnectionState[] = []
  const metrics = new Metrics()
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(requestMetrics, { metrics })
  const counts = metrics.forConnection('default')
  metrics.watch(() => [now, ...others])
  await app.register(metricsRoute, { metrics })
  app.get('/things/:id', () => ({}))
  t.teardown(() => app.close())
  return {
    app,
    metrics,
    counts,
    setOthers: (next: ConnectionState[]) => {
      others = next
    },
    setState: (next: Partial<ConnectionState>) => {
      now = { ...now, ...next }
    },
    scrape: async () => parse((await app.inject('/metrics')).body),
  }
}

tap.test('serves the text format of Prometheus', async (t) => {
  const { app } = await start(t, { mirror })
  const reply = await app.inject('/metrics')
  t.equal(reply.statusCode, 200)
  t.match(reply.headers, { 'content-type': /^text\/plain; version=0\.0\.4/, 'cache-control': 'no-store' })
  t.ok(parse(reply.body).size > 50)
})

/** Units that metrics may not use, and words that repeat the type. */
const units =
  /(?:^|_)(?:ms|milliseconds|micros|nanoseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|percent)(?:_|$)/
const types = /(?:^|_)(?:counter|gauge|histogram|summary|metric)(?:_|$)/

/** The problems that `promtool check metrics` would report by the rules of Prometheus' promlint. */
function lint(text: string): string[] {
  const helps = new Map(Array.from(text.matchAll(/^# HELP (\S+) (.*)$/gm), ([, name = '', help = '']) => [name, help]))
  const metrics = Array.from(text.matchAll(/^# TYPE (\S+) (\w+)$/gm), ([, name = '', type]) => ({ name, type }))
  return metrics.flatMap(({ name, type }) => {
    const faults = {
      'has no help': !helps.get(name)?.trim(),
      'is a counter without _total': type === 'counter' && !name.endsWith('_total'),
      'ends with _total and is no counter': type !== 'counter' && name.endsWith('_total'),
      'ends like a part of a histogram': /_(?:bucket|count|sum)$/.test(name),
      'is not in base units': units.test(name),
      'names its type': types.test(name),
      'is not in snake_case': !/^[a-z]+[a-z0-9]*(?:_[a-z0-9]+)*$/.test(name),
      'has a label that is not in snake_case': new RegExp(`^${name}\\{(?:.*,)?(?![a-z_]+=)\\w+=`, 'm').test(text),
    }
    return Object.entries(faults).flatMap(([fault, isSo]) => (isSo ? [`${name} ${fault}`] : []))
  })
}

tap.test('regression: promtool rejected the metrics', async (t) => {
  const { app, setState } = await start(t, { mirror })
  setState({ webhooks: { lastReceivedAt: 1, received: 1, ignored: 0 } })
  await app.inject('/things/1')
  const { body } = await app.inject('/metrics')
  t.ok((body.match(/^# TYPE /gm)?.length ?? 0) > 50)
  t.strictSame(lint(body), [])
  t.strictSame(lint('# TYPE x_total gauge\n# HELP call_ms Duration\n# TYPE call_ms counter\n'), [
    'x_total has no help',
    'x_total ends with _total and is no counter',
    'call_ms is a counter without _total',
    'call_ms is not in base units',
  ])
})

tap.test('names the versions of the service and of Node.js', async (t) => {
  const { scrape } = await start(t)
  t.equal((await scrape()).get(`build_info{version="${version}",node="${process.version}"}`), 1)
})

tap.test('reads the state at each scrape', async (t) => {
  const { scrape, setState } = await start(t)
  const expected = {
    'trackstar_budget_permits_left{connection="default"}': 6,
    'trackstar_permits_awaited{connection="default"}': 2,
    'trackstar_keys_awaited{connection="default"}': 5,
    'trackstar_requests_awaiting{connection="default"}': 6,
    'trackstar_circuit_state{connection="default",state="half-open"}': 1,
    'trackstar_circuit_state{connection="default",state="open"}': 0,
    'trackstar_credentials_refused{connection="default"}': 0,
    'cache_entries{connection="default",store="records"}': 11,
    'cache_bytes{connection="default",store="records"}': 12,
    'cache_max_bytes{connection="default",store="records"}': 13,
    'cache_evictions_total{connection="default",store="records"}': 14,
    'cache_lookups_total{connection="default",outcome="hit"}': 9,
  }
  const samples = await scrape()
  for (const [name, value] of Object.entries(expected)) t.equal(samples.get(name), value, name)
  setState({ circuit: 'open', credentials: 'refused', lookups: { ...state.lookups, hit: 12 } })
  t.equal((await scrape()).get('trackstar_credentials_refused{connection="default"}'), 1)
  t.equal((await scrape()).get('trackstar_circuit_state{connection="default",state="open"}'), 1)
  t.equal(
    (await scrape()).get('cache_lookups_total{connection="default",outcome="hit"}'),
    12,
    'values are replaced, not added',
  )
})

tap.test('has metrics of the mirror only if there is one', async (t) => {
  const { scrape, setState } = await start(t, { mirror })
  const samples = await scrape()
  const expected = {
    'mirror_state{connection="default",state="live"}': 1,
    'mirror_state{connection="default",state="loading"}': 0,
    'mirror_state{connection="default",state="off"}': 0,
    'mirror_records{connection="default",resource="products"}': 3,
    'mirror_records{connection="default",resource="inventory"}': 4,
    'mirror_records{connection="default",resource="warehouses"}': 2,
    'mirror_pages_read{connection="default"}': 7,
    'mirror_synced_timestamp_seconds{connection="default"}': 1_700_000_000.5,
  }
  for (const [name, value] of Object.entries(expected)) t.equal(samples.get(name), value, name)
  t.notOk(samples.has('mirror_pages_left{connection="default"}'), 'unknown, not 0')
  setState({ mirror: { ...mirror, state: 'loading', pagesLeft: 5, syncedAt: undefined } })
  const later = await scrape()
  t.equal(later.get('mirror_pages_left{connection="default"}'), 5)
  t.notOk(later.has('mirror_synced_timestamp_seconds{connection="default"}'))
  setState({ mirror: null })
  t.notOk((await scrape()).has('mirror_records{connection="default",resource="products"}'), 'absent, not 0')
  const without = await (await start(t)).scrape()
  t.notOk(Array.from(without.keys()).some((name) => name.startsWith('mirror_')))
})

tap.test('has a series for each connection, until it is removed', async (t) => {
  const { scrape, setOthers } = await start(t, { mirror })
  setOthers([{ ...state, name: 'au', circuit: 'open' }])
  const samples = await scrape()
  t.equal(samples.get('trackstar_circuit_state{connection="au",state="open"}'), 1)
  t.equal(samples.get('trackstar_circuit_state{connection="default",state="open"}'), 0)
  t.equal(samples.get('cache_lookups_total{connection="au",outcome="hit"}'), 9)
  t.notOk(samples.has('mirror_pages_read{connection="au"}'), 'it has no mirror')
  setOthers([])
  const later = await scrape()
  t.notOk(Array.from(later.keys()).some((name) => name.includes('connection="au"')))
})

tap.test('counts event streams', async (t) => {
  const { setState, scrape } = await start(t)
  t.equal((await scrape()).get('stock_event_readers{connection="default"}'), 3)
  setState({ readers: 2 })
  t.equal((await scrape()).get('stock_event_readers{connection="default"}'), 2)
})

tap.test('counts requests by route template and problems by code', async (t) => {
  const { app, scrape } = await start(t)
  for (const url of ['/things/SECRET-1', '/things/SECRET-2', '/nowhere/SECRET-3']) await app.inject(url)
  const samples = await scrape()
  t.equal(samples.get('http_request_seconds_count{method="GET",route="/things/:id",status="200"}'), 2)
  t.equal(samples.get('http_request_seconds_count{method="GET",route="none",status="404"}'), 1)
  t.equal(samples.get('http_problems_total{code="route_not_found"}'), 1)
  t.notOk(Array.from(samples.keys()).some((name) => name.includes('SECRET')))
})

tap.test('starts counters at 0, so that the first event is an increase', async (t) => {
  const samples = await (await start(t)).scrape()
  for (const code of Object.keys(problems)) t.equal(samples.get(`http_problems_total{code="${code}"}`), 0, code)
  t.equal(samples.get('trackstar_malformed_records_total{connection="default",resource="products"}'), 0)
})

tap.test('counts upstream calls, batches and malformed records', async (t) => {
  const { counts, scrape } = await start(t)
  const call = { route: '/wms/products', cause: 'miss', outcome: '200', ms: 250, waitedMs: 20 } as const
  counts.upstreamCall(call)
  counts.upstreamCall(call)
  counts.batch('products', 40)
  counts.malformed('inventory')
  const samples = await scrape()
  t.equal(
    samples.get('trackstar_calls_total{connection="default",route="/wms/products",cause="miss",outcome="200"}'),
    2,
  )
  t.equal(samples.get('trackstar_call_seconds_sum{connection="default",route="/wms/products"}'), 0.5)
  t.equal(samples.get('trackstar_permit_wait_seconds_count{connection="default",cause="miss"}'), 2)
  t.equal(samples.get('trackstar_batch_keys_bucket{le="50",connection="default",kind="products"}'), 1)
  t.equal(samples.get('trackstar_malformed_records_total{connection="default",resource="inventory"}'), 1)
})

tap.test('counts a request as in flight until it is answered or aborted', async (t) => {
  const { app, scrape } = await start(t)
  let answer = (_body: object) => {}
  app.get('/slow', () => new Promise<object>((resolve) => (answer = resolve)))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = Object(app.server.address())
  const inFlight = async () => ((await scrape()).get('http_requests_in_flight') ?? 0) - 1
  t.equal(await inFlight(), 0, 'without the scrape itself')
  const stays = getOverSocket(port, '/slow')
  await eventually(async () => (await inFlight()) === 1)
  answer({})
  await stays
  await eventually(async () => (await inFlight()) === 0)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await eventually(async () => (await inFlight()) === 1)
  socket.destroy()
  await eventually(async () => (await inFlight()) === 0)
  answer({})
  await getOverSocket(port, '/things/%zz')
  await getOverSocket(port, '/nowhere')
  await eventually(async () => (await inFlight()) === 0)
})

tap.test('two applications do not share metrics', async (t) => {
  const [one, other] = [await start(t), await start(t)]
  await one.app.inject('/things/1')
  t.notOk((await other.scrape()).has('http_request_seconds_count{method="GET",route="/things/:id",status="200"}'))
})

tap.test('exposes no SKU and no secret', async (t) => {
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
  t.equal(samples.get('mirror_state{connection="default",state="live"}'), 1)
  t.equal(samples.get('mirror_records{connection="default",resource="products"}'), 100)
  t.equal(samples.get('mirror_records{connection="default",resource="warehouses"}'), 4)
  t.ok((samples.get('mirror_pages_read{connection="default"}') ?? 0) >= 2)
  t.equal(samples.get('stock_event_readers{connection="default"}'), 0)
  t.ok((samples.get('cache_lookups_total{connection="default",outcome="hit"}') ?? 0) > 0)
  t.ok(
    (samples.get('trackstar_calls_total{connection="default",route="/wms/products",cause="mirror",outcome="200"}') ??
      0) >= 1,
  )
  t.equal(samples.get('http_request_seconds_count{method="POST",route="/webhooks/trackstar",status="204"}'), 1)
  for (const word of [...secrets, 'SENCHA', 'UNKNOWN-SKU', 'inv_']) t.notOk(body.includes(word), word)
  const onDemand = parse((await (await startService(t)).get('/metrics')).body)
  t.equal(onDemand.get('stock_event_readers{connection="default"}'), 0)
  t.notOk(onDemand.has('mirror_pages_read{connection="default"}'))
})

async function startWithKeys(t: Test) {
  const metrics = new Metrics()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: apiKeys.parse('shop:one,shop:two'), tickets: { redeem: () => undefined } })
  await app.register(requestMetrics, { metrics })
  app.get('/things/:id', () => ({}))
  app.get('/livez', { config: { access: 'open' } }, () => ({}))
  /** Samples that are not 0. */
  const samplesOf = async (name: string) =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`) && !line.endsWith(' 0'))
  return { app, samplesOf }
}

tap.test('counts requests by name of the API key', async (t) => {
  const { app, samplesOf } = await startWithKeys(t)
  for (const key of ['one', 'two', 'one', 'guessed']) {
    await app.inject({ url: '/things/1', headers: { 'x-api-key': key } })
  }
  await app.inject({ url: '/nowhere', headers: { authorization: 'Bearer two' } })
  await app.inject('/things/1')
  await app.inject('/livez')
  t.strictSame(await samplesOf('http_caller_requests_total'), [
    'http_caller_requests_total{caller="shop",status="200"} 3',
    'http_caller_requests_total{caller="shop",status="404"} 1',
  ])
})

tap.test('counts rejected requests by route template, status and code', async (t) => {
  const { app, samplesOf } = await startWithKeys(t)
  for (const url of ['/things/1', '/things/2', '/nowhere']) await app.inject(url)
  const seconds = await samplesOf('http_request_seconds_count')
  t.strictSame(seconds, [
    'http_request_seconds_count{method="GET",route="/things/:id",status="401"} 2',
    'http_request_seconds_count{method="GET",route="none",status="404"} 1',
  ])
  t.strictSame(await samplesOf('http_problems_total'), [
    'http_problems_total{code="unauthorized"} 2',
    'http_problems_total{code="route_not_found"} 1',
  ])
})
