import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from './config/config.js'
import access from './http/auth.js'
import clientLimit from './http/client-limit.js'
import compression from './http/compression.js'
import cors from './http/cors.js'
import overload from './http/load-shedding.js'
import requestLog from './http/logging.js'
import methodNotAllowed from './http/method-not-allowed.js'
import type { Metrics } from './http/metrics.js'
import requestMetrics from './http/metrics.js'
import negotiation from './http/negotiation.js'
import pipelining from './http/pipelining.js'
import problemDetails from './http/problems.js'
import requestHead from './http/request-head.js'
import requestId from './http/request-id.js'
import securityHeaders from './http/security-headers.js'
import { serverOptions } from './http/server-options.js'
import silentConnections from './http/silent-connections.js'
import type { Tickets } from './http/tickets.js'
import type { Tracing } from './http/tracing.js'
import requestSpans from './http/tracing.js'
import transferCoding from './http/transfer-coding.js'

/** Each holds a socket and its buffers; who comes beyond them is disconnected at once. */
const maxConnections = 20_000
/** Far above what a busy process has, and well below what callers take for a dead one. */
const maxEventLoopDelayMs = 500

export interface ServerParts {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tickets: Tickets
  readonly tracing?: Tracing
}

/** A server without a route, with all that cuts across routes: how it answers, what it tells of itself, who may ask. */
export async function createServer(config: Config, { logger, metrics, tickets, tracing }: ServerParts) {
  const app: FastifyInstance = Fastify(serverOptions(config, logger))
  app.server.maxConnections = maxConnections
  // What a caller expects beyond `100-continue` may be ignored (RFC 9110, 10.1.1); Node would refuse it in its own words.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  const apiKeys = config.authMode === 'none' ? undefined : (config.apiKeys ?? [])
  if (tracing) await app.register(requestSpans, tracing)
  await app.register(pipelining)
  await app.register(problemDetails)
  // What may refuse comes after what a refusal needs to be read, told and counted.
  await app.register(requestId)
  await app.register(securityHeaders)
  if (config.corsOrigins) await app.register(cors, { origins: config.corsOrigins })
  await app.register(access, { apiKeys, tickets })
  await app.register(requestLog)
  await app.register(requestMetrics, { metrics })
  await app.register(transferCoding)
  await app.register(overload, { maxEventLoopDelayMs })
  await app.register(clientLimit, { perMinute: config.clientRateLimit })
  await app.register(negotiation)
  await app.register(requestHead)
  await app.register(compression)
  await app.register(methodNotAllowed)
  await app.register(silentConnections)
  return app
}
