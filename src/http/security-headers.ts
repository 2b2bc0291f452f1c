import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/**
 * The headers that helmet sets by default, without those that only affect pages: `Origin-Agent-Cluster`,
 * `X-DNS-Prefetch-Control` and the like. They are constants because helmet computes them again for every response.
 */
const common = {
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  // Browsers apply it over https only. Subdomains of this host are not this service's concern.
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
} as const

/** For JSON: a browser that opens a response as a page may not load or run anything. */
export const dataHeaders = {
  ...common,
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
} as const

/** For the documentation and the page for people. Swagger UI sets inline styles; all files come from this service. */
export const pageHeaders = {
  ...common,
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
  // Without `upgrade-insecure-requests`, which is one of helmet's defaults and breaks the page where there is no https.
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join(';'),
} as const

const isPage = (route = '') => /^\/(?:docs|ui)(?:\/|$)/.test(route)

/** Sets security headers on every response: {@link pageHeaders} on and below `/docs` and `/ui`, {@link dataHeaders} elsewhere. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(isPage(request.routeOptions.url) ? pageHeaders : dataHeaders)
      done()
    })
  },
  { name: 'security-headers' },
)
