import { setTimeout as sleep } from 'node:timers/promises'
import { context, createContextKey } from '@opentelemetry/api'
import { isProblem, type Problem } from '../errors.js'
import type { CallVerdict, CircuitBreaker } from './circuit-breaker.js'
import type { Clock } from './clock.js'
import type { PermitRequest, RateLimiter } from './rate-limiter.js'
import type { Transport, UpstreamAnswer, UpstreamRequest } from './transport.js'
import { invalidResponse, pauseMs, toProblem } from './upstream-errors.js'

/**
 * Why a call is made: for what was not held, behind an answer, for who refused what was held, for a
 * list, for the mirror, to write, again.
 */
export type Cause = 'miss' | 'refresh' | 'forced' | 'list' | 'mirror' | 'write' | 'retry'

/** Runs `work` within some span. */
export type Within = <T>(work: () => T) => T

/** One call that is wanted: a read, or a write that an idempotency key makes safe to repeat. */
export interface UpstreamCall {
  /** The path's template: what it is called in logs and metrics. */
  readonly route: string
  readonly cause: Cause
  readonly permitRequest: PermitRequest
  /** Runs each attempt within the span it belongs to; default: that of whoever makes the call. */
  readonly within?: Within | undefined
  /** Called once, when the permit is there, so that it can take in what has come meanwhile; undefined: no longer wanted. */
  readonly request: () => UpstreamRequest | undefined
  /** What an answer that is no success means for this call in particular; undefined: what it means for any. */
  readonly refusal?: (answer: UpstreamAnswer) => Problem | undefined
}

/** What is told of each attempt. `outcome` is the status, or the code of the fault where there was no answer. */
export interface CallReport {
  readonly route: string
  readonly cause: Cause
  readonly outcome: string
  readonly ms: number
  readonly waitedMs: number
  /** Upstream's own `X-Request-Id`. */
  readonly upstreamRequestId: string | undefined
}

export interface UpstreamParts {
  readonly transport: Transport
  readonly budget: RateLimiter
  readonly circuit: CircuitBreaker
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onCall: (report: CallReport) => void
}

/** Asks upstream; gives its 2xx and 404 answers, and undefined where the call was no longer wanted. */
export type CallUpstream = (call: UpstreamCall) => Promise<UpstreamAnswer | undefined>

const maxRetries = 2
const retryBaseMs = 100
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Every call goes through here: circuit, then budget, then one HTTP call, and again from the start for a retry, so that
 * each attempt takes a permit of its own. Retries at most twice, with full jitter, on 429, 502, 503, 504 and
 * connection faults, never past the bid's deadline.
 */
export function createUpstreamCaller({
  transport,
  budget,
  circuit,
  clock,
  timeoutMs,
  onCall,
}: UpstreamParts): CallUpstream {
  /** One attempt: the answer, or the fault for which there is none. */
  async function attempt(
    call: UpstreamCall,
    request: UpstreamRequest,
    sent: () => void,
    waitedMs: number,
    cause: Cause,
  ) {
    const start = clock.elapsed()
    const result = await duringCall({ route: call.route, cause }, () =>
      transport(request, { timeoutMs, onSent: sent }),
    ).catch((error: unknown) => {
      if (isProblem(error)) return error
      throw error
    })
    const upstreamRequestId = isProblem(result) ? undefined : result.headers['x-request-id']
    onCall({
      route: call.route,
      cause,
      outcome: isProblem(result) ? result.problem : String(result.status),
      ms: clock.elapsed() - start,
      waitedMs,
      upstreamRequestId: typeof upstreamRequestId === 'string' ? upstreamRequestId : undefined,
    })
    return result
  }

  return async (call) => {
    let request: UpstreamRequest | undefined
    for (let tries = 0; ; tries++) {
      circuit.check()
      const bidAt = clock.elapsed()
      const permit = await budget.acquire(call.permitRequest)
      let settle: ((verdict: CallVerdict) => void) | undefined
      let verdict: CallVerdict = 'unknown'
      let result: UpstreamAnswer | Problem
      try {
        settle = circuit.begin()
        request ??= call.request()
        if (request === undefined) return undefined
        const cause = tries === 0 ? call.cause : 'retry'
        const { within = whereItIs } = call
        const [wanted, waitedMs] = [request, clock.elapsed() - bidAt]
        result = await within(() => attempt(call, wanted, permit.sent, waitedMs, cause))
        verdict = judge(result)
      } finally {
        permit.release()
        settle?.(verdict)
      }
      const pause = isProblem(result) ? 0 : pauseMs(result, clock.now(), permit.wasLast || budget.state.isSpent)
      if (pause > 0) budget.pauseUntil(clock.elapsed() + pause)
      const delay = Math.random() * retryBaseMs * 2 ** tries
      const { priority, caller, deadline } = call.permitRequest
      const nextAt = Math.max(clock.elapsed() + delay, budget.estimateAt(priority, caller, 0))
      const mayRetry = isRetryable(result) && tries < maxRetries && circuit.state === 'closed'
      if (!mayRetry || nextAt >= deadline()) return conclude(call, result)
      await sleep(delay)
    }
  }
}

const whereItIs: Within = (work) => work()

/** 404 included: whether absence is an error is the asker's business. */
function conclude({ route, refusal }: UpstreamCall, result: UpstreamAnswer | Problem): UpstreamAnswer {
  if (isProblem(result)) throw result
  const { status } = result
  if (status === 404) return result
  if (status < 200 || status > 299) throw refusal?.(result) ?? toProblem(result)
  if (result.body === undefined) throw invalidResponse(route, { path: '', message: 'must be JSON' })
  return result
}

function judge(result: UpstreamAnswer | Problem): CallVerdict {
  if (isProblem(result)) return 'fails'
  const isGarbled = result.status < 300 && result.body === undefined
  return isGarbled || (result.status >= 500 && result.status !== 501) ? 'fails' : 'answers'
}

function isRetryable(result: UpstreamAnswer | Problem): boolean {
  return isProblem(result) ? result.problem === 'upstream_unavailable' : retryableStatuses.has(result.status)
}

/** Which call upstream an HTTP request is, for who makes spans of HTTP requests and sees only their addresses. */
export interface ActiveCall {
  /** The path's template. */
  readonly route: string
  readonly cause: Cause
}

const key = createContextKey('call to Trackstar')

/** Runs `work`, whose HTTP request is `call`. */
export const duringCall = <T>(call: ActiveCall, work: () => T): T =>
  context.with(context.active().setValue(key, call), work)

/** The call that goes on right now; undefined where none does, and always where no traces are made. */
export const activeCall = (): ActiveCall | undefined => context.active().getValue(key) as ActiveCall | undefined
