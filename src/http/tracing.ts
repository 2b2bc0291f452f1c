import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { activeCall } from '../trackstar/call.js'
import { version } from '../version.js'
import { onceClosed } from './response-close.js'

/** Tracing that has been started for the process. */
export interface Tracing {
  /** Returns the fields that link a log line to the active span. */
  readonly logFields: () => object
  /** Sets the listener for the SDK's diagnostics, and passes on those so far. */
  onDiagnostic(listener: (diagnostic: string) => void): void
  /** Exports what has not been exported, for two seconds at most. Never rejects. */
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

const serviceName = 'trackstar-bff'

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
  const [{ NodeSDK, core, resources }, { UndiciInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-undici'),
  ])
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
  const service = resources.resourceFromAttributes({ 'service.name': serviceName, 'service.version': version })
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(service),
    instrumentations: [upstreamCalls],
    // The default would also propagate a caller's baggage to Trackstar.
    ...(!environment['OTEL_PROPAGATORS'] && { textMapPropagator: new core.W3CTraceContextPropagator() }),
    ...(!environment['OTEL_METRICS_EXPORTER'] && { metricReaders: [] }),
    ...(!environment['OTEL_LOGS_EXPORTER'] && { logRecordProcessors: [] }),
  })
  const onDiagnostic = collectDiagnostics(environment['OTEL_LOG_LEVEL'])
  sdk.start()
  return {
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

export interface RequestSpansOptions {
  readonly onDiagnostic: Tracing['onDiagnostic']
}

/**
 * Creates one server span per request, named by its method and the route's template. A span contains nothing that the
 * caller sent: no URL (which names SKUs and may contain a ticket), no header and no error message. Register it before
 * every plugin whose hooks should run within the span.
 */
export default fastifyPlugin(
  async (app: FastifyInstance, { onDiagnostic }: RequestSpansOptions) => {
    onDiagnostic((diagnostic) => app.log.warn({ diagnostic }, 'OpenTelemetry diagnostic'))
    const tracer = trace.getTracer(serviceName, version)
    app.decorateRequest('traceContext', null)
    app.addHook('onRequest', (request, reply, done) => {
      const { method, headers, routeOptions } = request
      const { url: route } = routeOptions
      // Whatever OTEL_PROPAGATORS accepts, a caller's baggage must not be sent on to Trackstar, a third party.
      const parent = propagation.deleteBaggage(propagation.extract(ROOT_CONTEXT, headers))
      const attributes = {
        'http.request.method': method,
        'url.path': route ?? '',
        ...(route !== undefined && { 'http.route': route }),
      }
      const span = tracer.startSpan(`${method} ${route ?? ''}`.trim(), { kind: SpanKind.SERVER, attributes }, parent)
      request.traceContext = trace.setSpan(parent, span)
      // Listeners of the response run in the context of its connection otherwise.
      context.bind(request.traceContext, reply.raw)
      onceClosed(request, reply, () => span.end())
      context.with(request.traceContext, done)
    })
    app.addHook('onResponse', (request, reply, done) => {
      const span = trace.getSpan(request.traceContext ?? ROOT_CONTEXT)
      span?.setAttribute('http.response.status_code', reply.statusCode)
      if (reply.statusCode >= 500) {
        span?.setStatus({ code: SpanStatusCode.ERROR })
        span?.setAttribute('error.type', reply.problem ?? String(reply.statusCode))
      }
      // Fastify calls this hook in the context of the connection.
      context.with(request.traceContext ?? context.active(), done)
    })
  },
  { name: 'request-spans' },
)

declare module 'fastify' {
  interface FastifyRequest {
    /** The context with the request's span; null before the span is started. */
    traceContext: Context | null
  }
}
