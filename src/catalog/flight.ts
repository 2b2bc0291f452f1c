import type { Span } from '@opentelemetry/api'
import type { Priority } from '../trackstar/budget.js'
import { FairQueue } from '../trackstar/turn-queue.js'
import { callerSpan, type SharedSpan } from './shared-span.js'

/** Who wants a key, and until when (`elapsed` ms) it is of use to him. */
export interface LoadRequest {
  readonly priority: Priority
  readonly caller: string
  readonly deadline: number
  /** Takes in the call that carries the key, for who wants to know how many there were. */
  readonly calls?: Set<object>
}

/** One key on its way, whoever asked for it. */
export class PendingLoad<V> {
  readonly promise: Promise<V>
  resolve!: (value: V) => void
  reject!: (error: unknown) => void
  caller: string
  priority: Priority
  deadline: number
  /** The spans of all who asked for it. */
  readonly askers: Span[] = []
  /** Who wants to know the call that carries it. */
  readonly #riders: Set<object>[] = []
  #call: SharedSpan | undefined

  constructor(
    readonly key: string,
    demand: LoadRequest,
  ) {
    this.promise = new Promise<V>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.caller = demand.caller
    this.priority = demand.priority
    this.deadline = demand.deadline
    this.join(demand)
  }

  /** The call that carries it; undefined while it waits for one. */
  get call(): SharedSpan | undefined {
    return this.#call
  }

  /** Takes in who asks right now. A flight is of use as long as to any of its askers. */
  join({ deadline, calls }: LoadRequest): void {
    this.deadline = Math.max(this.deadline, deadline)
    const asker = callerSpan()
    if (asker) this.askers.push(asker)
    this.#call?.join(asker)
    if (this.#call) calls?.add(this.#call)
    else if (calls) this.#riders.push(calls)
  }

  takeOff(call: SharedSpan): void {
    this.#call = call
    for (const calls of this.#riders) calls.add(call)
  }
}

/** What waits at one priority. */
export class LoadQueue<V> {
  readonly queue = new FairQueue<PendingLoad<V>>()
  /** Permits bid for and not yet come. */
  bids = 0
  /** Part-filled batches upstream has not answered yet. */
  partial = 0
  /** No key that waits here is of use after this. */
  latestDeadline = Number.NEGATIVE_INFINITY
}
