import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import helmet, { type HelmetOptions } from 'helmet'

/** Heeded by browsers over https only. What else lies under this host's name is not for this service to say. */
const strictTransportSecurity = { maxAge: 31_536_000, includeSubDomains: false }

/**
 * For answers that are data: whoever opens one in a browser gets a page that may do nothing. Without the headers that
 * speak of what pages do: how they share processes and windows, prefetch names, or open downloads.
 */
const ofData: HelmetOptions = {
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  strictTransportSecurity,
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
}

/** For the documentation. Swagger UI sets styles by itself; all its files come from here. */
const ofPages: HelmetOptions = {
  strictTransportSecurity,
  contentSecurityPolicy: {
    // One of helmet's defaults is to have a browser ask by https only, which breaks the page where there is none.
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
}

/**
 * Helmet's security headers on every answer. They are the same each time, so helmet is asked once, at the start: it
 * would make each of them anew for every request.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    const [data, pages] = [await headersBy(ofData), await headersBy(ofPages)]
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(request.routeOptions.url?.startsWith('/docs') ? pages : data)
      done()
    })
  },
  { name: 'security-headers' },
)

/** What helmet sets on an answer. */
async function headersBy(options: HelmetOptions): Promise<Record<string, string>> {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  await promisify(helmet(options))(request, response)
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]))
}
