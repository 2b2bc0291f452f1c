import type { Priority } from '../trackstar/budget.js'
import { TurnQueue } from '../trackstar/turn-queue.js'

/** Who wants a key, and until when (`elapsed` ms) it is of use to him. */
export interface Demand {
  readonly priority: Priority
  readonly caller: string
  readonly deadline: number
  /** Takes in the call that carries the key, for who wants to know how many there were. */
  readonly calls?: Set<object>
}

/** One key on its way, whoever asked for it. */
export interface Flight<V> {
  readonly key: string
  readonly promise: Promise<V>
  readonly resolve: (value: V) => void
  readonly reject: (error: unknown) => void
  caller: string
  priority: Priority
  deadline: number
  /** The call that carries it; undefined while it waits for one. */
  call: object | undefined
  /** Who wants to know that call. */
  readonly riders: Set<object>[]
}

/** What waits at one priority. */
export class Lane<V> {
  readonly queue = new TurnQueue<Flight<V>>()
  /** Permits bid for and not yet come. */
  bids = 0
  /** Part-filled batches upstream has not answered yet. */
  partial = 0
  /** No key that waits here is of use after this. */
  latestDeadline = Number.NEGATIVE_INFINITY
}

/** A promise and what settles it. */
export function withResolvers<V>(): Pick<Flight<V>, 'promise' | 'resolve' | 'reject'> {
  let resolve!: (value: V) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<V>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
