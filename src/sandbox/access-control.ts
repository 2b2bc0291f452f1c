import { ApiError } from './api-error.js'
import type { SandboxCall } from './call-log.js'

/** What a caller has to show. */
export interface Credentials {
  readonly apiKey: string
  readonly accessToken: string
}

/** Calls in any one-second span; 0 is no limit. */
export interface Rates {
  readonly readRate: number
  readonly writeRate: number
}

/** Whether a call may go on (no refusal), and the rate headers of its answer either way. */
export interface Admission {
  readonly error: ApiError | undefined
  readonly headers: Record<string, string>
}

/**
 * Upstream's door: credentials first (401), then the rate (429). Reads and writes are counted apart, for each token;
 * a management path has no token and counts for the API key. A call with bad credentials counts for nobody.
 */
export class AccessControl {
  readonly #credentials: Credentials
  readonly #rates: Rates
  readonly #windows = new Map<string, RateWindow>()

  constructor(credentials: Credentials, rates: Rates) {
    this.#credentials = credentials
    this.#rates = rates
  }

  admit({ method, headers, at }: SandboxCall, needsToken: boolean): Admission {
    const reads = method === 'GET'
    const limit = reads ? this.#rates.readRate : this.#rates.writeRate
    const { apiKey, accessToken } = this.#credentials
    if (headers['x-trackstar-api-key'] !== apiKey) {
      return { error: new ApiError(401, 'Invalid API key'), headers: new RateWindow().headers(limit, at) }
    }
    if (needsToken && headers['x-trackstar-access-token'] !== accessToken) {
      return { error: new ApiError(401, 'Invalid access token'), headers: new RateWindow().headers(limit, at) }
    }
    const window = this.#window(`${needsToken ? 'token' : 'key'} ${reads ? 'reads' : 'writes'}`)
    const refusal = window.admit(limit, at) ? undefined : new ApiError(429, 'Rate limit exceeded')
    return { error: refusal, headers: window.headers(limit, at) }
  }

  #window(name: string): RateWindow {
    const window = this.#windows.get(name) ?? new RateWindow()
    this.#windows.set(name, window)
    return window
  }
}

const spanMs = 1000

/**
 * Counts the calls in every one-second span, as upstream does: of the calls let through, no second that begins at any
 * moment holds more than the limit. A refused call is not counted, so one who keeps knocking is let in as soon as the
 * oldest counted call is a second old.
 */
export class RateWindow {
  #times: number[] = []

  /** Lets a call through and counts it, or refuses it. A limit of 0 is none: nothing is refused or counted. */
  admit(limit: number, at: number): boolean {
    if (limit === 0) return true
    this.#forget(at)
    if (this.#times.length >= limit) return false
    this.#times.push(at)
    return true
  }

  /** The headers that go with an answer given `at`; none where there is no limit. */
  headers(limit: number, at: number): Record<string, string> {
    if (limit === 0) return {}
    this.#forget(at)
    const free = (this.#times[0] ?? at - spanMs) + spanMs
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - this.#times.length)),
      'x-ratelimit-reset': String(Math.ceil(free / 1000)),
      // Whole seconds and a window of one: however much of it is left, rounded up it is 1.
      'retry-after': '1',
    }
  }

  #forget(at: number): void {
    const kept = this.#times.findIndex((time) => time > at - spanMs)
    this.#times = kept === -1 ? [] : this.#times.slice(kept)
  }
}
