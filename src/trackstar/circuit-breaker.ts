import { problem } from '../errors.js'
import type { Clock } from './clock.js'

export type CircuitState = 'closed' | 'open' | 'half-open'

/** What the last call said of upstream: it answers (even if with a refusal), it fails, or the call never got there. */
export type CallVerdict = 'answers' | 'fails' | 'unknown'

/** Consecutive failures after which upstream is left alone. */
export const failuresToOpen = 5
/** How long it is left alone before one call tries again. */
export const openMs = 2000

/**
 * Stops asking an upstream that fails, and tries one call now and then.
 *
 * Not a library: the current majors of cockatiel and opossum need Node 22, and neither can be told that a call which
 * the budget refused says nothing about upstream, so that a refused trial would close the circuit.
 */
export class CircuitBreaker {
  #failures = 0
  #openUntil = Number.NEGATIVE_INFINITY
  #trying = false

  constructor(
    private readonly clock: Pick<Clock, 'elapsed'>,
    private readonly onChange: (state: CircuitState) => void = () => {},
  ) {}

  get state(): CircuitState {
    if (this.#failures < failuresToOpen) return 'closed'
    return this.#trying || this.clock.elapsed() >= this.#openUntil ? 'half-open' : 'open'
  }

  /** Throws `upstream_unavailable`, with when to come back, while nothing may be asked. */
  check(): void {
    if (this.state === 'closed' || (this.state === 'half-open' && !this.#trying)) return
    const waitMs = Math.max(0, this.#openUntil - this.clock.elapsed())
    throw problem('upstream_unavailable', 'Trackstar has failed repeatedly and is being left alone for a moment', {
      retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
    })
  }

  /**
   * Starts a call: {@link check}, and while half-open the call is the one trial. The result is to be called once, with
   * what came of it; what a call begun earlier says of a circuit that has since changed counts all the same.
   */
  begin(): (verdict: CallVerdict) => void {
    this.check()
    const isTrial = this.state === 'half-open'
    if (isTrial) this.#trying = true
    return (verdict) => {
      if (isTrial) this.#trying = false
      const before = this.#failures
      if (verdict === 'answers') this.#failures = 0
      if (verdict === 'fails') {
        this.#failures++
        if (isTrial || this.#failures === failuresToOpen) this.#openUntil = this.clock.elapsed() + openMs
      }
      const wasOpen = before >= failuresToOpen
      const isOpen = this.#failures >= failuresToOpen
      if (wasOpen !== isOpen) this.onChange(isOpen ? 'open' : 'closed')
    }
  }
}
