import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Type } from 'typebox'

export interface HealthOptions {
  /** Why the service is not ready; undefined if it is. */
  readonly unreadyReason: () => string | undefined
}

const Health = Type.Object(
  { status: Type.String({ description: '`ok`, or the reason why the service is not ready' }) },
  { $id: 'Health', description: 'Health of the service' },
)
const response = (description: string) => ({
  description,
  headers: { 'Cache-Control': { type: 'string', description: 'Never stored', examples: ['no-store'] } },
  content: { 'application/json': { schema: Type.Unsafe({ $ref: 'Health#' }) } },
})

/**
 * `/livez` answers while the process runs. `/readyz` answers 200 while the service can answer requests, from its cache if
 * Trackstar is down, and 503 if Trackstar rejects the credentials or the service is shutting down.
 */
export default fastifyPlugin<HealthOptions>(
  async (app: FastifyInstance, { unreadyReason }) => {
    app.addSchema(Health)
    let isStopping = false
    app.decorate('drain', () => {
      isStopping = true
    })
    app.addHook('preClose', async () => app.drain())
    app.addHook('onSend', (_request, reply, payload, done) => {
      // Also on responses to requests that came before the shutdown: the connection is about to close (RFC 9112, 9.6).
      if (isStopping) reply.header('connection', 'close')
      done(null, payload)
    })
    app.get(
      '/livez',
      {
        config: { access: 'open' },
        schema: {
          operationId: 'getLiveness',
          tags: ['operation'],
          summary: 'Check liveness',
          description: '200 while the process runs. Use it as a liveness probe.',
          response: { 200: response('The process runs') },
        },
      },
      async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
    )
    app.get(
      '/readyz',
      {
        config: { access: 'open' },
        schema: {
          operationId: 'getReadiness',
          tags: ['operation'],
          summary: 'Check readiness',
          description:
            '200 as soon as the service listens. 503 after Trackstar has rejected its credentials, until a call succeeds again, and during shutdown. The service stays ready while Trackstar is down, because it still answers from its cache. Use it as a readiness probe.',
          response: {
            200: response('The service is ready'),
            503: response('The service is not ready'),
          },
        },
      },
      async (_request, reply) => {
        const reason = isStopping ? 'The service is shutting down' : unreadyReason()
        return reply
          .code(reason === undefined ? 200 : 503)
          .header('cache-control', 'no-store')
          .send({ status: reason ?? 'ok' })
      },
    )
  },
  { name: 'health' },
)

declare module 'fastify' {
  interface FastifyInstance {
    /** Reports the shutdown at `/readyz` and closes each connection after its next response. Requests are still answered. */
    drain(): void
  }
}
