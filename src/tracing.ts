import { setTimeout as sleep } from 'node:timers/promises'
import { context, DiagLogLevel, diag, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { FastifyPluginCallback } from 'fastify'
import { activeCall } from './trackstar/call-context.js'
import { version } from './version.js'

/** Traces that are made and sent somewhere. */
export interface Tracing {
  /** Gives each request a span; the application tells it what else there is to say of one. */
  readonly requestSpans: FastifyPluginCallback
  /** What ties a log line to the span in which it is written. */
  readonly logFields: () => object
  /** Says where the SDK's complaints go, those that it has had already included. */
  complainTo(log: (complaint: string) => void): void
  /** Sends what has not been sent, for as long as a stop may reasonably wait for it. Never rejects. */
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** A collector that is gone must not hold up the end of the process; the SDK itself would try for half a minute. */
const flushMs = 2000

/**
 * Starts making traces if the standard variables of OpenTelemetry ask for it, by an endpoint or an exporter; else does
 * nothing, loads nothing, and gives undefined. What is sent, where and how much of it is then read by the SDK itself,
 * from the environment of the process. Only traces: metrics are at `/metrics`, and logs go to standard output, unless
 * the variables name exporters for those too.
 */
export async function startTracing(environment: Environment): Promise<Tracing | undefined> {
  if (!isWanted(environment)) return undefined
  const [{ NodeSDK, core, resources }, { UndiciInstrumentation }, { FastifyOtelInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-undici'),
    import('@fastify/otel'),
  ])
  // One span for a request: none for its hooks and its handler, and no error with its message.
  const requests = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
  })
  const calls = new UndiciInstrumentation({
    // The process may make other requests, as the sandbox of the demo sends webhooks.
    ignoreRequestHook: () => activeCall() === undefined,
    // A query names SKUs by the hundred.
    startSpanHook: ({ origin, path }) => ({
      'url.full': origin + withoutQuery(path),
      'url.query': undefined,
      'url.template': activeCall()?.route,
      'trackstar.cause': activeCall()?.cause,
    }),
    requestHook: (span, { method }) => void span.updateName(`${method} ${activeCall()?.route}`),
  })
  const named = resources.resourceFromAttributes({ 'service.name': 'trackstar-bff', 'service.version': version })
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(named),
    instrumentations: [requests, calls],
    // The default would take a caller's baggage in as well, and pass it on to Trackstar.
    ...(!environment['OTEL_PROPAGATORS'] && { textMapPropagator: new core.W3CTraceContextPropagator() }),
    ...(!environment['OTEL_METRICS_EXPORTER'] && { metricReaders: [] }),
    ...(!environment['OTEL_LOGS_EXPORTER'] && { logRecordProcessors: [] }),
  })
  const complainTo = collectComplaints(environment['OTEL_LOG_LEVEL'])
  sdk.start()
  return {
    requestSpans: requests.plugin(),
    logFields,
    complainTo,
    async close() {
      // What cannot be sent is complained of by the SDK.
      await Promise.race([sdk.shutdown().catch(() => {}), sleep(flushMs, undefined, { ref: false })])
    },
  }
}

/** As OpenTelemetry says, an empty variable counts as unset. */
function isWanted(environment: Environment): boolean {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false
  const exporter = environment['OTEL_TRACES_EXPORTER']?.trim()
  if (exporter) return exporter !== 'none'
  return !!(environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'])
}

function logFields(): object {
  const span = trace.getActiveSpan()?.spanContext()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

/** Takes the SDK's complaints from the console, which is for JSON, and keeps them until there is a log. */
function collectComplaints(level: string | undefined) {
  const early: string[] = []
  let log = (complaint: string): void => {
    early.push(complaint)
  }
  // It is of no request, though one may have set the timer that is behind it.
  const take = (complaint: string) => context.with(ROOT_CONTEXT, () => log(complaint))
  const wanted = DiagLogLevel[level?.trim().toUpperCase() as keyof typeof DiagLogLevel] ?? DiagLogLevel.WARN
  diag.setLogger(
    { error: take, warn: take, info: take, debug: take, verbose: take },
    { logLevel: wanted, suppressOverrideMessage: true },
  )
  return (given: (complaint: string) => void): void => {
    log = given
    for (const complaint of early.splice(0)) log(complaint)
  }
}

const withoutQuery = (path: string) => path.split('?', 1)[0] ?? ''
