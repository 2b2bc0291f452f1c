import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/**
 * Answers 405 with `Allow` (RFC 9110, 15.5.6) if a path has routes for other methods only, where Fastify would answer
 * 404. Register it before the routes, and call `addMethodNotAllowedRoutes` after the last one.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    const urls = new Set<string>()
    app.addHook('onRoute', ({ url }) => {
      if (!url.includes('*')) urls.add(url)
    })
    app.decorate('addMethodNotAllowedRoutes', () => {
      // A copy, because the routes added here are collected too.
      for (const url of Array.from(urls)) {
        const allow = methods.filter((method) => app.hasRoute({ url, method }))
        const reject = async ({ method }: FastifyRequest): Promise<never> => {
          throw problem('method_not_allowed', `Expected ${allow.join(' or ')}, but got ${method}`, { allow })
        }
        app.route({
          url,
          method: methods.filter((method) => !allow.includes(method)),
          schema: { hide: true },
          // Before the body is parsed, which would fail first if it is not JSON.
          onRequest: reject,
          handler: reject,
        })
      }
    })
  },
  { name: 'method-not-allowed' },
)

declare module 'fastify' {
  interface FastifyInstance {
    /** Adds a route that answers 405 for every method without a route. Call it once, after the last route. */
    addMethodNotAllowedRoutes(): void
  }
}
