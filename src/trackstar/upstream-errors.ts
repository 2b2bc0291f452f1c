import { isProblem, type Problem, problem } from '../errors.js'
import { retryAfterMs } from './retry-after.js'
import type { UpstreamAnswer } from './transport.js'

/** Most characters of upstream's error message that are passed on. */
const maxDetail = 500

/** Statuses that count only in an error of Trackstar itself, see {@link isTrackstarError}. */
const needsTrackstarError: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 422, 501])

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
export function isTrackstarError({ status, body }: UpstreamAnswer): boolean {
  const { error, origin } = fieldsOf(body)
  if (typeof error !== 'string' || error === '') return false
  return (
    origin === 'trackstar' || origin === 'integration' || (status === 501 && (origin === undefined || origin === null))
  )
}

/**
 * Turns an error response into a problem. Upstream's message is passed on where it is about the request (400, 422, 501),
 * and nowhere else. The response of a gateway is `upstream_invalid_response`.
 * @param wallMs the local time, for a `Retry-After` that is a date, in an answer without `Date`. Default: unknown
 */
export function toProblem(answer: UpstreamAnswer, wallMs = Number.NaN): Problem {
  const { status } = answer
  const { error, origin } = errorOf(answer)
  const cause = new ErrorResponse(status, error)
  if (needsTrackstarError.has(status) && !isTrackstarError(answer)) return unexpectedStatus(status, cause)
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
      retryAfter: Math.max(1, Math.ceil(retryAfterMs(answer, wallMs) / 1000)),
    })
  }
  if (status >= 500 && status !== 501) {
    return problem('upstream_unavailable', `Trackstar is failing (${status})`, {
      cause,
      retryAfter: Math.max(1, Math.ceil(retryAfterMs(answer, wallMs) / 1000)),
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
    case 'upstream_timeout':
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
