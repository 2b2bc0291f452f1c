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
