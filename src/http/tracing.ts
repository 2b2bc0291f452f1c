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

export interface RequestSpansOptions {
  /** The plugin of `@fastify/otel`, told to make no spans but those of requests. */
  readonly requestSpans: FastifyPluginCallback
  /** Says where OpenTelemetry's complaints go. */
  readonly complainTo: (log: (complaint: string) => void) => void
}

/**
 * One span for each request, named by its method and the route's template. Nothing that a caller has sent gets into it:
 * no address (which names SKUs, and may hold a ticket), no header, no text of an error. Has to be registered first.
 */
export default fastifyPlugin(
  async (app: FastifyInstance, { requestSpans, complainTo }: RequestSpansOptions) => {
    complainTo((complaint) => app.log.warn({ complaint }, 'OpenTelemetry complains'))
    const setNotFoundHandler: unknown = Reflect.get(app, 'setNotFoundHandler')
    await app.register(requestSpans)
    // It would make a span within the span where no route is found.
    Reflect.set(app, 'setNotFoundHandler', setNotFoundHandler)
    app.addHook('onRoute', withoutErrorText)
    app.addHook('onRequest', (request, reply, done) => {
      const { span, context: active } = request.opentelemetry()
      if (span === null || active === null) done()
      else context.with(describe(span, active, request, reply), done)
    })
    app.addHook('onSend', async (request, reply) => {
      if (reply.statusCode >= 500)
        request.opentelemetry().span?.setAttribute('error.type', reply.problem ?? String(reply.statusCode))
    })
    // Fastify has listened for the end of the answer since before there was a span.
    app.addHook('onResponse', (request, _reply, done) => {
      context.with(request.opentelemetry().context ?? context.active(), done)
    })
  },
  { name: 'request-spans' },
)

/** @returns the context in which all that is done for the request is to run */
function describe(span: Span, active: Context, request: FastifyRequest, reply: FastifyReply): Context {
  const { url = '' } = request.routeOptions
  span.updateName(`${request.method} ${url}`.trim())
  span.setAttribute('url.path', url)
  // Whatever OTEL_PROPAGATORS takes in: baggage in it would go on to Trackstar, which is somebody else.
  const own = propagation.deleteBaggage(active)
  // What the end of its connection sets off would not know whose it is.
  context.bind(own, reply.raw)
  // An answer that is cut off is never sent, and a stream of events is not sent by Fastify.
  reply.raw.once('close', () => {
    if (span.isRecording()) span.end()
  })
  return own
}

/** The plugin's hook for errors marks every refusal as a failure, with its message, which says what was asked for. */
function withoutErrorText(route: RouteOptions): void {
  route.onError = [route.onError ?? []].flat().filter(({ name }) => name !== 'recordErrorInSpanHook')
}
