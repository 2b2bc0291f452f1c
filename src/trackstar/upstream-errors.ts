import { isProblem, type Problem, problem } from '../errors.js'
import type { UpstreamAnswer } from './transport.js'

/** Most characters of upstream's error message that are passed on. */
const maxDetail = 500

/** The statuses that mean something only in Trackstar's own words, see {@link isOwnWord}. */
const needsOwnWord: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 422, 501])

/** An error response, as the `cause` of its problem. */
export class ErrorResponse extends Error {
  constructor(
    readonly status: number,
    error: string | undefined,
  ) {
    super(`upstream answered ${status}${error === undefined ? '' : `: ${error}`}`)
  }
}

/**
 * Whether an error response is Trackstar's own: JSON with `error`, a text, and `origin`, which some 501 lack. Anything
 * else, such as a page of HTML, comes from a gateway, and says nothing about the credentials, about whether a record
 * exists, or about whether a request is valid.
 */
export function isOwnWord({ status, body }: UpstreamAnswer): boolean {
  const { error, origin } = fieldsOf(body)
  if (typeof error !== 'string' || error === '') return false
  return (
    origin === 'trackstar' || origin === 'integration' || (status === 501 && (origin === undefined || origin === null))
  )
}

/**
 * Turns an error response into a problem. Upstream's message is passed on where it is about the request (400, 422, 501),
 * and nowhere else. What a gateway says about such things is `upstream_invalid_response`.
 */
export function toProblem(answer: UpstreamAnswer): Problem {
  const { status } = answer
  const { error, origin } = errorOf(answer)
  const cause = new ErrorResponse(status, error)
  if (needsOwnWord.has(status) && !isOwnWord(answer)) return unexpectedStatus(status, cause)
  switch (status) {
    case 400:
    case 422:
      return problem('upstream_rejected', error ?? 'Trackstar rejected the request', { origin, cause })
    // The URL is built from the caller's filters: what is short here may be long when it is encoded.
    case 414:
    case 431:
      return problem('upstream_rejected', 'The filters are too long: Trackstar does not accept a URL of this length', {
        cause,
      })
    case 401:
    case 403:
      return problem(
        'upstream_auth_failed',
        "Trackstar rejects this service's credentials; the credentials of your request are valid",
        { cause },
      )
    case 501:
      return problem(
        'not_supported_by_integration',
        `The connected warehouse system does not support this operation${error === undefined ? '' : `: ${error}`}`,
        { origin, cause },
      )
  }
  if (status === 429) {
    return problem('upstream_unavailable', 'Trackstar refuses further calls for the moment (429)', {
      cause,
      retryAfter: retryAfterSeconds(answer),
    })
  }
  if (status >= 500 && status !== 501) {
    return problem('upstream_unavailable', `Trackstar is failing (${status})`, {
      cause,
      retryAfter: retryAfterSeconds(answer),
    })
  }
  return unexpectedStatus(status, cause)
}

function unexpectedStatus(status: number, cause: Error): Problem {
  return problem('upstream_invalid_response', `Trackstar answered with an unexpected status (${status})`, { cause })
}

/**
 * Whose fault a failed read is:
 * - `request`: upstream says that it does not accept the request
 * - `unclear`: the request may have caused it, or upstream may be failing
 * - `upstream`: the request has nothing to do with it, or was not made
 */
export function blameOf(error: unknown): 'request' | 'unclear' | 'upstream' {
  if (!isProblem(error)) return 'upstream'
  const status = error.cause instanceof ErrorResponse ? error.cause.status : undefined
  switch (error.problem) {
    case 'upstream_rejected':
      return 'request'
    case 'upstream_invalid_response':
      return 'unclear'
    case 'upstream_auth_failed':
      return status === 403 ? 'unclear' : 'upstream'
    // Without a cause, no call was made. A 429 and a 503 are about the rate and the load.
    case 'upstream_unavailable':
      return error.cause === undefined || status === 429 || status === 503 ? 'upstream' : 'unclear'
    default:
      return 'upstream'
  }
}

/** The problem of a successful response whose body is not as expected. The route appears only in the log. */
export function invalidResponse(route: string, fault: { path: string; message: string }): Problem {
  return problem('upstream_invalid_response', `In Trackstar's response, ${fault.path || 'the body'} ${fault.message}`, {
    cause: new Error(`malformed response of ${route}`),
  })
}

/** Upstream's error message, cut to a reasonable length, and the system that it comes from. */
export function errorOf({ body }: UpstreamAnswer): {
  error: string | undefined
  origin: 'trackstar' | 'integration'
} {
  const fields = fieldsOf(body)
  return {
    error: typeof fields.error === 'string' && fields.error !== '' ? fields.error.slice(0, maxDetail) : undefined,
    origin: fields.origin === 'integration' ? 'integration' : 'trackstar',
  }
}

const fieldsOf = (body: unknown): { error?: unknown; origin?: unknown } =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}

/** The pause after a 429 without `Retry-After`: the span that upstream counts calls in. */
const defaultPauseMs = 1000
/** A longer `Retry-After` is cut to this. */
const maxPauseMs = 60_000

/**
 * How long upstream asks this service to pause all calls, in ms.
 *
 * `Retry-After` counts only on a 429 and a 503, since upstream sends it with every answer; a 429 without it means one
 * second. `X-RateLimit-Remaining: 0` counts on any other answer: until the reset, by upstream's own `Date`, and for one
 * second at most. It is ignored if it is no news: the reset is in whole seconds, and waiting for it would cost a third
 * of the rate.
 * @param wallMs the local time, for an answer without `Date`
 * @param isExpected whether the rate limiter knows that no calls remain
 */
export function pauseMs(answer: UpstreamAnswer, wallMs: number, isExpected: boolean): number {
  const asked = retryAfterMs(answer, wallMs) ?? (answer.status === 429 ? defaultPauseMs : undefined)
  if (asked !== undefined) return asked
  if (isExpected || header(answer, 'x-ratelimit-remaining') !== '0') return 0
  const reset = Number(header(answer, 'x-ratelimit-reset')) * 1000
  const wait = reset - (sentAt(answer) ?? wallMs)
  return Number.isFinite(wait) ? Math.min(1000, Math.max(0, wait)) : 0
}

/** The `Retry-After` of our own response. Default: one second. */
const retryAfterSeconds = (answer: UpstreamAnswer): number =>
  Math.max(1, Math.ceil((retryAfterMs(answer, Number.NaN) ?? 1000) / 1000))

/** `Retry-After` in ms, from seconds or a date (RFC 9110, 10.2.3), or from upstream's older header of its own. */
function retryAfterMs(answer: UpstreamAnswer, wallMs: number): number | undefined {
  if (answer.status !== 429 && answer.status !== 503) return undefined
  const value = header(answer, 'retry-after') ?? header(answer, 'x-rate-limit-retry-after')
  if (value === undefined) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - (sentAt(answer) ?? wallMs)
  return Number.isNaN(ms) ? undefined : Math.min(maxPauseMs, Math.max(0, ms))
}

/** Upstream's time in epoch ms, so that its clock and ours need not agree; undefined without a valid `Date`. */
export function sentAt(answer: UpstreamAnswer): number | undefined {
  const date = Date.parse(header(answer, 'date') ?? '')
  return Number.isNaN(date) ? undefined : date
}

function header(answer: UpstreamAnswer, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}
