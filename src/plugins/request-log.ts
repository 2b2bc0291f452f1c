import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** What a request's reading has come to, for its log line. */
interface ReadingSummary {
  readonly outcome: string | undefined
  readonly calls: { readonly size: number }
}

/** One log line for each request when its answer is out: the route's template, never the address, which names SKUs. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.decorateRequest('reading', null)
    app.addHook('onResponse', async (request, reply) => {
      request.log.info(
        {
          method: request.method,
          route: request.routeOptions.url ?? null,
          status: reply.statusCode,
          problem: reply.problem,
          ms: Math.round(reply.elapsedTime * 100) / 100,
          cache: request.reading?.outcome ?? null,
          upstream_calls: request.reading?.calls.size ?? 0,
        },
        'answered',
      )
    })
  },
  { name: 'request-log', dependencies: ['problems'] },
)

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by routes that read. */
    reading: ReadingSummary | null
  }
}
