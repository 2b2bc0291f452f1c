import { type Context, context, propagation, type Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

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
