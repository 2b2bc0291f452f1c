import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

export interface CorsOptions {
  /** As browsers send them, such as `https://shop.example`; compared exactly. */
  readonly origins: readonly string[]
}

/** Request headers that a page may send beside the CORS-safelisted ones. */
const allowedHeaders = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Cache-Control',
  'If-None-Match',
  'Idempotency-Key',
  'Last-Event-ID',
  'X-Request-Id',
  'traceparent',
  'tracestate',
]

/** Response headers that a page may read beside the CORS-safelisted ones. */
const exposedHeaders = [
  'ETag',
  'Age',
  'Cache-Status',
  'X-Request-Id',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Idempotency-Key',
  'Idempotent-Replayed',
]

/**
 * Allows pages of the given origins to call the service from a browser (CORS in the Fetch standard), without cookies.
 * Pages of other origins get responses without CORS headers, which the browser hides from them. Register it before every
 * plugin that may reject a request, so that a page can read the rejection.
 */
export default fastifyPlugin<CorsOptions>(
  async (app: FastifyInstance, { origins }) => {
    const allowed = new Set(origins)
    await app.register(cors, {
      origin: (origin, done) => done(null, origin !== undefined && allowed.has(origin) ? origin : false),
      methods: ['GET', 'HEAD', 'POST', 'PUT'],
      allowedHeaders,
      // The plugin would join a list for every response.
      exposedHeaders: exposedHeaders.join(', '),
      // Chromium caches a preflight response for two hours at most.
      maxAge: 7200,
      // Otherwise an OPTIONS request that is no preflight gets a 400 in plain text.
      strictPreflight: false,
    })
  },
  { name: 'cors' },
)
