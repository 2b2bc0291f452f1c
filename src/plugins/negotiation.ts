import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import Negotiator from 'negotiator'
import { problem } from '../errors.js'
import { maxUrlBytes } from './server.js'

/** Answers 414 to an address that is too long, and 406 to who accepts no JSON (RFC 9110, 15.5.7) where a route gives it. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async (request) => {
      if (request.originalUrl.length > maxUrlBytes) {
        throw problem('uri_too_long', `Expected an address of at most ${maxUrlBytes} bytes; more SKUs go by POST`)
      }
      const { accept } = request.headers
      if (accept === undefined || accept === '*/*' || accept === 'application/json') return
      if (request.routeOptions.config.gives !== 'json') return
      if (new Negotiator(request.raw).mediaType(['application/json', 'application/problem+json']) === undefined) {
        throw problem('not_acceptable', 'Expected Accept to allow application/json, but it does not')
      }
    })
  },
  { name: 'negotiation' },
)

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route's media type; `json` is negotiated. */
    gives?: 'json'
  }
}
