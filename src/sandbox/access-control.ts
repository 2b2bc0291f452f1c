import { ApiError } from './api-error.js'
import type { SandboxCall } from './call-log.js'

/** The credentials that calls must carry. */
export interface Credentials {
  readonly apiKey: string
  readonly accessToken: string
}

/** Calls in any one-second span; 0 means no limit. */
export interface Rates {
  readonly readRate: number
  readonly writeRate: number
}

/** Whether a call is admitted (without `error`), and the rate limit headers of its response in either case. */
export interface Admission {
  readonly error: ApiError | undefined
  readonly headers: Record<string, string>
}

/**
 * Checks credentials (401), then the rate limit (429), in upstream's order. Reads and writes have separate limits for
 * each token. Management paths take no token and count for the API key. A call with bad credentials is not counted.
 */
export class AccessControl {
  readonly #credentials: Credentials
  readonly #rates: Rates
  readonly #windows = new Map<string, RateWindow>()

  /** Reads `rates` at each call, so they may change. */
  constructor(credentials: Credentials, rates: Rates) {
    this.#credentials = credentials
    this.#rates = rates
  }

  admit({ method, headers, at }: SandboxCall, needsToken: boolean): Admission {
    const isRead = method === 'GET'
    const limit = isRead ? this.#rates.readRate : this.#rates.writeRate
    const { apiKey, accessToken } = this.#credentials
    if (headers['x-trackstar-api-key'] !== apiKey) {
      return { error: new ApiError(401, 'Invalid API key'), headers: new RateWindow().headers(limit, at) }
    }
    if (needsToken && headers['x-trackstar-access-token'] !== accessToken) {
      return { error: new ApiError(401, 'Invalid access token'), headers: new RateWindow().headers(limit, at) }
    }
    const window = this.#window(`${needsToken ? 'token' : 'key'} ${isRead ? 'reads' : 'writes'}`)
    const error = window.admit(limit, at) ? undefined : new ApiError(429, 'Rate limit exceeded')
    return { error, headers: window.headers(limit, at) }
  }

  #window(name: string): RateWindow {
    const window = this.#windows.get(name) ?? new RateWindow()
    this.#windows.set(name, window)
    return window
  }
}

const spanMs = 1000

/**
 * A sliding window of one second, as upstream counts: no one-second span, wherever it begins, holds more admitted calls
 * than the limit. Refused calls are not counted, so the next call is admitted once the oldest counted one is a second
 * old. Times are in ms.
 */
export class RateWindow {
  #times: number[] = []

  /** Counts a call and returns true, or returns false when the window is full. With a limit of 0, does nothing. */
  admit(limit: number, at: number): boolean {
    if (limit === 0) return true
    this.#dropOld(at)
    if (this.#times.length >= limit) return false
    this.#times.push(at)
    return true
  }

  /** The headers of a response sent `at`; none with a limit of 0. */
  headers(limit: number, at: number): Record<string, string> {
    if (limit === 0) return {}
    this.#dropOld(at)
    const resetAt = (this.#times[0] ?? at - spanMs) + spanMs
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - this.#times.length)),
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
      // In whole seconds. Whatever is left of a window of one second rounds up to 1.
      'retry-after': '1',
    }
  }

  #dropOld(at: number): void {
    const firstKept = this.#times.findIndex((time) => time > at - spanMs)
    this.#times = firstKept === -1 ? [] : this.#times.slice(firstKept)
  }
}
