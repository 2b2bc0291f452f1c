import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

export interface CorsOptions {
  /** As a browser writes them; compared whole. */
  readonly origins: readonly string[]
}

/** What a page may send beside what every page may. */
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

/** What a page may read beside what every page may. */
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
 * Lets pages of certain origins ask from a browser (the Fetch standard's CORS protocol), never with cookies. A page of
 * any other origin gets an answer without these headers, which the browser keeps from it. Registered before whatever may
 * refuse a request, so that a page can read why.
 */
export default fastifyPlugin<CorsOptions>(
  async (app: FastifyInstance, { origins }) => {
    const allowed = new Set(origins)
    await app.register(cors, {
      origin: (origin, done) => done(null, origin !== undefined && allowed.has(origin) ? origin : false),
      methods: ['GET', 'HEAD', 'POST', 'PUT'],
      allowedHeaders,
      // A list would be joined for every answer.
      exposedHeaders: exposedHeaders.join(', '),
      // Chromium keeps a preflight's answer for two hours at most.
      maxAge: 7200,
      // An OPTIONS that is no preflight is answered like one, and not with a refusal in plain text.
      strictPreflight: false,
    })
  },
  { name: 'cors' },
)
