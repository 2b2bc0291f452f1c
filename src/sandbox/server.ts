import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { answered, faulted, refused, send } from './answer.js'
import { logCall, type SandboxCall } from './call-log.js'
import type { Faults } from './faults.js'
import type { AccessControl } from './gate.js'
import type { IdempotencyKeys } from './idempotency.js'
import type { Route } from './routes.js'

/** What the server needs in order to answer. */
export interface HttpServerOptions {
  readonly calls: SandboxCall[]
  readonly gate: AccessControl
  readonly faults: Faults
  readonly keys: IdempotencyKeys
  readonly options: { readonly latencyMs: number }
  readonly now: () => number
  readonly route: (path: string) => Route | undefined
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
  gate,
  faults,
  keys,
  options,
  now,
  route: findRoute,
}: HttpServerOptions): HttpServer {
  let server: Server | undefined
  let requests = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = logCall(calls, request, now(), keptCalls)
    const requestId = `req_${++requests}`
    const route = findRoute(call.path)
    const { refusal, headers } = gate.admit(call, route?.needsToken ?? true)
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
