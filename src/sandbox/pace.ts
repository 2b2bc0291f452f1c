import type { Timer } from './timer.js'

const secondMs = 1000

/** Does some work at a set number of times a second, as the clock goes: what a late timer misses is made up for. */
export class Pace {
  readonly #work: () => void
  readonly #now: () => number
  readonly #timer: Timer
  #perSecond: number
  #due = 0
  #stop: (() => void) | undefined

  constructor(perSecond: number, work: () => void, now: () => number, timer: Timer) {
    this.#perSecond = perSecond
    this.#work = work
    this.#now = now
    this.#timer = timer
  }

  /** May be changed while it runs; 0 is standing still. */
  get perSecond(): number {
    return this.#perSecond
  }

  set perSecond(perSecond: number) {
    const runs = this.#stop !== undefined
    this.stop()
    this.#perSecond = perSecond
    if (runs) this.start()
  }

  /** Begins; the first time is one interval from now. */
  start(): void {
    this.stop()
    this.#stop = () => {}
    if (this.#perSecond <= 0) return
    this.#due = this.#now() + secondMs / this.#perSecond
    this.#wait()
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #wait(): void {
    this.#stop = this.#timer(Math.max(1, this.#due - this.#now()), () => this.#tick())
  }

  #tick(): void {
    const now = this.#now()
    const interval = secondMs / this.#perSecond
    // A clock that leapt ahead is followed for a second and no more, and one that was put back is not waited for.
    this.#due = Math.min(Math.max(this.#due, now - secondMs), now + interval)
    for (; this.#due <= now; this.#due += interval) this.#work()
    this.#wait()
  }
}
