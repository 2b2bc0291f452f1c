import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/**
 * Answers 405 with `Allow` (RFC 9110, 15.5.6) where a route knows other methods. Fastify itself answers 404 there.
 * Registered before the routes; the methods that none of them takes are added when all are known.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    const urls = new Set<string>()
    // A copy: what is registered here must not be visited in turn.
    const registered = () => Array.from(urls)
    app.addHook('onRoute', ({ url }) => {
      if (!url.includes('*')) urls.add(url)
    })
    app.decorate('refuseOtherMethods', () => {
      for (const url of registered()) {
        const allow = methods.filter((method) => app.hasRoute({ url, method }))
        const refuse = async ({ method }: FastifyRequest): Promise<never> => {
          throw problem('method_not_allowed', `Expected ${allow.join(' or ')}, but got ${method}`, { allow })
        }
        app.route({
          url,
          method: methods.filter((method) => !allow.includes(method)),
          schema: { hide: true },
          // Before the body is looked at, which may be of any kind.
          onRequest: refuse,
          handler: refuse,
        })
      }
    })
  },
  { name: 'method-not-allowed' },
)

declare module 'fastify' {
  interface FastifyInstance {
    /** To be called once, after the last route. */
    refuseOtherMethods(): void
  }
}
