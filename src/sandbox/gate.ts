import type { SandboxCall } from './call-log.js'
import { RateWindow } from './rate-window.js'
import { ApiError } from './refusal.js'

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
  readonly refusal: ApiError | undefined
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
      return { refusal: new ApiError(401, 'Invalid API key'), headers: new RateWindow().headers(limit, at) }
    }
    if (needsToken && headers['x-trackstar-access-token'] !== accessToken) {
      return { refusal: new ApiError(401, 'Invalid access token'), headers: new RateWindow().headers(limit, at) }
    }
    const window = this.#window(`${needsToken ? 'token' : 'key'} ${reads ? 'reads' : 'writes'}`)
    const refusal = window.admit(limit, at) ? undefined : new ApiError(429, 'Rate limit exceeded')
    return { refusal, headers: window.headers(limit, at) }
  }

  #window(name: string): RateWindow {
    const window = this.#windows.get(name) ?? new RateWindow()
    this.#windows.set(name, window)
    return window
  }
}
