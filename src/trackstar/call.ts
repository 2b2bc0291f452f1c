import { setTimeout as sleep } from 'node:timers/promises'
import { context, createContextKey } from '@opentelemetry/api'
import { isProblem, type Problem } from '../errors.js'
import type { CircuitBreaker, UpstreamHealth } from './circuit-breaker.js'
import type { Clock } from './clock.js'
import type { NeutralCheck } from './neutral-check.js'
import type { Permit, PermitRequest, RateLimiter } from './rate-limiter.js'
import { maxSafeLevels } from './response-body.js'
import { pauseMs, retryAfterMs } from './retry-after.js'
import type { Transport, UpstreamAnswer, UpstreamRequest } from './transport.js'
import { invalidResponse, isTrackstarError, toProblem } from './upstream-errors.js'

/**
 * Why a call is made:
 * - `miss`: a record is not in the cache
 * - `refresh`: a refresh in the background, or after a webhook
 * - `forced`: a caller does not accept the cached record
 * - `list`: a caller reads one of Trackstar's lists
 * - `mirror`: the mirror loads or follows the catalog
 * - `write`: an adjustment
 * - `check`: a call failed, and it is not clear whether upstream fails or only this call
 * - `retry`: any of these, repeated
 */
export type Cause = 'miss' | 'refresh' | 'forced' | 'list' | 'mirror' | 'write' | 'check' | 'retry'

/** Runs `work` within a span. */
export type RunInSpan = <T>(work: () => T) => T

/** One call: a read, or a write that an idempotency key makes safe to repeat. */
export interface UpstreamCall {
  /** The path's template, for logs and metrics. */
  readonly route: string
  readonly request: UpstreamRequest
  readonly cause: Cause
  /** How permits are requested: for retries, and for the first attempt if there is no `permit`. */
  readonly permitRequest: PermitRequest
  /** The permit of the first attempt. The call uses or releases it. */
  readonly permit?: Permit | undefined
  /** Runs each attempt within a span. Default: the active one. */
  readonly runInSpan?: RunInSpan | undefined
  /** How often the call may be retried. Default: 2. */
  readonly maxRetries?: number
  /** Whether a response that is nested too deeply to be safe is accepted. Default: false. */
  readonly takesDeep?: boolean
  /** Whether a success counts whatever its body, as with a write. The body is undefined if it cannot be used. */
  readonly takesAnyBody?: boolean
  /** Turns Trackstar's own error response into a problem where it means something special for this call. */
  readonly toProblem?: (answer: UpstreamAnswer) => Problem | undefined
}

/** What is reported of each attempt. `outcome` is the status, or the problem's code if there was no response. */
export interface CallReport {
  readonly route: string
  readonly cause: Cause
  readonly outcome: string
  readonly ms: number
  /** How long the attempt waited for its permit. */
  readonly waitedMs: number
  /** Upstream's `X-Request-Id`. */
  readonly upstreamRequestId: string | undefined
  /** What the response says about the credentials, if anything. */
  readonly credentials?: 'accepted' | 'refused' | undefined
}

export interface UpstreamCallerOptions {
  readonly transport: Transport
  /** Guarded by `breaker`, so that no call waits for a permit while the breaker is open. */
  readonly limiter: RateLimiter
  readonly breaker: CircuitBreaker
  readonly clock: Clock
  /** Limit of one attempt. */
  readonly timeoutMs: number
  readonly onCall: (report: CallReport) => void
  /**
   * Tells whether upstream fails or only one call. Without it, as with writes, a 500 says nothing about upstream, and
   * every other failure counts against it.
   */
  readonly check?: Pick<NeutralCheck, 'calls' | 'condition'>
}

/** Calls upstream. Resolves to 2xx and to Trackstar's own 404; throws a problem for any other. */
export type CallUpstream = (call: UpstreamCall) => Promise<UpstreamAnswer>

const defaultMaxRetries = 2
const retryBaseMs = 100
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Creates the function that makes one attempt and reports it. It returns the answer, or the problem if there is none. */
export function createAttempt(options: Pick<UpstreamCallerOptions, 'transport' | 'clock' | 'timeoutMs' | 'onCall'>) {
  const { transport, clock, timeoutMs, onCall } = options
  return async (
    { route, request }: Pick<UpstreamCall, 'route' | 'request'>,
    cause: Cause,
    { sent, waitedMs }: Permit,
  ): Promise<UpstreamAnswer | Problem> => {
    const startedAt = clock.elapsed()
    const result = await duringCall({ route, cause }, () => transport(request, { timeoutMs, onSent: sent })).catch(
      (error: unknown) => {
        if (isProblem(error)) return error
        throw error
      },
    )
    const upstreamRequestId = isProblem(result) ? undefined : result.headers['x-request-id']
    onCall({
      route,
      cause,
      outcome: isProblem(result) ? result.problem : String(result.status),
      ms: clock.elapsed() - startedAt,
      waitedMs,
      upstreamRequestId: typeof upstreamRequestId === 'string' ? upstreamRequestId : undefined,
      credentials: isProblem(result) ? undefined : credentialsIn(result, request, cause),
    })
    return result
  }
}

/**
 * Creates the function that every call goes through: a permit, the circuit breaker, one HTTP request. A retry starts
 * again with a permit of its own, so every attempt counts against the rate limit.
 *
 * A call is retried at most twice, with full jitter, on 429, 502, 503, 504 and connection errors, and never past the
 * deadline of its permit request.
 *
 * The circuit breaker opens only if a neutral call fails as well. Neither does Trackstar's 403 to one read mean that it
 * refuses the credentials unless it refuses a neutral call.
 */
