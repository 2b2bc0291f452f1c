import type { Timer } from '../../src/sandbox/timer.js'

interface Waiting {
  readonly at: number
  readonly work: () => void
}

/** A clock and a timer that go on only when told to. */
export class ManualTimer {
  #elapsed = 0
  #start = Date.UTC(2026, 0, 1)
  readonly #waiting = new Set<Waiting>()
  readonly now = () => this.#start + this.#elapsed

  readonly timer: Timer = (ms, work) => {
    const waiting = { at: this.#elapsed + ms, work }
    this.#waiting.add(waiting)
    return () => this.#waiting.delete(waiting)
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Goes on, and does in order what is due on the way. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#elapsed = next.at
      this.#waiting.delete(next)
      next.work()
    }
    this.#elapsed = end
  }

  /** Puts the clock somewhere else, as somebody may who sets it; the timer knows nothing of it. */
  jump(ms: number): void {
    this.#start += ms
  }

  #next(end: number): Waiting | undefined {
    return Array.from(this.#waiting)
      .filter(({ at }) => at <= end)
      .toSorted((a, b) => a.at - b.at)[0]
  }
}
