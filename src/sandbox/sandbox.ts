import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { answered, faulted, refused, send } from './answer.js'
import { logCall, type SandboxCall, worstReadsPerSecond } from './call-log.js'
import { createData, type SandboxData } from './data.js'
import { type Fault, Faults } from './faults.js'
import { Gate } from './gate.js'
import { IdempotencyKeys } from './idempotency.js'
import { findRoute } from './routes.js'

export type { SandboxCall } from './call-log.js'
export type { SandboxConnection } from './connection.js'
export type { SandboxData } from './data.js'
export type { Fault } from './faults.js'

/** What a sandbox can be told at its start. */
export interface SandboxOptions {
  /** Size of the catalogue, the fixed products included; default 1000. */
  products?: number
  /** The same seed and size give the same data; default 1. */
  seed?: number
  /** Default `sandbox-api-key`. */
  apiKey?: string
  /** Default `sandbox-access-token`. */
  accessToken?: string
  /** Default `conn_sandbox`. */
  connectionId?: string
  /** GETs in any one-second span per token; default 10, 0 is no limit. */
  readRate?: number
  /** Other calls in any one-second span per token; default 50, 0 is no limit. */
  writeRate?: number
  /** Added to every answer, ms; default 0. */
  latencyMs?: number
  /** The clock, ms since 1970; default `Date.now`. */
  now?: () => number
}

/** A stand-in upstream. */
export interface Sandbox {
  /** What it serves; may be changed at any time. */
  readonly data: SandboxData
  /** Every call that arrived, in order, refused and faulted ones included: the last 100,000 at least. */
  readonly calls: SandboxCall[]
  readonly credentials: { apiKey: string; accessToken: string; connectionId: string }
  /** May be changed while it runs. */
  readonly options: { latencyMs: number; readRate: number; writeRate: number }
  /**
   * Sets a {@link Fault} for a path as it comes over the wire (percent-encoded, without the query), or for all paths
   * with a prefix that ends in `*`. Bad credentials and calls over the rate are refused before any fault.
   *
   * @returns how to take it away
   */
  fault(path: string, fault: Fault): () => void
  clearFaults(): void
  /** The most GETs that arrived in any one-second span. */
  worstReadsPerSecond(): number
  /** Begins to serve, on a free loopback port unless told otherwise. Gives the base address. */
  listen(options?: { host?: string; port?: number }): Promise<string>
  /** Ends at once, open sockets included. May listen again afterwards. */
  close(): Promise<void>
}

const keptCalls = 100_000

/** A sandbox with invented data, not yet listening. */
export function createSandbox(given: SandboxOptions = {}): Sandbox {
  const { products = 1000, seed = 1, now = Date.now, latencyMs = 0, readRate = 10, writeRate = 50 } = given
  const { apiKey = 'sandbox-api-key', accessToken = 'sandbox-access-token', connectionId = 'conn_sandbox' } = given
  const data = createData({ products, seed, connectionId, now: now() })
  const calls: SandboxCall[] = []
  const credentials = { apiKey, accessToken, connectionId }
  const options = { latencyMs, readRate, writeRate }
  const gate = new Gate(credentials, options)
  const faults = new Faults()
  const keys = new IdempotencyKeys()
  let server: Server | undefined
  let requests = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = logCall(calls, request, now(), keptCalls)
    const requestId = `req_${++requests}`
    const route = findRoute(data, call.path)
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
    data,
    calls,
    credentials,
    options,
    fault: (path, fault) => faults.add(path, fault),
    clearFaults: () => faults.clear(),
    worstReadsPerSecond: () => worstReadsPerSecond(calls),
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
