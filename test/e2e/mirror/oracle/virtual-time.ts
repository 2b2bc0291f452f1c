import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import type { Clock } from '../../../../src/trackstar/clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** How many turns of the event loop pass before time advances. */
const turns = 4

/**
 * A clock that replaces every timeout of the process: `setTimeout`, that of `node:timers/promises`, and
 * `AbortSignal.timeout`. Hours pass in milliseconds, and the same steps lead to the same order of events. Intervals
 * never fire: they send heartbeats and measure the load of the process, which would differ from run to run.
 */
export class VirtualTime implements Clock {
  /** Well above 0, which lru-cache takes for "not set". */
  #ms = Date.UTC(2026, 10, 28, 10)
  #wallAheadMs = 0
  #order = 0
  readonly #timers = new Map<object, Timer>()
  readonly #restore: () => void

  constructor() {
    const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout, setInterval: realSetInterval } = globalThis
    const realSleep = timersPromises.setTimeout
    const realTimeout = AbortSignal.timeout
    this.#restore = () => {
      globalThis.setTimeout = realSetTimeout
      globalThis.clearTimeout = realClearTimeout
      globalThis.setInterval = realSetInterval
      AbortSignal.timeout = realTimeout
      timersPromises.setTimeout = realSleep
      syncBuiltinESMExports()
    }
    globalThis.setTimeout = ((run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      this.set(() => run(...args), ms)) as unknown as typeof setTimeout
    globalThis.clearTimeout = ((id: object | undefined) => {
      if (id === undefined || !this.#timers.delete(id)) realClearTimeout(id as NodeJS.Timeout)
    }) as typeof clearTimeout
    globalThis.setInterval = (() => handle()) as unknown as typeof setInterval
    timersPromises.setTimeout = ((ms?: number, value?: unknown, options?: { signal?: AbortSignal }) =>
      this.#sleep(ms ?? 0, value, options?.signal)) as typeof timersPromises.setTimeout
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController()
      this.set(() => controller.abort(new DOMException('The operation timed out', 'TimeoutError')), ms)
      return controller.signal
    }
    syncBuiltinESMExports()
  }

  /** Restores the timers of the process. */
  restore(): void {
    this.#restore()
  }

  readonly now = (): number => this.#ms + this.#wallAheadMs
  readonly elapsed = (): number => this.#ms

  /** How far the wall clock is ahead of the elapsed time. */
  get wallAheadMs(): number {
    return this.#wallAheadMs
  }

  /** Sets the wall clock ahead, or back by a negative number; no time passes. */
  setWallAhead(ms: number): void {
    this.#wallAheadMs = ms
  }

  /** Runs `run` after `ms`. */
  set(run: () => void, ms: number): object {
    const id = handle()
    // Timers of the same moment run in the order in which they were set, as in Node.
    this.#timers.set(id, { at: this.#ms + Math.max(1, ms), order: this.#order++, run })
    return id
  }

  /** Advances time by `ms`, and runs each timer at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.#ms + ms
    await this.#settle()
    for (let next = this.#next(); next !== undefined && next.timer.at <= end; next = this.#next()) {
      this.#timers.delete(next.id)
      this.#ms = Math.max(this.#ms, next.timer.at)
      next.timer.run()
      await this.#settle()
    }
    this.#ms = Math.max(this.#ms, end)
  }

  /** Advances time until `work` is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false }
    const done = work.finally(() => {
      state.isDone = true
    })
    done.catch(() => {})
    for (const end = this.#ms + 3600_000; !state.isDone && this.#ms < end; ) {
      await this.#settle()
      const next = this.#next()
      if (!state.isDone) await this.pass(next === undefined ? 1 : Math.max(0, next.timer.at - this.#ms))
    }
    if (!state.isDone) throw new Error('the work is not done after an hour')
    return work
  }

  #next(): { id: object; timer: Timer } | undefined {
    let first: { id: object; timer: Timer } | undefined
    for (const [id, timer] of this.#timers) {
      const isEarlier =
        first === undefined ||
        timer.at < first.timer.at ||
        (timer.at === first.timer.at && timer.order < first.timer.order)
      if (isEarlier) first = { id, timer }
    }
    return first
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  #sleep(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#timers.delete(id)
        reject(signal?.reason)
      }
      const id = this.set(() => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      }, ms)
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

/** The methods that code calls on the handle of a timer. */
function handle(): object {
  const id = { ref: () => id, unref: () => id, hasRef: () => false, [Symbol.toPrimitive]: () => 0 }
  return id
}
