import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import tap from 'tap'
import { startCollector, treeOf } from '../../collector.js'
import { type SpawnedService, spawnService } from '../../spawned.js'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

const get = async ({ port }: SpawnedService, path: string, headers: Readonly<Record<string, string>> = {}) =>
  (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', traceparent, ...headers } })).status

/** Sends SIGTERM; resolves to the exit code. */
async function stop({ signal, exit }: SpawnedService): Promise<number | null> {
  signal('SIGTERM')
  return (await exit).code
}

tap.test('sends pending spans before it exits', async (t) => {
  const collector = await startCollector(t)
  const service = await spawnService(t, {
    ...collector.environment,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_SERVICE_NAME: 'stock',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  })
  t.equal(await get(service, '/products/SENCHA-100'), 200)
  t.equal(collector.spans.length, 0)
  t.equal(await stop(service), 0)
  const spans = collector.spans.filter((span) => span.traceId === traceId)
  t.same(treeOf(spans), ['GET /products/:sku', '  trackstar batch skus', '    GET /wms/products'])
  t.match(collector.resource(), { 'service.name': 'stock', 'deployment.environment.name': 'test' })
  t.same([...collector.paths], ['/v1/traces'])
})

tap.test('regression: pending spans were lost when the grace time ended the stop', async (t) => {
  const collector = await startCollector(t)
  const service = await spawnService(t, {
    ...collector.environment,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    SHUTDOWN_GRACE_SECONDS: '1',
  })
  t.equal(await get(service, '/products/SENCHA-100'), 200)
  const halfOpen = connect(service.port, '127.0.0.1')
  halfOpen.on('error', () => {})
  halfOpen.write('GET /livez HTTP/1.1\r\n')
  await once(halfOpen, 'connect')
  t.equal(await stop(service), 0)
  t.match(service.output(), /grace time over/)
  t.ok(collector.spans.some(({ traceId: id }) => id === traceId))
  halfOpen.destroy()
})

tap.test('serves, logs diagnostics and exits in time when the collector is unreachable', async (t) => {
  const service = await spawnService(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '50',
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_TRACES_SAMPLER: 'nonsense',
    SHUTDOWN_GRACE_SECONDS: '600',
  })
  t.equal(await get(service, '/products/SENCHA-100'), 200)
  await service.until(() => /ECONNREFUSED.*OpenTelemetry diagnostic/.test(service.output()))
  t.match(
    service.output(),
    /unknown OTEL_TRACES_SAMPLER value.*OpenTelemetry diagnostic/,
    'diagnostics from before the log existed',
  )
  t.equal(await get(service, '/products/SENCHA-100'), 200)
  t.equal(await stop(service), 0)
  const lines = service
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.notOk(
    lines.some(({ diagnostic, trace_id }) => diagnostic && trace_id),
    'no diagnostic belongs to a request',
  )
})

tap.test('does not wait for a collector that does not respond', async (t) => {
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const service = await spawnService(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${Object(silent.address()).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    OTEL_BSP_EXPORT_TIMEOUT: '600000',
    SHUTDOWN_GRACE_SECONDS: '600',
  })
  t.equal(await get(service, '/products/SENCHA-100'), 200)
  t.equal(await stop(service), 0)
})

tap.test("does not forward a caller's baggage to Trackstar, and creates no spans for ignored paths", async (t) => {
  const service = await spawnService(t, {
    OTEL_TRACES_EXPORTER: 'console',
    OTEL_PROPAGATORS: 'tracecontext,baggage',
    OTEL_FASTIFY_IGNORE_PATHS: '/{livez,readyz}',
  })
  const headers = { baggage: 'customer=acme-tea' }
  for (const path of ['/products/SENCHA-100/stock', '/products?limit=1', '/livez']) {
    t.equal(await get(service, path, headers), 200)
  }
  t.equal(service.sandbox.calls.length, 4)
  for (const call of service.sandbox.calls) {
    t.match(call.headers['traceparent'], new RegExp(`^00-${traceId}-`))
    t.equal(call.headers['baggage'], undefined)
  }
  t.equal(await stop(service), 0)
  t.match(service.output(), `traceId: '${traceId}'`)
  t.notMatch(service.output(), 'acme-tea')
  t.match(service.output(), 'GET /products/:sku/stock')
  t.notMatch(service.output(), /name: 'GET \/livez'/)
})