export function createUpstreamCaller(options: UpstreamCallerOptions): CallUpstream {
  const { limiter, breaker, clock, check } = options
  const attempt = createAttempt(options)

  /**
   * What the breaker is told about an attempt.
   * @param before how many neutral calls had begun when the attempt began
   */
  async function judge(
    call: UpstreamCall,
    result: UpstreamAnswer | Problem,
    before: number | undefined,
  ): Promise<UpstreamHealth> {
    const health = healthOf(call, result)
    if (check === undefined) return !isProblem(result) && result.status === 500 ? 'unknown' : health
    if (isForbidden(result)) await check.condition(before)
    if (health !== 'failing' || !breaker.isAtLimit) return health
    const condition = await check.condition(before)
    return condition === 'well' || condition === 'refusing' ? 'responding' : condition
  }

  return async (call) => {
    const { permitRequest, runInSpan = runInActiveSpan, maxRetries = defaultMaxRetries } = call
    for (let retries = 0; ; retries++) {
      const permit = (retries === 0 ? call.permit : undefined) ?? (await limiter.acquire(permitRequest))
      let settle: ((health: UpstreamHealth) => void) | undefined
      let health: UpstreamHealth = 'unknown'
      let result: UpstreamAnswer | Problem
      try {
        settle = breaker.begin()
        const before = check?.calls
        result = await runInSpan(() => attempt(call, retries === 0 ? call.cause : 'retry', permit))
        const pause = isProblem(result) ? 0 : pauseMs(result, clock.now(), permit.wasLast || limiter.state.isExhausted)
        if (pause > 0) limiter.pauseUntil(clock.elapsed() + pause)
        permit.release()
        health = await judge(call, result, before)
      } finally {
        permit.release()
        settle?.(health)
      }
      const requestedMs = !isProblem(result) && result.status === 503 ? retryAfterMs(result, clock.now()) : 0
      const delay = Math.max(requestedMs, Math.random() * retryBaseMs * 2 ** retries)
      const { priority, caller, deadline } = permitRequest
      const nextAt = Math.max(clock.elapsed() + delay, limiter.estimateAt(priority, caller, 0))
      const mayRetry = isRetryable(result) && retries < maxRetries && breaker.state === 'closed'
      if (!mayRetry || nextAt >= deadline()) return conclude(call, result, clock.now())
      await sleep(delay)
    }
  }
}

const runInActiveSpan: RunInSpan = (work) => work()

/** 404 is an answer: only the caller knows whether absence is an error. */
function conclude(call: UpstreamCall, result: UpstreamAnswer | Problem, wallMs: number): UpstreamAnswer {
  if (isProblem(result)) throw result
  const { status } = result
  if (status === 404 && isTrackstarError(result)) return result
  if (status < 200 || status > 299)
    throw (isTrackstarError(result) && call.toProblem?.(result)) || toProblem(result, wallMs)
  if (call.takesAnyBody) return result.isDeep ? { ...result, body: undefined } : result
  if (result.body === undefined)
    throw invalidResponse(call.route, { path: '', message: result.fault ?? 'must be JSON' })
  if (result.isDeep && !call.takesDeep) {
    throw invalidResponse(call.route, {
      path: '',
      message: `must not have more than ${maxSafeLevels} levels of nesting`,
    })
  }
  return result
}

/**
 * What a response says about the credentials. Management calls use the organisation's API key alone: their success says
 * nothing about the access token. A 403 counts only if no caller has put anything into the call. That of a write means
 * that this connection must not write.
 */
function credentialsIn(
  answer: UpstreamAnswer,
  { organisationOnly }: UpstreamRequest,
  cause: Cause,
): CallReport['credentials'] {
  const { status, body } = answer
  if (status >= 200 && status < 300) return body === undefined || organisationOnly ? undefined : 'accepted'
  const isRefusal = status === 401 || (status === 403 && cause === 'check')
  return isRefusal && isTrackstarError(answer) ? 'refused' : undefined
}

const isForbidden = (result: UpstreamAnswer | Problem) =>
  !isProblem(result) && result.status === 403 && isTrackstarError(result)

/** What an attempt says about upstream's health. */
export function healthOf(call: Pick<UpstreamCall, 'takesAnyBody'>, result: UpstreamAnswer | Problem): UpstreamHealth {
  if (isProblem(result)) return 'failing'
  const isGarbled = result.status < 300 && result.body === undefined && !call.takesAnyBody
  return isGarbled || (result.status >= 500 && result.status !== 501) ? 'failing' : 'responding'
}

function isRetryable(result: UpstreamAnswer | Problem): boolean {
  return isProblem(result) ? result.problem === 'upstream_unavailable' : retryableStatuses.has(result.status)
}

/** The call that an HTTP request belongs to. Tracing of HTTP requests sees only their URLs. */
export interface ActiveCall {
  /** The path's template. */
  readonly route: string
  readonly cause: Cause
}

const key = createContextKey('call to Trackstar')

/** Runs `work`, the HTTP request of `call`. */
export const duringCall = <T>(call: ActiveCall, work: () => T): T =>
  context.with(context.active().setValue(key, call), work)

/** The call in progress; undefined if there is none or tracing is off. */
export const activeCall = (): ActiveCall | undefined => context.active().getValue(key) as ActiveCall | undefined
