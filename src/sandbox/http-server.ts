import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccessControl, Credentials } from './access-control.js'
import { ApiError } from './api-error.js'
import { logCall, type SandboxCall } from './call-log.js'
import type { Fault, Faults } from './faults.js'
import type { Route } from './handlers.js'

/** What serves the calls of one connection. */
export interface CallServer {
  /** Every call is appended here. */
  readonly calls: SandboxCall[]
  readonly credentials: Readonly<Credentials & { connectionId: string }>
  readonly accessControl: AccessControl
  readonly faults: Faults
  readonly idempotencyKeys: IdempotencyKeys
  readonly options: { readonly latencyMs: number }
  readonly now: () => number
  readonly findRoute: (path: string) => Route | undefined
}

/** The sandbox's HTTP side. */
export interface HttpServer {
  /** Resolves to the base address. */
  readonly listen: (options?: { host?: string; port?: number }) => Promise<string>
  /** Closes every connection at once. Does nothing unless listening. */
  readonly close: () => Promise<void>
}

/** A response before it is sent. The body is already serialized, so that it shows the state at the time of the call. */
interface PreparedResponse {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Called once the response is sent. */
  readonly onSent?: () => void
}

const keptCalls = 100_000

/**
 * Creates a server that does not listen yet. A call belongs to the connection whose id is in its path, or else to the one
 * with its access token. Checks access first, then applies faults, then runs the route.
 */
export function createHttpServer(connections: readonly [CallServer, ...CallServer[]]): HttpServer {
  const [first] = connections
  // A call with bad credentials is of no connection, unless there is only one.
  const unknown = connections.length === 1 ? first : { ...first, calls: [] }
  let server: Server | undefined
  let requestCount = 0

  const findConnection = ({ url, headers }: IncomingMessage): CallServer =>
    connections.find(({ credentials }) => url === `/connections/${encodeURIComponent(credentials.connectionId)}`) ??
    connections.find(({ credentials }) => headers['x-trackstar-access-token'] === credentials.accessToken) ??
    unknown

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { calls, accessControl, faults, idempotencyKeys, options, now, findRoute } = findConnection(request)
    const call = logCall(calls, request, now(), keptCalls)
    const requestId = `req_${++requestCount}`
    const route = findRoute(call.path)
    const { error, headers } = accessControl.admit(call, route?.needsToken ?? true)
    const fault = (error ? undefined : faults.take(call.method, call.path, call.query)) ?? {}
    const body = call.method === 'GET' ? '' : await text(request)
    const override = error ? errorResponse(error) : faultResponse(fault)
    const prepared = fault.reset ? undefined : (override ?? routeResponse(route, call, body, idempotencyKeys))
    const waitMs = options.latencyMs + (fault.delayMs ?? 0)
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false })
    if (!prepared) {
      request.socket.resetAndDestroy()
      return
    }
    call.status = prepared.status
    const always = { date: new Date(now()).toUTCString(), 'x-request-id': requestId }
    send(response, prepared, { ...always, ...headers, ...fault.headers }, fault.truncate)
  }

  return {
    async listen({ host = '127.0.0.1', port = 0 } = {}) {
      if (server) throw new Error('The sandbox is already listening')
      // Fails when the client disconnects while sending its body, or when data cannot be serialized.
      const starting = createServer(
        (request, response) => void serve(request, response).catch(() => response.destroy()),
      )
      // A pooled connection that closes for idleness just as it is used again would look like a fault of the service.
      starting.keepAliveTimeout = 120_000
      starting.listen(port, host)
      await once(starting, 'listening')
      server = starting
      return `http://${host}:${Object(starting.address()).port}`
    },
    async close() {
      const closing = server
      server = undefined
      if (!closing) return
      closing.close()
      closing.closeAllConnections()
      await once(closing, 'close')
    },
  }
}

const errorResponse = ({ status, body }: ApiError): PreparedResponse => ({
  status,
  body: JSON.stringify(body),
  headers: {},
})

/** The response that a fault prescribes, or undefined when it keeps the usual one. */
function faultResponse({ status, body }: Fault): PreparedResponse | undefined {
  if (status === undefined && body === undefined) return undefined
  const sentStatus = status ?? 200
  const content = body ?? new ApiError(sentStatus, `Fault of status ${sentStatus}`).body
  return { status: sentStatus, body: typeof content === 'string' ? content : JSON.stringify(content), headers: {} }
}

