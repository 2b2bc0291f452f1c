import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** One log line for each request when its answer is out: the route's template, never the address, which names SKUs. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onResponse', async (request, reply) => {
      request.log.info(
        {
          method: request.method,
          route: request.routeOptions.url ?? null,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 100) / 100,
          cache: reply.freshness?.outcome ?? null,
        },
        'answered',
      )
    })
  },
  { name: 'request-log' },
)
