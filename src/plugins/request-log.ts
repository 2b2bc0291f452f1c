import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** What a request's reading has come to, for its log line. */
interface ReadingSummary {
  readonly outcome: string | undefined
  readonly calls: { readonly size: number }
}

/**
 * One log line for each request when its answer is out, or its caller gone before: the route's template, never the
 * address, which names SKUs.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.decorateRequest('reading', null)
    const told = (request: FastifyRequest, reply: FastifyReply) => ({
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      problem: reply.problem,
      caller: request.caller?.name ?? null,
      ms: Math.round(reply.elapsedTime * 100) / 100,
      cache: request.reading?.outcome ?? null,
      upstream_calls: request.reading?.calls.size ?? 0,
    })
    app.addHook('onRequest', (request, reply, done) => {
      const cutOff = () => request.log.info({ ...told(request, reply), status: null }, 'cut off')
      reply.raw.once('close', cutOff)
      reply.raw.once('finish', () => reply.raw.removeListener('close', cutOff))
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      request.log.info(told(request, reply), 'answered')
      done()
    })
  },
  { name: 'request-log', dependencies: ['problems', 'access'] },
)

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by routes that read. */
    reading: ReadingSummary | null
  }
}
