import { randomUUID } from 'node:crypto'
import { type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { type ProblemCode, problem, problemBody } from '../errors.js'
import { abandonConnection, createHttpServer } from './connections.js'
import { problemsUrl } from './problems.js'
import { maxUrlBytes, routableUrl } from './request-checks.js'
import { serializerFactory, validatorFactory } from './schema-compilers.js'
import { linger } from './unread-body.js'

/** Each connection holds a socket and its buffers. Further connections are closed at once. */
export const maxConnections = 20_000
/** Room for the URL and as much again for the headers. */
const maxHeaderBytes = 2 * maxUrlBytes
const maxBodyBytes = 1024 * 1024
/** How long a connection may be inactive, beyond the time that a response may take. */
const inactiveMs = 30_000

type SchemaController = NonNullable<FastifyHttpOptions<Server>['schemaController']>
type BuildValidator = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildValidator']>
/** Fastify's types expect a factory of Ajv's own `compile`, but Fastify calls it with the route's schema. */
const buildValidator = validatorFactory as unknown as BuildValidator

/** Options for Fastify and Node's HTTP server: limits, timeouts, request ids, and answers to unparsable requests. */
export function serverOptions(
  {
    trustProxy,
    requestTimeoutMs,
    publicUrl,
  }: Pick<Config, 'trustProxy' | 'requestTimeoutMs'> & Partial<Pick<Config, 'publicUrl'>>,
  logger: Logger,
) {
  return {
    serverFactory: createHttpServer,
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    requestIdHeader: false,
    // Fastify's types do not have the number of hops.
    trustProxy: typeof trustProxy === 'number' ? (_address: string, hop: number) => hop < trustProxy : trustProxy,
    // Fastify's default is 100 characters. A SKU of 255 characters is longer when percent-encoded; its schema bounds it.
    routerOptions: { maxParamLength: maxHeaderBytes },
    rewriteUrl: routableUrl,
    http: {
      maxHeaderSize: maxHeaderBytes,
      // How often Node looks for requests that timed out; its default is 30 s.
      connectionsCheckingInterval: 1000,
      // Node limits the timeout for headers by this one, so it needs it at construction.
      requestTimeout: requestTimeoutMs,
      // The request checks do, and close the connection so that nothing behind such a request is carried out.
      requireHostHeader: false,
      // Otherwise Node takes the first of two `Host` or `Authorization` fields, where a proxy may take the second.
      joinDuplicateHeaders: true,
    },
    bodyLimit: maxBodyBytes,
    // The schemas of bodies are closed, so that the field is named in the 400. Fastify would say that the JSON is invalid.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    // The time for a request to arrive completely; Fastify's default is no limit.
    requestTimeout: requestTimeoutMs,
    // For clients that stop reading a response. A pending response is inactive as well; event streams send heartbeats.
    connectionTimeout: requestTimeoutMs + inactiveMs,
    schemaController: { compilersFactory: { buildValidator, buildSerializer: serializerFactory() } },
    // Requests on open connections are still answered during shutdown.
    return503OnClosing: false,
    clientErrorHandler: (error: ClientError, socket) => handleClientError(error, socket, logger, publicUrl),
  } satisfies FastifyHttpOptions<Server>
}

/** The caller's id if it is a short token, otherwise a new one. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
}

/** The problems of errors that Node reports before there is a request; any other is a malformed request. */
const codeByNodeError: ReadonlyMap<string, ProblemCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
])

/** What Node passes to a handler of `clientError`. */
type ClientError = Error & { readonly code?: string; readonly rawPacket?: unknown }

/** The request target is only known if the packet that could not be parsed begins with it. */
function problemsUrlOf({ rawPacket }: ClientError, publicUrl: string | undefined): string | undefined {
  const target = /^[A-Z]+ (\S+) HTTP/.exec(Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '')?.[1]
  return publicUrl === undefined && target === undefined ? undefined : problemsUrl(target ?? '', publicUrl)
}

/** Connections that are closed as soon as their clients stop sending. */
const lingering = new WeakSet<Socket>()

/** Answers a request that Node could not parse, or that did not arrive in time, and closes its connection. */
function handleClientError(error: ClientError, socket: Socket, logger: Logger, publicUrl?: string): void {
  // Whatever comes behind the malformed request is malformed as well, and ignored.
  if (lingering.has(socket) && error.code !== 'ECONNRESET') return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const state = abandonConnection(socket)
  if (state === 'pending') return
  if (state === 'begun') {
    // Anything written now would be taken for a part of that response.
    socket.destroySoon()
    return
  }
  lingering.add(socket)
  socket.end(rejection(error, logger, publicUrl))
  linger(socket, () => socket.destroy())
}

/** A whole HTTP response, written by hand because there is no response object. */
function rejection(error: ClientError, logger: Logger, publicUrl: string | undefined): string {
  const code = codeByNodeError.get(error.code ?? '') ?? 'validation_failed'
  const id = randomUUID()
  const rejected = problem(code, 'The request is malformed, exceeds a size limit, or did not arrive in time')
  const { statusCode } = rejected
  logger.info({ request_id: id, status: statusCode, problem: code, reason: error.code }, 'request rejected')
  const body = JSON.stringify(problemBody(rejected, id, problemsUrlOf(error, publicUrl)))
  return [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${id}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
