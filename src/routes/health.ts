import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Type } from 'typebox'

export interface HealthOptions {
  /** Why no answer can be given at the moment; undefined while one can. */
  readonly unready: () => string | undefined
}

const Health = Type.Object(
  { status: Type.String({ description: '`ok`, or why not' }) },
  { $id: 'Health', description: 'Whether the service can do its work' },
)
const response = (description: string) => ({
  description,
  headers: { 'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] } },
  content: { 'application/json': { schema: Type.Unsafe({ $ref: 'Health#' }) } },
})

/**
 * `/livez`: the process runs. `/readyz`: it can answer, from what it holds if need be; so a dead upstream leaves it ready,
 * while refused credentials or a stop under way do not.
 */
export default fastifyPlugin<HealthOptions>(
  async (app: FastifyInstance, { unready }) => {
    app.addSchema(Health)
    let isStopping = false
    app.decorate('drain', () => {
      isStopping = true
    })
    app.addHook('preClose', async () => app.drain())
    // With the answer, not the request: one that came before the stop keeps its connection as little as one that comes after.
    app.addHook('onSend', (_request, reply, payload, done) => {
      // Who keeps his connection would find it closed in a moment (RFC 9112, 9.6).
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
          summary: 'Is the process running?',
          description: 'Always 200 while the process can answer at all. For a restart policy.',
          response: { 200: response('It runs') },
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
          summary: 'Can it answer?',
          description:
            '200 from the moment the service listens. 503 after Trackstar has refused its credentials, until a call succeeds again, and while it is stopping. A dead upstream leaves it ready: what is held is still answered.',
          response: {
            200: response('It can answer'),
            503: response('It cannot, and why'),
          },
        },
      },
      async (_request, reply) => {
        const why = isStopping ? 'The service is stopping' : unready()
        return reply
          .code(why === undefined ? 200 : 503)
          .header('cache-control', 'no-store')
          .send({ status: why ?? 'ok' })
      },
    )
  },
  { name: 'health' },
)

declare module 'fastify' {
  interface FastifyInstance {
    /** Says at `/readyz` that the service stops, while it goes on answering; each connection ends with its next answer. */
    drain(): void
  }
}
