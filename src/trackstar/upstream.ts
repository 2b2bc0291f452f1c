import type { Dispatcher } from 'undici'
import { type Adjust, createAdjust } from './adjustments.js'
import { type CallReport, createUpstreamCaller } from './call.js'
import { CircuitBreaker, type CircuitState, guardWithBreaker } from './circuit-breaker.js'
import { createTrackstarClient, type TrackstarClient } from './client.js'
import type { Clock } from './clock.js'
import { createNeutralCheck, type UpstreamCondition } from './neutral-check.js'
import { createRateLimiter, type RateLimiter } from './rate-limiter.js'
import { limitShares } from './rate-shares.js'
import { type Credentials, httpTransport } from './transport.js'

/** Limits of the calls with one access token. Replicas may share them. */
export interface UpstreamLimiters {
  readonly reads: RateLimiter
  readonly writes: RateLimiter
}

/**
 * The limiters of one process.
 * @param rates calls in any one second
 */
export const inProcessLimiters = (
  rates: { readonly readRate: number; readonly writeRate: number },
  clock: Pick<Clock, 'elapsed'>,
): UpstreamLimiters => ({
  reads: limitShares(createRateLimiter(rates.readRate, clock), clock),
  writes: createRateLimiter(rates.writeRate, clock),
})

export interface UpstreamOptions {
  readonly dispatcher: Dispatcher
  readonly baseUrl: string
  readonly credentials: Credentials
  readonly limiters: UpstreamLimiters
  /** Limit of one attempt. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly onCall: (call: CallReport) => void
  /** Called when the circuit breaker of reads opens or closes. */
  readonly onCircuit: (state: CircuitState) => void
  /** Called when upstream begins to reject the credentials, and when it accepts them again or for the first time. */
  readonly onCredentials: (state: CredentialsState, before: CredentialsState) => void
}

/** What upstream says of the credentials: `unknown` until a call with the access token has been accepted or rejected. */
export type CredentialsState = 'ok' | 'refused' | 'unknown'

/** Trackstar, as one access token may call it. Reads and writes have a rate limiter and a circuit breaker each. */
export interface Upstream {
  readonly trackstar: TrackstarClient
  readonly adjust: Adjust
  /** The rate limiter of reads. */
  readonly limiter: RateLimiter
  /** The circuit breaker of reads. */
  readonly breaker: Pick<CircuitBreaker, 'state'>
  /** `refused` from the first rejection until a call succeeds again. */
  readonly credentials: CredentialsState
  /** Uses another access token from the next call on. Until that is answered, `credentials` is `unknown`. */
  setAccessToken(accessToken: string): void
  /** Whether upstream answers a read that contains nothing of any caller. Calls it, unless that has just been done. */
  condition(): Promise<UpstreamCondition>
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { dispatcher, baseUrl, clock, timeoutMs } = options
  const current = { ...options.credentials }
  const transport = httpTransport(dispatcher, baseUrl, current)
  let credentials: CredentialsState = 'unknown'
  let tokenSince = Number.NEGATIVE_INFINITY
  const setCredentials = (state: CredentialsState) => {
    if (state === credentials) return
    const before = credentials
    credentials = state
    options.onCredentials(state, before)
  }

  const onCall = (call: CallReport) => {
    // A call that was sent with the token from before says nothing about this one.
    const isOfToken = clock.elapsed() - call.ms >= tokenSince
    if (call.credentials !== undefined && isOfToken) setCredentials(call.credentials === 'refused' ? 'refused' : 'ok')
    options.onCall(call)
  }
  const parts = { transport, clock, timeoutMs, onCall }

  const breaker = new CircuitBreaker(clock, options.onCircuit)
  const { reads, writes } = options.limiters
  const limiter = guardWithBreaker(reads, breaker)
  const check = createNeutralCheck({ ...parts, limiter: reads })
  // A write goes through to the warehouse system, so its failure says nothing about Trackstar's own copy.
  const writeBreaker = new CircuitBreaker(clock)
  const writeLimiter = guardWithBreaker(writes, writeBreaker)
  return {
    trackstar: createTrackstarClient(createUpstreamCaller({ ...parts, limiter, breaker, check })),
    adjust: createAdjust(createUpstreamCaller({ ...parts, limiter: writeLimiter, breaker: writeBreaker })),
    limiter,
    breaker,
    setAccessToken(accessToken) {
      current.accessToken = accessToken
      tokenSince = clock.elapsed()
      setCredentials('unknown')
    },
    condition: () => check.condition(),
    get credentials() {
      return credentials
    },
  }
}
