import { randomUUID } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { type ProblemCode, problem, problemBody } from '../errors.js'
import { routedAddress } from './request-head.js'
import { serializerFactory } from './serialization.js'
import { validatorFactory } from './validation.js'

/** The longest address that is taken; what does not fit goes by POST. */
export const maxUrlBytes = 16 * 1024
/** Room for the address and as much again for the headers. */
const maxHeaderBytes = 2 * maxUrlBytes
/** How long a connection may be still, beyond the time that an answer may take. */
const stalledMs = 30_000
const maxBodyBytes = 1024 * 1024

type SchemaController = NonNullable<FastifyHttpOptions<Server>['schemaController']>
type BuildValidator = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildValidator']>
/** Fastify's types take what the factory makes for Ajv's own `compile`; it is called with the route's schema. */
const buildValidator = validatorFactory as unknown as BuildValidator

/** How Fastify itself is set up: limits, request ids, and refusals that come before any route. */
export function serverOptions(
  { trustProxy, requestTimeoutMs }: Pick<Config, 'trustProxy' | 'requestTimeoutMs'>,
  logger: Logger,
) {
  return {
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    requestIdHeader: false,
    // Fastify's types know no number of hops.
    trustProxy: typeof trustProxy === 'number' ? (_address: string, hop: number) => hop < trustProxy : trustProxy,
    // A SKU of 255 characters is longer when it is percent-encoded; its schema is what bounds it.
    routerOptions: { maxParamLength: maxHeaderBytes },
    rewriteUrl: routedAddress,
    // Node looks for who is late at this interval; its own is half a minute.
    // It is told of the timeout as well, to bound that for headers by it: a shorter one than that would not be kept.
    http: {
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 1000,
      requestTimeout: requestTimeoutMs,
      // Refused by the plugin for heads of requests, as a problem.
      requireHostHeader: false,
      // Of two `Host` or `Authorization` Node would take the first and say nothing, and a proxy perhaps the second.
      joinDuplicateHeaders: true,
    },
    bodyLimit: maxBodyBytes,
    // For a request to arrive whole; Fastify's own default is for ever.
    requestTimeout: requestTimeoutMs,
    // For who does not read his answer. While one is made nothing moves either; events have their heartbeat.
    connectionTimeout: requestTimeoutMs + stalledMs,
    schemaController: { compilersFactory: { buildValidator, buildSerializer: serializerFactory() } },
    // What still comes on an open connection while the service stops is answered, as a problem if need be.
    return503OnClosing: false,
    clientErrorHandler: (error: Error & { code?: string }, socket) => refuseConnection(error, socket, logger),
  } satisfies FastifyHttpOptions<Server>
}

/** The caller's id if it is a sane token, else one made here. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
}

/** What never became a request at all (RFC 9110, 15.5; RFC 6585, 5). */
const codeOfFault: ReadonlyMap<string, ProblemCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
])

/** The answer that is under way on a connection: where Node itself looks when nobody handles a client's error. */
const answerOn = (socket: Socket): ServerResponse | null | undefined => Reflect.get(socket, '_httpMessage')

/** Answers by hand on a connection that Node could not parse, and ends it. */
function refuseConnection(error: Error & { code?: string }, socket: Socket, logger: Logger): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const answer = answerOn(socket)
  if (answer?.req.complete && !answer.headersSent) {
    // What is wrong came behind a request that is being answered, and a refusal would be taken for the answer to that.
    answer.shouldKeepAlive = false
    return
  }
  // In the middle of an answer, or behind the last one: what came now would be taken for a part of it.
  if (answer?.headersSent) {
    socket.destroySoon()
    return
  }
  const code = codeOfFault.get(error.code ?? '') ?? 'validation_failed'
  const id = randomUUID()
  const refused = problem(code, 'Expected a request by RFC 9112 within the limits of this service')
  logger.info({ request_id: id, status: refused.statusCode, problem: code, fault: error.code }, 'refused')
  const body = JSON.stringify(problemBody(refused, id))
  socket.end(
    [
      `HTTP/1.1 ${refused.statusCode} ${code}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${id}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
