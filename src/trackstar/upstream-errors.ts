import { type Problem, problem } from '../errors.js'
import type { UpstreamAnswer } from './transport.js'

/** Most characters of upstream's own words that are passed on. */
const maxDetail = 500

/**
 * Turns an answer that is no success into this service's own error: the one place that knows both tables.
 * Upstream's words are passed on where they are about the request (400, 422 and 501), nowhere else.
 */
export function toProblem(answer: UpstreamAnswer): Problem {
  const { error, origin } = saidBy(answer)
  const said = error === undefined ? '' : `: ${error}`
  const cause = new Error(`upstream answered ${answer.status}${said}`)
  switch (answer.status) {
    case 400:
    case 422:
      return problem('upstream_rejected', error ?? 'Trackstar refused the request', {
        origin,
        cause,
      })
    // The address is what a caller has asked for, written out: what is short here may be long there.
    case 414:
    case 431:
      return problem('upstream_rejected', 'Trackstar takes no address as long as these filters make it', { cause })
    case 401:
    case 403:
      return problem('upstream_auth_failed', "Trackstar refuses this service's own credentials; yours are fine", {
        cause,
      })
    case 501:
      return problem('not_supported_by_integration', `The connected warehouse system has no such function${said}`, {
        origin,
        cause,
      })
  }
  if (answer.status === 429) {
    return problem('upstream_unavailable', 'Trackstar refuses more calls for the moment', {
      cause,
      retryAfter: retryAfterSeconds(answer),
    })
  }
  if (answer.status >= 500) {
    return problem('upstream_unavailable', `Trackstar is failing (${answer.status})`, {
      cause,
      retryAfter: retryAfterSeconds(answer),
    })
  }
  return problem('upstream_invalid_response', `Trackstar gave an answer of an unexpected kind (${answer.status})`, {
    cause,
  })
}

/** A success whose body is not what it should be: where in it, and why. The route is for the log alone. */
export function invalidResponse(route: string, fault: { path: string; message: string }): Problem {
  return problem('upstream_invalid_response', `In Trackstar's answer ${fault.path || 'the body'} ${fault.message}`, {
    cause: new Error(`a malformed answer of ${route}`),
  })
}

/** Upstream's own words about a refusal, cut to a sane length, and whose they are. */
export function saidBy({ body }: UpstreamAnswer): { error: string | undefined; origin: 'trackstar' | 'integration' } {
  const fields: { error?: unknown; origin?: unknown } = typeof body === 'object' && body !== null ? body : {}
  return {
    error: typeof fields.error === 'string' && fields.error !== '' ? fields.error.slice(0, maxDetail) : undefined,
    origin: fields.origin === 'integration' ? 'integration' : 'trackstar',
  }
}

/** How long a 429 that says nothing of it pauses: the span that upstream counts in. */
const unsaidMs = 1000
/** The longest that a `retry-after` is believed. */
const maxPauseMs = 60_000

/**
 * How long upstream asks everybody to wait. `retry-after` counts on a 429 and a 503 only, since upstream sends it with
 * every answer; a 429 without it is a second. `x-ratelimit-remaining: 0` counts on any other, until the reset by
 * upstream's own `Date`, a second at most, unless it is no news: the reset is in whole seconds, and waiting for it would
 * cost a third of the rate.
 * @param wallMs the time here, for a `Date` that is not sent
 * @param isExpected whether the budget here knew that nothing remained
 */
export function pauseMs(answer: UpstreamAnswer, wallMs: number, isExpected: boolean): number {
  const asked = askedMs(answer, wallMs) ?? (answer.status === 429 ? unsaidMs : undefined)
  if (asked !== undefined) return asked
  if (isExpected || header(answer, 'x-ratelimit-remaining') !== '0') return 0
  const reset = Number(header(answer, 'x-ratelimit-reset')) * 1000
  const wait = reset - (sentAt(answer) ?? wallMs)
  return Number.isFinite(wait) ? Math.min(1000, Math.max(0, wait)) : 0
}

/** What a caller is told: without a word from upstream, a second. */
const retryAfterSeconds = (answer: UpstreamAnswer): number =>
  Math.max(1, Math.ceil((askedMs(answer, Number.NaN) ?? 1000) / 1000))

/** `Retry-After` in ms, from seconds or a date (RFC 9110, 10.2.3); upstream's older spelling counts as well. */
function askedMs(answer: UpstreamAnswer, wallMs: number): number | undefined {
  if (answer.status !== 429 && answer.status !== 503) return undefined
  const value = header(answer, 'retry-after') ?? header(answer, 'x-rate-limit-retry-after')
  if (value === undefined) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - (sentAt(answer) ?? wallMs)
  return Number.isNaN(ms) ? undefined : Math.min(maxPauseMs, Math.max(0, ms))
}

/** Upstream's own time, epoch ms, so that its clock and ours need not agree; undefined where it does not say. */
export function sentAt(answer: UpstreamAnswer): number | undefined {
  const date = Date.parse(header(answer, 'date') ?? '')
  return Number.isNaN(date) ? undefined : date
}

function header(answer: UpstreamAnswer, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}
