import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Metrics } from '../http/metrics.js'

export interface MetricsPageOptions {
  readonly metrics: Metrics
}

/** `GET /metrics` for Prometheus. */
export default fastifyPlugin<MetricsPageOptions>(
  async (app: FastifyInstance, { metrics }) => {
    app.get(
      '/metrics',
      {
        config: { access: 'open' },
        schema: {
          operationId: 'getMetrics',
          tags: ['operation'],
          summary: 'Metrics for Prometheus',
          description:
            'Calls upstream by route, cause and outcome; waiting for permits; batch sizes; look-ups by how they came; what is held; the mirror and the readers of events; the circuit; requests by route and status, and by the name of the key; the process. In the text format of Prometheus.',
          response: {
            200: {
              description: 'The metrics',
              headers: { 'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] } },
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
  { name: 'metrics-page' },
)
