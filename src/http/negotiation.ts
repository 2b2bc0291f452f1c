import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import Negotiator from 'negotiator'
import { type Problem, problem } from '../errors.js'
import { maxUrlBytes } from './server-options.js'

/** Answers 414 to an address that is too long, and 406 to who accepts no JSON (RFC 9110, 15.5.7) where a route gives it. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, _reply, done) => done(refusal(request)))
  },
  { name: 'negotiation' },
)

function refusal(request: FastifyRequest): Problem | undefined {
  if (request.originalUrl.length > maxUrlBytes) {
    return problem('uri_too_long', `Expected an address of at most ${maxUrlBytes} bytes; more SKUs go by POST`)
  }
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return undefined
  if (request.routeOptions.config.gives !== 'json') return undefined
  const given = new Negotiator(request.raw).mediaType(['application/json', 'application/problem+json'])
  return given === undefined
    ? problem('not_acceptable', 'Expected Accept to allow application/json, but it does not')
    : undefined
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route's media type; `json` is negotiated. */
    gives?: 'json'
  }
}
