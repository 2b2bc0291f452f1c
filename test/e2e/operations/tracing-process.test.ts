import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import tap from 'tap'
import { startCollector, treeOf } from '../../collector.js'
import { type ServiceProcess, startProcess } from '../../service-process.js'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

const ask = async ({ address }: ServiceProcess, path: string, headers: Readonly<Record<string, string>> = {}) =>
  (await fetch(address + path, { headers: { connection: 'close', traceparent, ...headers } })).status

tap.test('sends what it has not sent yet before it ends', async (t) => {
  const collector = await startCollector(t)
  const service = await startProcess(t, {
    ...collector.environment,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_SERVICE_NAME: 'stock',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  })
  t.equal(await ask(service, '/products/SENCHA-100'), 200)
  t.equal(collector.spans.length, 0)
  t.equal(await service.stop(), 0)
  const spans = collector.spans.filter((span) => span.traceId === traceId)
  t.same(treeOf(spans), ['GET /products/:sku', '  trackstar batch skus', '    GET /wms/products'])
  t.match(collector.resource(), { 'service.name': 'stock', 'deployment.environment.name': 'test' })
  t.same([...collector.paths], ['/v1/traces'])
})

tap.test('regression: what had not been sent was lost where the grace time ended the stop', async (t) => {
  const collector = await startCollector(t)
  const service = await startProcess(t, {
    ...collector.environment,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    SHUTDOWN_GRACE_SECONDS: '1',
  })
  t.equal(await ask(service, '/products/SENCHA-100'), 200)
  const halfOpen = connect(Number(new URL(service.address).port), '127.0.0.1')
  halfOpen.on('error', () => {})
  halfOpen.write('GET /livez HTTP/1.1\r\n')
  await once(halfOpen, 'connect')
  t.equal(await service.stop(), 0)
  t.match(service.output(), /grace time over/)
  t.ok(collector.spans.some(({ traceId: id }) => id === traceId))
  halfOpen.destroy()
})

tap.test('serves, complains in its log and ends in time where the collector is gone', async (t) => {
  const service = await startProcess(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '50',
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_TRACES_SAMPLER: 'nonsense',
    SHUTDOWN_GRACE_SECONDS: '600',
  })
  t.equal(await ask(service, '/products/SENCHA-100'), 200)
  await service.written(/ECONNREFUSED.*OpenTelemetry diagnostic/)
  t.match(
    service.output(),
    /unknown OTEL_TRACES_SAMPLER value.*OpenTelemetry diagnostic/,
    'what it had before the log was',
  )
  t.equal(await ask(service, '/products/SENCHA-100'), 200)
  t.equal(await service.stop(), 0)
  const lines = service
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.notOk(
    lines.some(({ diagnostic, trace_id }) => diagnostic && trace_id),
    'no request is blamed',
  )
})

tap.test('does not wait for a collector that does not answer', async (t) => {
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const service = await startProcess(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${Object(silent.address()).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    OTEL_BSP_EXPORT_TIMEOUT: '600000',
    SHUTDOWN_GRACE_SECONDS: '600',
  })
  t.equal(await ask(service, '/products/SENCHA-100'), 200)
  t.equal(await service.stop(), 0)
})

tap.test(
  "keeps a caller's baggage from Trackstar where it is taken in, and makes no span of what is left out",
  async (t) => {
    const service = await startProcess(t, {
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_PROPAGATORS: 'tracecontext,baggage',
      OTEL_FASTIFY_IGNORE_PATHS: '/{livez,readyz}',
    })
    const headers = { baggage: 'who=somebody' }
    for (const path of ['/products/SENCHA-100/stock', '/products?limit=1', '/livez']) {
      t.equal(await ask(service, path, headers), 200)
    }
    t.equal(service.sandbox.calls.length, 4)
    for (const call of service.sandbox.calls) {
      t.match(call.headers['traceparent'], new RegExp(`^00-${traceId}-`))
      t.equal(call.headers['baggage'], undefined)
    }
    t.equal(await service.stop(), 0)
    t.match(service.output(), `traceId: '${traceId}'`)
    t.notMatch(service.output(), 'somebody')
    t.match(service.output(), 'GET /products/:sku/stock')
    t.notMatch(service.output(), /name: 'GET \/livez'/)
  },
)
