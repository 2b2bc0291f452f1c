import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  type Span,
  trace,
} from '@opentelemetry/api'
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { activeCall } from '../trackstar/call.js'
import { version } from '../version.js'

/** Tracing that has been started for the process. */
export interface Tracing {
  /** The plugin of `@fastify/otel`, which starts a span for each request. */
  readonly requestSpans: FastifyPluginCallback
  /** Returns the fields that link a log line to the active span. */
  readonly logFields: () => object
  /** Sets the listener for the SDK's diagnostics, and passes on those so far. */
  onDiagnostic(listener: (diagnostic: string) => void): void
  /** Exports what has not been exported, for two seconds at most. Never rejects. */
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** An unreachable collector must not delay the end of the process; the SDK itself would retry for 30 s. */
const flushTimeoutMs = 2000

/**
 * Starts OpenTelemetry if its standard variables ask for traces, by an endpoint or an exporter; otherwise it loads nothing
 * and returns undefined. The SDK reads the rest of its configuration from the environment of the process. Only traces are
 * exported unless the variables name exporters for metrics and logs too: metrics are served at `/metrics`, and logs go to
 * standard output.
 */
export async function startTracing(environment: Environment): Promise<Tracing | undefined> {
  if (!isRequested(environment)) return undefined
  const [{ NodeSDK, core, resources }, { UndiciInstrumentation }, { FastifyOtelInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-undici'),
    import('@fastify/otel'),
  ])
  // One span per request, none for hooks and handlers.
  const requests = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
  })
  const upstreamCalls = new UndiciInstrumentation({
    // The process may send other requests, such as the webhooks of the demo's sandbox.
    ignoreRequestHook: () => activeCall() === undefined,
    // A query may name hundreds of SKUs.
    startSpanHook: ({ origin, path }) => ({
      'url.full': origin + withoutQuery(path),
      'url.query': undefined,
      'url.template': activeCall()?.route,
      'trackstar.cause': activeCall()?.cause,
    }),
    requestHook: (span, { method }) => void span.updateName(`${method} ${activeCall()?.route}`),
  })
  const service = resources.resourceFromAttributes({ 'service.name': 'trackstar-bff', 'service.version': version })
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(service),
    instrumentations: [requests, upstreamCalls],
    // The default would also propagate a caller's baggage to Trackstar.
    ...(!environment['OTEL_PROPAGATORS'] && { textMapPropagator: new core.W3CTraceContextPropagator() }),
    ...(!environment['OTEL_METRICS_EXPORTER'] && { metricReaders: [] }),
    ...(!environment['OTEL_LOGS_EXPORTER'] && { logRecordProcessors: [] }),
  })
  const onDiagnostic = collectDiagnostics(environment['OTEL_LOG_LEVEL'])
  sdk.start()
  return {
    requestSpans: requests.plugin(),
    logFields,
    onDiagnostic,
    async close() {
      // The SDK reports what it cannot send as a diagnostic.
      await Promise.race([sdk.shutdown().catch(() => {}), sleep(flushTimeoutMs, undefined, { ref: false })])
    },
  }
}

/** OpenTelemetry treats an empty variable as unset. */
function isRequested(environment: Environment): boolean {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false
  const exporter = environment['OTEL_TRACES_EXPORTER']?.trim()
  if (exporter) return exporter !== 'none'
  return !!(environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'])
}

function logFields(): object {
  const span = trace.getActiveSpan()?.spanContext()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

/** Keeps the SDK's diagnostics, which it would write to the console, until there is a log to write them to. */
function collectDiagnostics(level: string | undefined): Tracing['onDiagnostic'] {
  const early: string[] = []
  let log = (diagnostic: string): void => {
    early.push(diagnostic)
  }
  // A diagnostic belongs to no request, though a request may have started the timer that reports it.
  const write = (diagnostic: string) => context.with(ROOT_CONTEXT, () => log(diagnostic))
  const logLevel = DiagLogLevel[level?.trim().toUpperCase() as keyof typeof DiagLogLevel] ?? DiagLogLevel.WARN
  diag.setLogger(
    { error: write, warn: write, info: write, debug: write, verbose: write },
    { logLevel, suppressOverrideMessage: true },
  )
  return (listener) => {
    log = listener
    for (const diagnostic of early.splice(0)) log(diagnostic)
  }
}

const withoutQuery = (path: string) => path.split('?', 1)[0] ?? ''

export interface RequestSpansOptions extends Pick<Tracing, 'requestSpans' | 'onDiagnostic'> {}

/**
 * Creates one span per request, named by its method and the route's template. A span contains nothing that the caller
 * sent: no URL (which names SKUs and may contain a ticket), no header and no error message.
 *
 * Register it before every plugin whose hooks should run within the span, but after the not-found handler, for which
 * `@fastify/otel` would start a second span.
 */
export default fastifyPlugin(
  async (app: FastifyInstance, { requestSpans, onDiagnostic }: RequestSpansOptions) => {
    onDiagnostic((diagnostic) => app.log.warn({ diagnostic }, 'OpenTelemetry diagnostic'))
    // `@fastify/otel` adds an `onError` hook to each route, which marks every rejection as a failure and records its
    // message. Hooks run in the order of registration, so the one after it restores what the one before it has seen.
    const errorHooks = new WeakMap<RouteOptions, RouteOptions['onError']>()
    app.addHook('onRoute', (route) => void errorHooks.set(route, route.onError))
    await app.register(requestSpans)
    app.addHook('onRoute', (route) => {
      route.onError = errorHooks.get(route) ?? []
    })
    app.addHook('onRequest', (request, reply, done) => {
      const { span, context: active } = request.opentelemetry()
      if (span === null || active === null) done()
      else context.with(describeSpan(span, active, request, reply), done)
    })
    app.addHook('onSend', (request, reply, payload, done) => {
      if (reply.statusCode >= 500) {
        request.opentelemetry().span?.setAttribute('error.type', reply.problem ?? String(reply.statusCode))
      }
      done(null, payload)
    })
    // Fastify calls this hook in the context of the connection.
    app.addHook('onResponse', (request, _reply, done) => {
      context.with(request.opentelemetry().context ?? context.active(), done)
    })
  },
  { name: 'request-spans', dependencies: ['problems'] },
)

/** Completes a request's span. Returns the context for everything that is done for the request. */
function describeSpan(span: Span, active: Context, request: FastifyRequest, reply: FastifyReply): Context {
  const { url: route = '' } = request.routeOptions
  span.updateName(`${request.method} ${route}`.trim())
  span.setAttribute('url.path', route)
  // Whatever OTEL_PROPAGATORS accepts, a caller's baggage must not be sent on to Trackstar, a third party.
  const own = propagation.deleteBaggage(active)
  // Listeners of the response run in the context of the connection otherwise.
  context.bind(own, reply.raw)
  // `@fastify/otel` ends the span when a response is sent, which an aborted one and an event stream never are.
  reply.raw.once('close', () => {
    if (span.isRecording()) span.end()
  })
  return own
}
