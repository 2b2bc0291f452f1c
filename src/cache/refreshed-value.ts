import type { CallOptions } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import type { Priority } from '../trackstar/rate-limiter.js'
import { activeSpan, SharedSpan } from './shared-span.js'

export interface RefreshedValueOptions<T> {
  /** Names the value in spans, permit requests and `onFailure`. */
  readonly name: string
  /** Reads the value from upstream, and says in how many ms it is due to be read again. */
  readonly read: (options: CallOptions) => Promise<{ readonly value: T; readonly ttlMs: number }>
  /** The longest time until a read is repeated after failures. The first is repeated after five seconds. */
  readonly retryMs: number
  /** Limit of one read. */
  readonly timeoutMs: number
  readonly clock: Pick<Clock, 'elapsed'>
  readonly onFailure: (name: string, error: unknown) => void
}

/** When a read is repeated after one failure, in ms; twice as long after each further one in a row. */
const firstRetryMs = 5000

/** The priorities of reads; `refresh` if no request waits for it. */
export type ReadPriority = Exclude<Priority, 'mirror' | 'list'>

/**
 * A single value that is kept, however old, and read again in the background when it is due. There is one read at a time,
 * and a failed read keeps the value.
 */
export class RefreshedValue<T> {
  #value: T | undefined
  #error: Error | undefined
  #dueAt = Number.NEGATIVE_INFINITY
  #pending: { readonly done: Promise<void>; readonly span: SharedSpan } | undefined
  #failures = 0
  /** Whether the value changed upstream after the pending read began. */
  #isOutdated = false

  constructor(private readonly options: RefreshedValueOptions<T>) {}

  /** The latest value; undefined until a read succeeds. */
  get value(): T | undefined {
    return this.#value
  }

  /** Why the latest failed read failed; undefined until one does. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Whether the value should be read, and no read is pending. */
  get isDue(): boolean {
    return this.#pending === undefined && this.options.clock.elapsed() >= this.#dueAt
  }

  /** Replaces the value with what is known from another source. A pending read may not show it, so it is repeated. */
  set(value: T): void {
    this.#value = value
    if (this.#pending !== undefined) this.#isOutdated = true
  }

  /** Reads the value, or joins the pending read. Never rejects: see `value` and `error` for the result. */
  read(priority: ReadPriority = 'refresh'): Promise<void> {
    const requester = activeSpan()
    if (this.#pending === undefined) {
      const span = new SharedSpan(`trackstar ${this.options.name}`, requester ? [requester] : [])
      this.#pending = { done: this.#read(priority, span), span }
    } else this.#pending.span.join(requester)
    return this.#pending.done
  }

  /** Reads the value again because it changed upstream: now, or once more after a pending read. */
  invalidate(): void {
    if (this.#pending !== undefined) this.#isOutdated = true
    else void this.read()
  }

  async #read(priority: ReadPriority, span: SharedSpan): Promise<void> {
    const { name, read, retryMs, timeoutMs, clock, onFailure } = this.options
    const deadline = clock.elapsed() + timeoutMs
    const permitRequest = { priority, caller: name, deadline: () => deadline }
    let dueMs: number
    try {
      const { value, ttlMs } = await read({ permitRequest, cause: causes[priority], runInSpan: span.run })
      span.end()
      this.#value = value
      this.#failures = 0
      dueMs = ttlMs
    } catch (error) {
      span.end(error)
      this.#error = error as Error
      dueMs = Math.min(retryMs, firstRetryMs * 2 ** this.#failures++)
      onFailure(name, error)
    }
    this.#dueAt = clock.elapsed() + dueMs
    this.#pending = undefined
    if (!this.#isOutdated) return
    this.#isOutdated = false
    void this.read()
  }
}

const causes = { caller: 'miss', refresh: 'refresh', forced: 'forced' } as const satisfies Record<ReadPriority, string>
