import { problem } from '../errors.js'
import type { Clock } from './clock.js'
import type { RateLimiter } from './rate-limiter.js'

export type CircuitState = 'closed' | 'open' | 'half-open'

/** What a call shows about upstream: it responds (an error response counts), it fails, or the call was not made. */
export type UpstreamHealth = 'responding' | 'failing' | 'unknown'

/** Consecutive failures that open the breaker. */
export const failuresToOpen = 5
/** How long the breaker stays open before one trial call is made. */
export const openMs = 2000

/**
 * Stops calls to an upstream that fails, and lets one trial call through from time to time.
 *
 * Not a library: the current majors of cockatiel and opossum need Node 22, and neither can be told that a call refused
 * by the rate limiter says nothing about upstream, so a refused trial would close the circuit.
 */
export class CircuitBreaker {
  #failures = 0
  #openUntil = Number.NEGATIVE_INFINITY
  #hasTrial = false

  constructor(
    private readonly clock: Pick<Clock, 'elapsed'>,
    private readonly onChange: (state: CircuitState) => void = () => {},
  ) {}

  get state(): CircuitState {
    if (this.#failures < failuresToOpen) return 'closed'
    return this.#hasTrial || this.clock.elapsed() >= this.#openUntil ? 'half-open' : 'open'
  }

  /** Whether one more failure opens the breaker, or keeps it open. */
  get isAtLimit(): boolean {
    return this.#failures >= failuresToOpen - 1
  }

  /** Throws `upstream_unavailable`, with `Retry-After`, while no call may be made. */
  check(): void {
    if (this.state === 'closed' || (this.state === 'half-open' && !this.#hasTrial)) return
    const waitMs = Math.max(0, this.#openUntil - this.clock.elapsed())
    throw problem('upstream_unavailable', 'Trackstar failed repeatedly; calls are suspended for a moment', {
      retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
    })
  }

  /**
   * Starts a call; while half-open, the call is the trial. Throws like {@link check}. Call the result once, with what the
   * call showed. A call that was started before the state changed counts as well.
   */
  begin(): (health: UpstreamHealth) => void {
    this.check()
    const isTrial = this.state === 'half-open'
    if (isTrial) this.#hasTrial = true
    return (health) => {
      if (isTrial) this.#hasTrial = false
      const wasOpen = this.#failures >= failuresToOpen
      if (health === 'responding') this.#failures = 0
      if (health === 'failing') {
        this.#failures++
        if (isTrial || this.#failures === failuresToOpen) this.#openUntil = this.clock.elapsed() + openMs
      }
      const isOpen = this.#failures >= failuresToOpen
      if (wasOpen !== isOpen) this.onChange(isOpen ? 'open' : 'closed')
    }
  }
}

/**
 * A rate limiter that gives no permits while `breaker` is open: a request fails at once instead of waiting for a permit
 * that it cannot use.
 */
export function guardWithBreaker(limiter: RateLimiter, breaker: CircuitBreaker): RateLimiter {
  return {
    async acquire(request) {
      breaker.check()
      const permit = await limiter.acquire(request)
      try {
        breaker.check()
      } catch (error) {
        permit.release()
        throw error
      }
      return permit
    },
    estimateAt: (priority, caller, extra) => limiter.estimateAt(priority, caller, extra),
    pauseUntil: (time) => limiter.pauseUntil(time),
    onPause: (listener) => limiter.onPause(listener),
    get state() {
      return limiter.state
    },
  }
}