/** Runs the route and prepares the documented response. `rawBody` is the request body as sent. */
function routeResponse(
  route: Route | undefined,
  call: SandboxCall,
  rawBody: string,
  idempotencyKeys: IdempotencyKeys,
): PreparedResponse {
  const key = call.method === 'GET' ? undefined : call.headers['idempotency-key']?.toString()
  try {
    if (key === undefined) return { status: 200, body: runRoute(route, call, rawBody), headers: {} }
    const replay = idempotencyKeys.begin(key, `${call.method} ${call.path} ${rawBody}`, call.at)
    if (replay !== undefined) return { status: 200, body: replay, headers: { 'idempotent-replayed': 'true' } }
    return keyedResponse(key, idempotencyKeys, () => runRoute(route, call, rawBody))
  } catch (error) {
    if (error instanceof ApiError) return errorResponse(error)
    throw error
  }
}

/** The key stays in use until the response is sent. A failure releases it. */
function keyedResponse(key: string, idempotencyKeys: IdempotencyKeys, runFirst: () => string): PreparedResponse {
  try {
    const body = runFirst()
    return { status: 200, body, headers: {}, onSent: () => idempotencyKeys.finish(key, body) }
  } catch (error) {
    idempotencyKeys.finish(key, undefined)
    throw error
  }
}

function runRoute(route: Route | undefined, { method, path, query, at }: SandboxCall, rawBody: string): string {
  if (!route) throw new ApiError(404, `No such path: ${path}`)
  const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined
  if (!handler) throw new ApiError(405, `${method} is not allowed here`)
  return JSON.stringify(handler({ method, query, body: method === 'GET' ? undefined : parseJson(rawBody), now: at }))
}

function parseJson(rawBody: string): unknown {
  try {
    return JSON.parse(rawBody)
  } catch {
    throw new ApiError(422, 'The body is not JSON')
  }
}

/** Sends a response. With `truncate`, sends half of the body and closes the connection. */
function send(
  response: ServerResponse,
  prepared: PreparedResponse,
  headers: Record<string, string>,
  truncate = false,
): void {
  const body = Buffer.from(prepared.body)
  const entity = { 'content-type': 'application/json', 'content-length': String(body.length) }
  response.writeHead(prepared.status, { ...entity, ...prepared.headers, ...headers })
  if (truncate) response.write(body.subarray(0, body.length >> 1), () => response.destroy())
  else response.end(body)
  prepared.onSent?.()
}

const keyLifetimeMs = 24 * 3600 * 1000
const maxKeyLength = 255

interface KeyedRequest {
  /** Method, path and body. */
  readonly request: string
  readonly at: number
  /** The body of the first success; undefined while the request runs. */
  response: string | undefined
}

/** The idempotency keys of one connection. Each is kept for 24 hours after its first use. */
export class IdempotencyKeys {
  readonly #requests = new Map<string, KeyedRequest>()

  /**
   * Begins a request. Returns the body to replay if the key has succeeded before. Otherwise returns undefined, and the
   * caller runs the request and calls {@link finish}. `at` is in ms since 1970.
   * @throws {ApiError} 422 for a key over 255 characters, 400 for a key of another request, and 409 for a key whose first
   * request is still running
   */
  begin(key: string, request: string, at: number): string | undefined {
    if (key.length > maxKeyLength) {
      throw new ApiError(422, `Idempotency-Key: expected at most ${maxKeyLength} characters, but got: ${key.length}`)
    }
    this.#dropExpired(at)
    const earlier = this.#requests.get(key)
    if (!earlier) {
      this.#requests.set(key, { request, at, response: undefined })
      return undefined
    }
    if (earlier.request !== request) throw new ApiError(400, 'Idempotency-Key was used with another body or path')
    if (earlier.response === undefined) {
      throw new ApiError(409, 'The first request with this Idempotency-Key still runs')
    }
    return earlier.response
  }

  /** Ends a request: stores the body of its success, or releases the key when `response` is undefined. */
  finish(key: string, response: string | undefined): void {
    const keyed = this.#requests.get(key)
    if (response === undefined) this.#requests.delete(key)
    else if (keyed) keyed.response = response
  }

  #dropExpired(at: number): void {
    for (const [key, keyed] of this.#requests) {
      if (at - keyed.at < keyLifetimeMs) return
      this.#requests.delete(key)
    }
  }
}
