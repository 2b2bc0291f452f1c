import type { Timer } from '../../src/sandbox/sandbox.js'

interface PendingCall {
  readonly at: number
  readonly callback: () => void
}

/** A clock and a timer that a test advances. */
export class ManualTimer {
  #elapsed = 0
  #start = Date.UTC(2026, 0, 1)
  readonly #pending = new Set<PendingCall>()
  readonly now = () => this.#start + this.#elapsed

  readonly timer: Timer = (ms, callback) => {
    const call = { at: this.#elapsed + ms, callback }
    this.#pending.add(call)
    return () => this.#pending.delete(call)
  }

  /** Number of callbacks that are not due yet. */
  get pending(): number {
    return this.#pending.size
  }

  /** Advances clock and timer, and calls back in order what is due. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#elapsed = next.at
      this.#pending.delete(next)
      next.callback()
    }
    this.#elapsed = end
  }

  /** Sets the clock, as an operator may; the timer is not affected. */
  jump(ms: number): void {
    this.#start += ms
  }

  #next(end: number): PendingCall | undefined {
    return Array.from(this.#pending)
      .filter(({ at }) => at <= end)
      .toSorted((a, b) => a.at - b.at)[0]
  }
}
