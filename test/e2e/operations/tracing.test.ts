import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import tap, { type Test } from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { startTracing } from '../../../src/http/tracing.js'
import { version } from '../../../src/version.js'
import { type ReceivedSpan, startCollector, treeOf } from '../../collector.js'
import { EventStream } from '../../event-stream.js'
import { eventually, type Service, type ServiceOptions, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

/** The loaded modules of the SDK and its instrumentations. */
const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    /@opentelemetry\/(sdk|instrumentation|exporter|otlp)|@fastify\/otel/.test(path),
  )

// This test comes first: modules stay loaded.
await tap.test('loads and creates nothing unless the standard variables enable tracing', async (t) => {
  for (const environment of [
    {},
    { OTEL_SERVICE_NAME: 'stock' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' },
    { OTEL_TRACES_EXPORTER: 'console', OTEL_SDK_DISABLED: ' TRUE ' },
  ]) {
    t.equal(await startTracing(environment), undefined, JSON.stringify(environment))
  }
  const lines: string[] = []
  const { get, sandbox } = await startService(t, {
    environment: { LOG_LEVEL: 'trace' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  t.equal((await get('/products/SENCHA-100/stock', caller().headers)).statusCode, 200)
  t.equal(trace.getTracer('any').startSpan('any').isRecording(), false)
  t.ok(sandbox.calls.every(({ headers }) => headers['traceparent'] === undefined))
  t.ok(lines.length > 0)
  t.notMatch(lines.join(), 'trace_id')
  t.same(loaded(), [])
})

const collector = await startCollector(tap)
Object.assign(process.env, collector.environment)
const tracing = await startTracing(process.env)
if (tracing === undefined) throw new Error('expected traces, but got none')
tap.teardown(() => tracing.close())

const secrets = ['sandbox-api-key', 'sandbox-access-token', 'TICKET', 'BEARER', 'COOKIE', 'BAGGAGE', 'SENCHA', 'CUP']

/** A caller with a trace of its own. */
function caller({ isRecorded = true } = {}) {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-0${isRecorded ? 1 : 0}` } }
}

const serve = (t: Test, options: ServiceOptions = {}) => startService(t, { ...options, tracing })

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name)

function only(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const [span, ...others] = named(spans, name)
  if (span === undefined || others.length > 0) throw new Error(`expected one ${name}, but got ${treeOf(spans).join()}`)
  return span
}

const coldStock = [
  'GET /products/:sku/stock',
  '  trackstar batch items',
  '    GET /wms/inventory',
  '  trackstar batch skus',
  '    GET /wms/products',
  '  trackstar warehouses',
  '    GET /wms/warehouses',
]

tap.test('matches the trace in docs/tracing.md', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'tracing.md'), 'utf8')
  t.match(page, `\n\`\`\`text\n${coldStock.join('\n')}\n\`\`\`\n`)
})

tap.test('names the service in the resource attributes', async (t) => {
  const { get } = await startService(t, { tracing })
  const { traceId, headers } = caller()
  await get('/livez', headers)
  await collector.trace(traceId, 1)
  t.match(collector.resource(), { 'service.name': 'trackstar-bff', 'service.version': version })
  for (const name of ['sdk-node', '@fastify/otel'])
    t.ok(
      loaded().some((path) => path.includes(name)),
      'it would be exported',
    )
})

tap.test("creates a span for the request and one for each call, in the caller's trace", async (t) => {
  const { app, get, sandbox, listen } = await serve(t)
  const { traceId, spanId, headers } = caller()
  await get('/products/SENCHA-100/stock?include=lots', { ...headers, cookie: 'a=COOKIE', 'x-api-key': 'BEARER' })
  const spans = await collector.trace(traceId, 7)
  t.same(treeOf(spans), coldStock)
  t.equal(named(spans, 'GET /products/:sku/stock')[0]?.parentSpanId, spanId)
  t.equal(spans.filter(({ kind }) => kind === 3).length, sandbox.calls.length)
  t.strictSame(only(spans, 'GET /products/:sku/stock').attributes, {
    'fastify.root': '@fastify/otel',
    'http.request.method': 'GET',
    'http.route': '/products/:sku/stock',
    'url.path': '/products/:sku/stock',
    'http.response.status_code': 200,
  })
  const { attributes } = only(spans, 'GET /wms/products')
  t.match(attributes, { 'url.template': '/wms/products', 'url.path': '/wms/products', 'trackstar.cause': 'miss' })
  t.match(attributes['url.full'], /^http:\/\/127.0.0.1:\d+\/wms\/products$/)
  t.notOk('url.query' in attributes)
  t.strictSame(only(spans, 'trackstar batch skus').attributes, { 'trackstar.keys': 1, 'trackstar.cause': 'miss' })

  const warm = caller()
  await get('/products/SENCHA-100/stock', warm.headers)
  t.same(treeOf(await collector.trace(warm.traceId, 1)), ['GET /products/:sku/stock'])

  // Reading a body from a socket would wake the process outside any trace.
  const posted = caller()
  const slow = request({ port: await listen(), method: 'POST', path: '/stock/query', agent: false })
  slow.setHeader('traceparent', posted.headers.traceparent)
  slow.setHeader('content-type', 'application/json').flushHeaders()
  await once(app.server, 'request')
  slow.end(JSON.stringify({ skus: ['CUP'] }))
  await once(slow, 'response')
  t.same(treeOf(await collector.trace(posted.traceId, 5)), [
    'POST /stock/query',
    '  trackstar batch items',
    '    GET /wms/inventory',
    '  trackstar batch skus',
    '    GET /wms/products',
  ])

  const listed = caller()
  await get('/products?sku=SENCHA-100', listed.headers)
  t.same(treeOf(await collector.trace(listed.traceId, 2)), ['GET /products', '  GET /wms/products'])
})

tap.test('propagates the trace to Trackstar, and no other header of the caller', async (t) => {
  const { get, sandbox } = await serve(t)
  const { traceId, headers } = caller()
  const also = { tracestate: 'shop=a1,other=b2', baggage: 'caller=BAGGAGE', b3: '0', 'x-b3-traceid': traceId }
  await get('/products/SENCHA-100/stock', { ...headers, ...also })
  await get('/products?limit=5', { ...headers, ...also })
  const spans = await collector.trace(traceId, 9)
  const ids = spans.filter(({ kind }) => kind === 3).map(({ spanId }) => spanId)
  t.equal(ids.length, 4)
  t.same(
    sandbox.calls.map((call) => call.headers['traceparent']).toSorted(),
    ids.map((id) => `00-${traceId}-${id}-01`).toSorted(),
  )
  const known = ['host', 'connection', 'accept', 'accept-encoding', 'x-trackstar-api-key', 'x-trackstar-access-token']
  for (const call of sandbox.calls) {
    t.same(Object.keys(call.headers).toSorted(), [...known, 'traceparent', 'tracestate'].toSorted())
    t.equal(call.headers['tracestate'], 'shop=a1,other=b2')
  }
})

tap.test('starts a new trace if traceparent is invalid', async (t) => {
  const { get, sandbox } = await serve(t)
  const traceId = randomBytes(16).toString('hex')
  const malformed = [
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
    `ff-${traceId}-00f067aa0ba902b7-01`,
    `00-${traceId}-00f067aa0ba902b7-01-more`,
    traceId,
    `00-${traceId}-00f067aa0ba902b7-01, 00-${traceId}-00f067aa0ba902b7-01`,
    'x'.repeat(5000),
  ]
  for (const traceparent of malformed) await get('/products?limit=1', { traceparent, tracestate: 'shop=a1' })
  t.equal(sandbox.calls.length, malformed.length)
  for (const { headers } of sandbox.calls) {
    t.match(headers['traceparent'], /^00-[\da-f]{32}-[\da-f]{16}-01$/)
    t.notOk(String(headers['traceparent']).includes(traceId))
    t.equal(headers['tracestate'], undefined)
  }
  const tooMuch = caller()
  await get('/products?limit=1', { ...tooMuch.headers, tracestate: `shop=${'a'.repeat(5000)}` })
  t.match(sandbox.calls.at(-1)?.headers, { traceparent: new RegExp(tooMuch.traceId) })
  t.notOk(sandbox.calls.at(-1)?.headers['tracestate'])
})

tap.test('names spans by route template, without values of the caller', async (t) => {
  const { get, app, sandbox } = await serve(t)
  sandbox.fault('/wms/inventory/*', { status: 501 })
  const nameOf = async (method: 'GET' | 'PUT' | 'DELETE', url: string, spans = 1) => {
    const { traceId, headers } = caller()
    const secret = { authorization: 'Bearer BEARER', cookie: 'a=COOKIE' }
    const payload = { quantity: 1, adjustment_type: 'increase' }
    await app.inject({ method, url, headers: { ...headers, ...secret }, ...(method === 'PUT' && { payload }) })
    return treeOf(await collector.trace(traceId, spans))
  }
  t.same(await nameOf('GET', '/stock/events?ticket=TICKET&sku=SENCHA-100'), ['GET /stock/events'])
  t.same(await nameOf('GET', '/SENCHA/TICKET?ticket=TICKET'), ['GET'])
  t.same(await nameOf('DELETE', '/products/SENCHA-100/stock?ticket=TICKET'), ['DELETE /products/:sku/stock'])
  t.same(await nameOf('GET', '/products/SENCHA-100/stock?ticket=TICKET'), ['GET /products/:sku/stock'])
  t.same(await nameOf('PUT', '/inventory/inv_1/adjust', 2), [
    'PUT /inventory/:id/adjust',
    '  PUT /wms/inventory/{inventory_id}/adjust',
  ])
  // Rejected before routing: there is no route.
  t.equal((await get('/products/%zz/stock?ticket=TICKET')).statusCode, 400)
})

tap.test('marks internal errors as failed, without their message, but not rejections', async (t) => {
  const { get, sandbox, app } = await serve(t)
  app.get('/broken', () => {
    throw new TypeError('the inside of TICKET')
  })
  const statusOf = async (url: string, count: number) => {
    const { traceId, headers } = caller()
    await get(url, headers)
    const spans = await collector.trace(traceId, count)
    for (const { events } of spans.filter(({ kind }) => kind === 2)) t.same(events, [])
    return spans.map(({ name, status, attributes }) => [name, status.code ?? 0, attributes['error.type']])
  }
  t.same(await statusOf('/broken', 1), [['GET /broken', 2, 'internal_error']])
  t.same(await statusOf('/stock?sku=', 1), [['GET /stock', 0, undefined]])
  t.same(await statusOf('/nowhere', 1), [['GET', 0, undefined]])
  const unknown = await statusOf('/products/CUPBOARD', 3)
  t.same(
    unknown.find(([name]) => name === 'GET /products/:sku'),
    ['GET /products/:sku', 0, undefined],
  )
  sandbox.fault('/wms/products', { status: 500 })
  t.same((await statusOf('/products/CUP', 3)).toSorted(), [
    ['GET /products/:sku', 2, 'upstream_unavailable'],
    ['GET /wms/products', 2, '500'],
    ['trackstar batch skus', 2, 'upstream_unavailable'],
  ])
  t.ok(collector.spans.every(({ kind, status }) => kind === 3 || status.message === undefined))
})

/** Sends requests while a call is in flight, so that they share the next call. */
async function inOneBatch(
  { get, sandbox }: Service,
  requests: readonly [url: string, headers: Readonly<Record<string, string>>][],
): Promise<void> {
  sandbox.fault('/wms/products', { delayMs: 200, times: 1 })
  const first = get('/products/GONGFU-SET')
  await eventually(() => sandbox.calls.length === 1)
  await Promise.all([first, ...requests.map(([url, headers]) => get(url, headers))])
}

tap.test('links a shared batch with all its callers, without a parent', async (t) => {
  const service = await serve(t)
  const [one, two] = [caller(), caller()]
  await inOneBatch(service, [
    ['/products/SENCHA-100', one.headers],
    ['/stock?sku=CUP&sku=CUP-S', two.headers],
  ])
  const first = await collector.span(one.traceId, 'GET /products/:sku')
  const second = await collector.span(two.traceId, 'GET /stock')
  await eventually(() => collector.spans.some(({ links }) => links.includes(first.spanId)))
  const batch = collector.spans.find(({ links }) => links.includes(first.spanId)) as ReceivedSpan
  t.equal(batch.name, 'trackstar batch skus')
  t.equal(batch.parentSpanId || undefined, undefined)
  t.notOk([one.traceId, two.traceId].includes(batch.traceId))
  t.equal(batch.attributes['trackstar.keys'], 3)
  t.same(batch.links.toSorted(), [first.spanId, second.spanId].toSorted(), 'once each, although one caller asked twice')
  for (const { links } of [first, second]) t.same(links, [batch.spanId])
  const apart = await collector.trace(batch.traceId, 2)
  t.same(treeOf(apart), ['trackstar batch skus', '  GET /wms/products'])
})

tap.test('links callers that join a call in flight', async (t) => {
  const { get, sandbox, app } = await serve(t, { sandbox: { latencyMs: 100 } })
  await app.ready()
  const [one, two] = [caller(), caller()]
  for (const [url, batch, path] of [
    ['/products/SENCHA-100', 'trackstar batch skus', '/wms/products'],
    ['/warehouses/wh_oslo', 'trackstar warehouses', '/wms/warehouses'],
  ] as const) {
    const callsBefore = sandbox.calls.length
    const first = get(url, one.headers)
    await eventually(() => sandbox.calls.length > callsBefore)
    await Promise.all([first, get(url, two.headers), get(url, two.headers)])
    t.equal(sandbox.calls.filter((call) => call.path === path).length, 1)
    const shared = () => collector.spans.find(({ traceId, name }) => traceId === one.traceId && name === batch)
    await eventually(() => shared() !== undefined)
    const name = `GET ${url.replace(/[^/]+$/, url.startsWith('/products') ? ':sku' : ':id')}`
    const joiners = () => named(collector.spans, name).filter(({ traceId }) => traceId === two.traceId)
    await eventually(() => joiners().length === 2)
    t.same(
      shared()?.links.toSorted(),
      joiners()
        .map(({ spanId }) => spanId)
        .toSorted(),
    )
    for (const { links } of joiners()) t.same(links, [shared()?.spanId])
    const owner = only(await collector.trace(one.traceId, 3).then((spans) => named(spans, name)), name)
    t.equal(shared()?.parentSpanId, owner.spanId)
  }
})

tap.test('makes a call the child of the only caller whose trace is sampled', async (t) => {
  const service = await serve(t)
  const { get, sandbox } = service
  const [unrecorded, recorded] = [caller({ isRecorded: false }), caller()]
  await inOneBatch(service, [
    ['/products/CUP', unrecorded.headers],
    ['/products/SENCHA-100', recorded.headers],
  ])
  t.same(treeOf(await collector.trace(recorded.traceId, 3)), [
    'GET /products/:sku',
    '  trackstar batch skus',
    '    GET /wms/products',
  ])
  await get('/products/CUP-S', unrecorded.headers)
  t.match(sandbox.calls.at(-1)?.headers['traceparent'], new RegExp(`^00-${unrecorded.traceId}-[\\da-f]{16}-00$`))
  const after = caller()
  await get('/livez', after.headers)
  await collector.trace(after.traceId, 1)
  t.notOk(collector.spans.some(({ traceId }) => traceId === unrecorded.traceId))
})

tap.test('creates a span for each half of a rejected batch', async (t) => {
  const { get, sandbox } = await serve(t)
  sandbox.fault('/wms/products', { status: 422, times: 1 })
  const { traceId, headers } = caller()
  await get('/stock?sku=SENCHA-100&sku=CUP', headers)
  const spans = await collector.trace(traceId, 7)
  t.same(
    named(spans, 'trackstar batch skus').map(({ attributes }) => [
      attributes['trackstar.keys'],
      attributes['error.type'],
    ]),
    [
      [2, 'upstream_rejected'],
      [1, undefined],
      [1, undefined],
    ],
  )
})

tap.test('creates a span for each attempt', async (t) => {
  const { get, sandbox } = await serve(t)
  sandbox.fault('/wms/products', { status: 503, times: 1 })
  sandbox.fault('/wms/products', { reset: true, times: 1 })
  const { traceId, headers } = caller()
  await get('/products/SENCHA-100', headers)
  const spans = await collector.trace(traceId, 5)
  t.same(treeOf(spans), [
    'GET /products/:sku',
    '  trackstar batch skus',
    '    GET /wms/products',
    '    GET /wms/products',
    '    GET /wms/products',
  ])
  t.same(
    named(spans, 'GET /wms/products').map(({ attributes, status }) => [
      attributes['trackstar.cause'],
      attributes['http.response.status_code'],
      status.code ?? 0,
    ]),
    [
      ['miss', undefined, 2],
      ['retry', 503, 2],
      ['retry', 200, 0],
    ],
  )
  t.equal(only(spans, 'trackstar batch skus').status.code ?? 0, 0)
})

tap.test('puts a background refresh into the trace that caused it', async (t) => {
  const { get } = await serve(t, { environment: { CACHE_TTL_SECONDS: '1' } })
  await get('/products/SENCHA-100')
  const { traceId, headers } = caller()
  await eventually(
    async () => (await get('/products/SENCHA-100', headers)).headers['cache-status'] !== 'trackstar-bff; hit',
  )
  await eventually(() => collector.spans.some((span) => span.traceId === traceId && span.kind === 3))
  const spans = collector.spans.filter((span) => span.traceId === traceId)
  t.equal(only(spans, 'trackstar batch skus').attributes['trackstar.cause'], 'refresh')
  const { parentSpanId } = only(spans, 'trackstar batch skus')
  t.ok(named(spans, 'GET /products/:sku').some(({ spanId }) => spanId === parentSpanId))
})

tap.test('ends the span of a response without a reader, and of an event stream', async (t) => {
  const lines: string[] = []
  const { app, listen, sandbox } = await startMirrored(t, {
    tracing: tracing,
    environment: { LOG_LEVEL: 'info' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }, tracing.logFields),
  })
  const port = await listen()
  const reader = caller()
  const stream = await EventStream.open(t, port, '/stock/events?sku=SENCHA-100', reader.headers)
  stream.leave()
  t.match(await collector.trace(reader.traceId, 1), [{ name: 'GET /stock/events' }])

  const impatient = caller()
  sandbox.fault('/wms/products', { delayMs: 300 })
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `GET /products?limit=1 HTTP/1.1\r\nHost: localhost\r\ntraceparent: ${impatient.headers.traceparent}\r\n\r\n`,
  )
  await eventually(() => sandbox.calls.some(({ query }) => query.get('limit') === '1'))
  socket.destroy()
  const span = () => collector.spans.find(({ traceId, kind }) => traceId === impatient.traceId && kind === 2)
  await eventually(() => span() !== undefined)
  t.equal(span()?.name, 'GET /products')
  t.notOk('http.response.status_code' in (span()?.attributes ?? {}))
  const line = (traceId: string) => lines.map((text) => JSON.parse(text)).find(({ trace_id }) => trace_id === traceId)
  t.match(line(impatient.traceId), { msg: 'request aborted', route: '/products', span_id: span()?.spanId })

  const patient = caller()
  await EventStream.open(t, port, '/stock/events', patient.headers)
  await app.close()
  const streamSpan = await collector.span(patient.traceId, 'GET /stock/events')
  t.equal(streamSpan.attributes['http.response.status_code'], 200)
  t.match(line(patient.traceId), { msg: 'request completed', route: '/stock/events', span_id: streamSpan.spanId })
})

