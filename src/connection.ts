import type { Dispatcher } from 'undici'
import { type Adjust, createAdjust } from './trackstar/adjustments.js'
import { type CallReport, createUpstreamCaller } from './trackstar/call.js'
import { CircuitBreaker, type CircuitState, guardWithBreaker } from './trackstar/circuit-breaker.js'
import { createTrackstarClient, type TrackstarClient } from './trackstar/client.js'
import type { Clock } from './trackstar/clock.js'
import { createRateLimiter, limitForcedReads, type RateLimiter } from './trackstar/rate-limiter.js'
import { type Credentials, httpTransport } from './trackstar/transport.js'

export interface ConnectionParts {
  readonly dispatcher: Dispatcher
  readonly baseUrl: string
  readonly credentials: Credentials
  /** Calls that upstream allows in any one second. */
  readonly readRate: number
  readonly writeRate: number
  /** Longest wait for one attempt. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly onCall: (call: CallReport) => void
  readonly onCircuit: (state: CircuitState) => void
}

/** One connection at Trackstar: one token, and so one budget of reads and one of writes, each with a circuit. */
export interface Connection {
  readonly trackstar: TrackstarClient
  readonly adjust: Adjust
  /** The budget of reads. */
  readonly budget: RateLimiter
  /** The circuit of reads. */
  readonly circuit: CircuitBreaker
  /** Whether upstream has refused the credentials and no call has succeeded since. */
  readonly isRefused: boolean
}

export function connect(parts: ConnectionParts): Connection {
  const { dispatcher, baseUrl, credentials, clock, timeoutMs } = parts
  let isRefused = false
  const transport = httpTransport(dispatcher, baseUrl, credentials)
  /** @param refusals the statuses by which upstream refuses the credentials themselves */
  function upstreamFor(limiter: RateLimiter, breaker: CircuitBreaker, ...refusals: string[]) {
    const onCall = (call: CallReport) => {
      // What the organisation's key suffices for says nothing of the connection's token.
      if (call.outcome.startsWith('2') && call.route.startsWith('/wms/')) isRefused = false
      else if (refusals.includes(call.outcome)) isRefused = true
      parts.onCall(call)
    }
    return createUpstreamCaller({ transport, limiter, breaker, clock, timeoutMs, onCall })
  }
  const circuit = new CircuitBreaker(clock, parts.onCircuit)
  const budget = guardWithBreaker(limitForcedReads(createRateLimiter(parts.readRate, clock), clock), circuit)
  // A write goes through to the warehouse system: that this fails says nothing of Trackstar's own copy, nor does a 403,
  // which means that this connection must not write.
  const writeBreaker = new CircuitBreaker(clock)
  const writeLimiter = guardWithBreaker(createRateLimiter(parts.writeRate, clock), writeBreaker)
  return {
    trackstar: createTrackstarClient(upstreamFor(budget, circuit, '401', '403')),
    adjust: createAdjust(upstreamFor(writeLimiter, writeBreaker, '401')),
    budget,
    circuit,
    get isRefused() {
      return isRefused
    },
  }
}
