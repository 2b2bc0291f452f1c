import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** Puts the request's id on every reply. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id)
      done()
    })
  },
  { name: 'request-id' },
)
