import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Problem, problem } from '../errors.js'

/** The longest URL that is accepted, in bytes. Longer lists of SKUs go by POST. */
export const maxUrlBytes = 16 * 1024
/** Far more than any client sends. Node keeps the first 2,000 header fields and silently drops the rest. */
const maxHeaders = 200

/** A host name or address with an optional port (RFC 3986, 3.2.2). Empty if the target has no authority. */
const hostPattern = /^(?:\[[\da-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(?::\d*)?$/i

/**
 * Rejects requests that Node's parser accepts but RFC 9112 does not, because a proxy in front might read them
 * differently, and requests that would otherwise get a wrong or misleading answer. Node itself rejects ambiguous body
 * lengths. It could reject a missing `Host` as well, but then it would go on with the requests behind its response, which
 * closes the connection.
 *
 * Register it after the plugins that log, count and label responses, so that a rejection is logged, counted and readable
 * by a page of another origin.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    destroyUnusedConnectionsOnClose(app)
    app.addHook('onRequest', (request, reply, done) => {
      const malformation = malformationOf(request.raw)
      // The next request on the connection may start anywhere.
      if (malformation !== undefined) reply.header('connection', 'close')
      done(malformation ?? check(request))
    })
  },
  { name: 'request-checks' },
)

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The media type that the route produces; `json` is negotiated with `Accept`. */
    produces?: 'json'
  }
}

function check(request: FastifyRequest): Problem | undefined {
  const { httpVersion, headers, rawHeaders, url = '', method } = request.raw
  if (request.originalUrl.length > maxUrlBytes) {
    return problem('uri_too_long', `The URL must not exceed ${maxUrlBytes} bytes; send long lists of SKUs by POST`)
  }
  if (rawHeaders.length > 2 * maxHeaders) {
    return problem('headers_too_large', `A request must not have more than ${maxHeaders} header fields`)
  }
  if (url !== request.originalUrl) {
    return invalid('The URL must be percent-encoded UTF-8 and, if it is absolute, have a host and no fragment')
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return invalid('Expected HTTP/1.1')
  // Node joins two `Host` fields with a comma, which the pattern rejects as well (RFC 9112, 3.2).
  if (!hostPattern.test(headers.host ?? '')) return invalid('Expected one Host header with a valid host')
  // RFC 9112, 3.2.4. The router would treat `*` as `/`.
  if (url.startsWith('*') && !(url === '*' && method === 'OPTIONS')) return invalid('The URL must begin with /')
  return checkAccept(request)
}

/** What a route that produces JSON may answer with. */
const jsonTypes = ['application/json', 'application/problem+json']

/** RFC 9110, 15.5.7. */
function checkAccept(request: FastifyRequest): Problem | undefined {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return undefined
  if (request.routeOptions.config.produces !== 'json' || accepts(accept, jsonTypes)) return undefined
  return problem(
    'not_acceptable',
    `This route returns application/json, which the Accept header excludes: ${JSON.stringify(accept.slice(0, 200))}`,
  )
}

/** What makes it doubtful where the request ends, or to which host it goes. */
function malformationOf(request: IncomingMessage): Problem | undefined {
  if (!isSupportedCoding(request)) return invalid('The only supported transfer coding is chunked, in HTTP/1.1')
  const lacksHost = request.headers.host === undefined && request.httpVersion === '1.1'
  return lacksHost ? invalid('Expected one Host header, but got none') : undefined
}

/** RFC 9112, 6.1. Node accepts a list that ends in `chunked`, and `chunked` in HTTP/1.0. */
const isSupportedCoding = ({ headers: { 'transfer-encoding': coding }, httpVersion }: IncomingMessage) =>
  coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion === '1.1')

const invalid = (detail: string) => problem('validation_failed', detail)

/** A path without a route. */
const unroutablePath = '/invalid-url'

/**
 * The URL to route a request by, for Fastify's `rewriteUrl`. Fastify answers an undecodable path without running any
 * hook, so that it would be neither logged nor counted. An invalid URL is routed to a path without a route instead, and
 * the checks above reject it because it differs from the original.
 */
export function routableUrl({ url = '' }: { readonly url?: string | undefined }): string {
  return isValidTarget(url) && isDecodablePath(url) ? url : unroutablePath
}

/** Whether a target in absolute form (RFC 9112, 3.2.2) has a host and no fragment. Others are valid. */
const isValidTarget = (url: string) =>
  !/^https?:\/\//i.test(url) || (/^https?:\/\/[^/?#]+(?:[/?][^#]*)?$/i.test(url) && URL.canParse(url))

/** Whether the path is percent-encoded UTF-8 (RFC 3986, 2.1). In a query, invalid sequences stay as they are. */
function isDecodablePath(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}

/**
 * Browsers and load balancers open connections in advance. Node does not count a connection that has not sent a request
 * as idle, so one of them would delay a shutdown until its timeout.
 */
function destroyUnusedConnectionsOnClose(app: FastifyInstance): void {
  const open = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  app.addHook('preClose', async () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  })
}

/** One media range of an `Accept` header (RFC 9110, 12.5.1). */
interface MediaRange {
  readonly type: string
  readonly subtype: string
  /** From 0 (not acceptable) to 1. */
  readonly weight: number
}

/**
 * Whether an `Accept` header (RFC 9110, 12.5.1) admits one of `mediaTypes`, which are lower-case and have no parameters.
 *
 * The most specific range that matches a type decides. Parameters other than the weight are ignored: JSON defines none,
 * so `application/json; charset=utf-8` asks for the same representation as `application/json`. A header without any
 * valid range, such as an empty one, admits everything.
 */
export function accepts(header: string, mediaTypes: readonly string[]): boolean {
  // Quoted values occur in parameters only, and may contain commas and semicolons.
  const ranges = header
    .replaceAll(/"[^"]*"/g, '')
    .split(',')
    .map(parseRange)
    .filter((range) => range !== undefined)
  return ranges.length === 0 || mediaTypes.some((mediaType) => weightOf(mediaType, ranges) > 0)
}

function parseRange(text: string): MediaRange | undefined {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  // `*` alone is not in the grammar, but Java's HttpURLConnection sends it.
  const [type, subtype, ...more] = name === '*' ? ['*', '*'] : name.split('/')
  if (!type || !subtype || more.length > 0) return undefined
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  return { type, subtype, weight: weight === undefined ? 1 : parseWeight(weight) }
}

/** An invalid weight is ignored: it does not say that the type is unacceptable. */
function parseWeight(parameter: string): number {
  const text = parameter.slice(parameter.indexOf('=') + 1).trim()
  return /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : 1
}

/** The greatest weight among the most specific ranges that match; 0 if none matches. */
function weightOf(mediaType: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = mediaType.split('/')
  const matching = [
    ranges.filter((range) => range.type === type && range.subtype === subtype),
    ranges.filter((range) => range.type === type && range.subtype === '*'),
    ranges.filter((range) => range.type === '*' && range.subtype === '*'),
  ].find((level) => level.length > 0)
  return Math.max(0, ...(matching ?? []).map(({ weight }) => weight))
}
