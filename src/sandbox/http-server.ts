import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccessControl } from './access-control.js'
import { ApiError } from './api-error.js'
import { logCall, type SandboxCall } from './call-log.js'
import type { Fault, Faults } from './faults.js'
import type { Route } from './handlers.js'

/** What the server needs in order to answer. */
export interface HttpServerOptions {
  readonly calls: SandboxCall[]
  readonly accessControl: AccessControl
  readonly faults: Faults
  readonly idempotencyKeys: IdempotencyKeys
  readonly options: { readonly latencyMs: number }
  readonly now: () => number
  readonly findRoute: (path: string) => Route | undefined
}

/** The sandbox as seen from the network. */
export interface HttpServer {
  readonly listen: (options?: { host?: string; port?: number }) => Promise<string>
  readonly close: () => Promise<void>
}

const keptCalls = 100_000

/** A server that is not listening yet. */
export function createHttpServer({
  calls,
  accessControl: gate,
  faults,
  idempotencyKeys: keys,
  options,
  now,
  findRoute,
}: HttpServerOptions): HttpServer {
  let server: Server | undefined
  let requests = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = logCall(calls, request, now(), keptCalls)
    const requestId = `req_${++requests}`
    const route = findRoute(call.path)
    const { error: refusal, headers } = gate.admit(call, route?.needsToken ?? true)
    const fault = (refusal ? undefined : faults.take(call.method, call.path)) ?? {}
    const body = call.method === 'GET' ? '' : await text(request)
    const prescribed = refusal ? refused(refusal) : faulted(fault)
    const answer = fault.reset ? undefined : (prescribed ?? answered(route, call, body, keys))
    const waitMs = options.latencyMs + (fault.delayMs ?? 0)
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false })
    if (!answer) {
      request.socket.resetAndDestroy()
      return
    }
    call.status = answer.status
    const always = { date: new Date(now()).toUTCString(), 'x-request-id': requestId }
    send(response, answer, { ...always, ...headers, ...fault.headers }, fault.truncate)
  }

  return {
    async listen({ host = '127.0.0.1', port = 0 } = {}) {
      if (server) throw new Error('The sandbox listens already')
      // Nothing to tell a caller who went away while sending: the connection is gone.
      const listening = createServer(
        (request, response) => void serve(request, response).catch(() => response.destroy()),
      )
      // A pooled connection that is closed for idleness just as it is used again would look like a fault of ours.
      listening.keepAliveTimeout = 120_000
      listening.listen(port, host)
      await once(listening, 'listening')
      server = listening
      return `http://${host}:${Object(listening.address()).port}`
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

/** An answer before it is sent. The body is JSON text already, so that it tells what was so when the call came. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** To be called once it was sent. */
  readonly sent?: () => void
}

/** The answer that a refusal amounts to. */
export const refused = (refusal: ApiError): Answer => ({
  status: refusal.status,
  body: JSON.stringify(refusal.body),
  headers: {},
})

/** The answer that a fault prescribes, or undefined where it leaves the answer alone. */
export function faulted({ status, body }: Fault): Answer | undefined {
  if (status === undefined && body === undefined) return undefined
  const sent = status ?? 200
  const content = body ?? new ApiError(sent, `Fault of status ${sent}`).body
  return { status: sent, body: typeof content === 'string' ? content : JSON.stringify(content), headers: {} }
}

/** Does what is asked, and gives the documented answer. `text` is the body as it came. */
export function answered(route: Route | undefined, call: SandboxCall, text: string, keys: IdempotencyKeys): Answer {
  const key = call.method === 'GET' ? undefined : call.headers['idempotency-key']?.toString()
  try {
    const replay = key === undefined ? undefined : keys.begin(key, `${call.method} ${call.path} ${text}`, call.at)
    if (replay !== undefined) return { status: 200, body: replay, headers: { 'idempotent-replayed': 'true' } }
    return firstAnswer(route, call, text, (body) => key !== undefined && keys.finish(key, body))
  } catch (error) {
    if (error instanceof ApiError) return refused(error)
    throw error
  }
}

function firstAnswer(
  route: Route | undefined,
  call: SandboxCall,
  text: string,
  finish: (body: string | undefined) => unknown,
): Answer {
  try {
    const body = JSON.stringify(handle(route, call, text))
    return { status: 200, body, headers: {}, sent: () => finish(body) }
  } catch (error) {
    finish(undefined)
    throw error
  }
}

function handle(route: Route | undefined, { method, path, query, at }: SandboxCall, text: string): unknown {
  if (!route) throw new ApiError(404, `No such path: ${path}`)
  const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined
  if (!handler) throw new ApiError(405, `${method} is not allowed here`)
  return handler({ method, query, body: method === 'GET' ? undefined : parse(text), now: at })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(422, 'The body is not JSON')
  }
}

/** Sends an answer, or, `truncate` being set, half of it before the connection is closed. */
export function send(
  response: ServerResponse,
  answer: Answer,
  headers: Record<string, string>,
  truncate = false,
): void {
  const body = Buffer.from(answer.body)
  const length = { 'content-type': 'application/json', 'content-length': String(body.length) }
  response.writeHead(answer.status, { ...length, ...answer.headers, ...headers })
  if (truncate) response.write(body.subarray(0, body.length >> 1), () => response.destroy())
  else response.end(body)
  answer.sent?.()
}

const keptMs = 24 * 3600 * 1000
const longestKey = 255

interface Attempt {
  /** Path and body: what a key stands for. */
  readonly request: string
  readonly at: number
  /** What the first success answered; undefined while it runs. */
  answer: string | undefined
}

/** The idempotency keys of one connection, each kept for 24 hours from its first use. */
export class IdempotencyKeys {
  readonly #attempts = new Map<string, Attempt>()

  /**
   * Begins an attempt. Gives the first success to replay where there was one, and undefined where the caller is to go
   * on and then {@link finish}. Refuses a key that is too long (422), one that stood for another request (400) and one
   * whose first attempt is still running (409).
   */
  begin(key: string, request: string, at: number): string | undefined {
    if (key.length > longestKey) {
      throw new ApiError(422, `Idempotency-Key: expected at most ${longestKey} characters, but got: ${key.length}`)
    }
    this.#forget(at)
    const earlier = this.#attempts.get(key)
    if (!earlier) {
      this.#attempts.set(key, { request, at, answer: undefined })
      return undefined
    }
    if (earlier.request !== request) throw new ApiError(400, 'Idempotency-Key was used with another body or path')
    if (earlier.answer === undefined) throw new ApiError(409, 'The first request with this Idempotency-Key still runs')
    return earlier.answer
  }

  /** Ends an attempt: remembers the success, or releases the key where there was none. */
  finish(key: string, answer: string | undefined): void {
    const attempt = this.#attempts.get(key)
    if (answer === undefined) this.#attempts.delete(key)
    else if (attempt) attempt.answer = answer
  }

  #forget(at: number): void {
    for (const [key, attempt] of this.#attempts) {
      if (at - attempt.at < keptMs) return
      this.#attempts.delete(key)
    }
  }
}