tap.test('adds trace and span ids to each log line', async (t) => {
  const lines: string[] = []
  const { get, post } = await serve(t, {
    environment: { LOG_LEVEL: 'debug' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }, tracing.logFields),
  })
  const { traceId, headers } = caller()
  await get('/products/SENCHA-100/stock', headers)
  await post('/stock/query', { skus: [] }, headers)
  const spans = await collector.trace(traceId, 8)
  const written = lines.map((line) => JSON.parse(line))
  const answered = written.filter(({ msg }) => msg === 'request completed')
  t.same(
    answered.map(({ trace_id, span_id }) => [trace_id, span_id]),
    ['GET /products/:sku/stock', 'POST /stock/query'].map((name) => [traceId, only(spans, name).spanId]),
  )
  const upstreamCalls = written.filter(({ msg }) => msg === 'upstream call')
  t.same(
    upstreamCalls.map(({ span_id }) => span_id).toSorted(),
    ['skus', 'items']
      .map((kind) => only(spans, `trackstar batch ${kind}`).spanId)
      .concat(only(spans, 'trackstar warehouses').spanId)
      .toSorted(),
  )
})

tap.test('creates no spans for outgoing requests other than calls to Trackstar', async (t) => {
  const { listen } = await serve(t)
  const { traceId, headers } = caller()
  const port = await listen()
  await trace.getTracer('test').startActiveSpan('outer', async (span) => {
    await fetch(`http://127.0.0.1:${port}/livez`, { headers })
    span.end()
  })
  t.same(treeOf(await collector.trace(traceId, 1)), ['GET /livez'])
  t.notOk(collector.spans.some(({ name }) => name === 'GET' && name.includes('livez')))
})

tap.test('exports no secrets, and nothing but traces', async (t) => {
  t.ok(collector.spans.length > 50)
  for (const secret of secrets) t.notOk(collector.bytes().includes(secret), secret)
  t.same([...collector.paths], ['/v1/traces'])
})
