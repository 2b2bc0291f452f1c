import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Metrics } from '../http/metrics.js'

export interface MetricsRouteOptions {
  readonly metrics: Metrics
}

/** `GET /metrics`, for Prometheus. */
export default fastifyPlugin<MetricsRouteOptions>(
  async (app: FastifyInstance, { metrics }) => {
    app.get(
      '/metrics',
      {
        config: { access: 'open' },
        schema: {
          operationId: 'getMetrics',
          tags: ['operation'],
          summary: 'Get Prometheus metrics',
          description:
            'Metrics in the text format of Prometheus: calls to Trackstar by route, cause and outcome, permits, batch sizes, cache, mirror, event streams, circuit breaker, requests by route, status and name of the API key, and the process.',
          response: {
            200: {
              description: 'The metrics',
              headers: { 'Cache-Control': { type: 'string', description: 'Never stored', examples: ['no-store'] } },
              content: { 'text/plain': { schema: { type: 'string' } } },
            },
          },
        },
      },
      async (_request, reply) =>
        reply
          .type(metrics.registry.contentType)
          .header('cache-control', 'no-store')
          .send(await metrics.registry.metrics()),
    )
  },
  { name: 'metrics-route' },
)
