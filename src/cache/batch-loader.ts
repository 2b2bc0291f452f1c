import type { Span } from '@opentelemetry/api'
import { isProblem, type Problem } from '../errors.js'
import type { Within } from '../trackstar/call.js'
import type { CallOptions, PullKeys } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { FairQueue } from '../trackstar/fair-queue.js'
import { KeyList, maxListValues } from '../trackstar/query.js'
import { overloaded, type Priority, priorities, type RateLimiter } from '../trackstar/rate-limiter.js'
import { callerSpan, SharedSpan, withoutTraceContext } from './shared-span.js'

/** Asks upstream for the keys that `pull` gives once there is a permit; undefined: there were none. */
export type Ask<V> = (pull: PullKeys, errand: CallOptions) => Promise<Answers<V>>
type Answers<V> = ReadonlyMap<string, V | Problem> | undefined

/**
 * Collects keys and asks upstream for them by the hundred, each key at most once at a time.
 *
 * A permit pulls a batch: keys are chosen when the permit comes, not when they are asked for. Upstream counts calls and
 * not records, so while a permit is awaited everything that turns up rides along for nothing, and what is most urgent
 * *then* goes first: a caller's key before a refresh, and callers in turns. (dataloader fixes a batch's keys as they
 * arrive; one caller's thousand would stand before another's one.) A full batch goes with the next permit. A part-filled
 * one goes only while none of its lane is in flight, as Nagle's algorithm holds back a small segment until the last is
 * acknowledged (RFC 896): idle, that delays nothing, and under load it stops small batches from using up the permits.
 */
export class BatchLoader<V> {
  readonly #flights = new Map<string, PendingLoad<V>>()
  readonly #lanes: Readonly<Record<Priority, LoadQueue<V>>> = {
    caller: new LoadQueue(),
    refresh: new LoadQueue(),
    forced: new LoadQueue(),
    mirror: new LoadQueue(),
  }

  /** @param name what the loader is called in the budget's turns */
  constructor(
    private readonly name: string,
    private readonly ask: Ask<V>,
    private readonly budget: RateLimiter,
    private readonly clock: Pick<Clock, 'elapsed'>,
  ) {
    budget.onPause(() => this.#sweep())
  }

  /** Keys that wait for a permit. */
  get waiting(): number {
    return priorities.reduce((sum, priority) => sum + this.#lanes[priority].queue.size, 0)
  }

  /** Loads `key`, sharing the flight of whoever asked before. Refused at once where it cannot be asked in time. */
  load(key: string, demand: LoadRequest): Promise<V> {
    const flight = this.#flights.get(key)
    if (flight !== undefined) {
      this.#join(flight, demand)
      return flight.promise
    }
    const lane = this.#lanes[demand.priority]
    const batchesAhead = Math.floor(lane.queue.ahead(demand.caller) / maxListValues)
    const at = this.budget.estimateAt(demand.priority, this.name, batchesAhead - lane.bids)
    if (at > demand.deadline) return Promise.reject(overloaded(at - this.clock.elapsed()))
    const newFlight = new PendingLoad<V>(key, demand)
    this.#enqueue(newFlight)
    return newFlight.promise
  }

  /** A flight is as urgent as to the most urgent of its askers. */
  #join(flight: PendingLoad<V>, demand: LoadRequest): void {
    flight.join(demand)
    this.#extend(flight)
    if (flight.call || priorities.indexOf(demand.priority) >= priorities.indexOf(flight.priority)) return
    this.#lanes[flight.priority].queue.remove((other) => other === flight)
    flight.priority = demand.priority
    flight.caller = demand.caller
    this.#enqueue(flight)
  }

  #enqueue(flight: PendingLoad<V>): void {
    const lane = this.#lanes[flight.priority]
    this.#flights.set(flight.key, flight)
    lane.queue.push(flight.caller, flight)
    this.#extend(flight)
    // Everything that arrives in this turn of the event loop goes into one bid.
    if (lane.queue.size === 1) setImmediate(() => this.#bid(flight.priority))
    else if (lane.queue.size % maxListValues === 0) this.#bid(flight.priority)
  }

  /** Keeps a lane's bids in the race for as long as one of its keys is of use. */
  #extend({ priority, deadline }: PendingLoad<V>): void {
    const lane = this.#lanes[priority]
    lane.latestDeadline = Math.max(lane.latestDeadline, deadline)
  }

  /** Sees to it that every batch which may go has bid for a permit. */
  #bid(priority: Priority): void {
    const { queue, bids, partial } = this.#lanes[priority]
    const full = Math.floor(queue.size / maxListValues)
    const rest = queue.size % maxListValues > 0 && partial === 0 ? 1 : 0
    for (let more = full + rest - bids; more > 0; more--) void withoutTraceContext(() => this.#run(priority))
  }

  /** One batch, from its bid to its answer. */
  async #run(priority: Priority): Promise<void> {
    const lane = this.#lanes[priority]
    lane.bids++
    let batch: PendingLoad<V>[] | undefined
    let call: SharedSpan | undefined
    let isPartial = false
    let isLeftToOthers = false
    const pull = () => {
      lane.bids--
      const pulled = this.#pull(priority)
      batch = pulled.batch
      call = batch[0]?.call
      isPartial = pulled.isPartial
      if (isPartial) lane.partial++
      this.#bid(priority)
      return batch.map((flight) => flight.key)
    }
    const deadline = () => (batch ? latest(batch) : lane.latestDeadline)
    try {
      const errand = this.#errand(priority, deadline, (work) => (call ? call.within(work) : work()))
      const answers = await this.ask(pull, errand)
      this.#settle(batch ?? [], answers)
      call?.end()
    } catch (error) {
      call?.end(error)
      if (batch !== undefined) {
        this.#refused(batch, priority, error)
        return
      }
      lane.bids--
      // One bid too many says nothing of the keys that earlier bids will carry; each of those bids for the rest again.
      isLeftToOthers = lane.bids > 0 && isProblem(error, 'overloaded')
      if (isLeftToOthers) return
      for (const flight of lane.queue.remove(() => true)) this.#fail(flight, error)
    } finally {
      if (isPartial) lane.partial--
      if (!isLeftToOthers) this.#bid(priority)
    }
  }

  #errand(priority: Priority, deadline: () => number, within: Within): CallOptions {
    return { permitRequest: { priority, caller: this.name, deadline }, cause: causes[priority], within }
  }

  /** All of `batch` go with one call. */
  #takeOff(batch: readonly PendingLoad<V>[], priority: Priority): SharedSpan {
    const call = new SharedSpan(
      `trackstar batch ${this.name}`,
      batch.flatMap((flight) => flight.askers),
      {
        'trackstar.keys': batch.length,
        'trackstar.cause': causes[priority],
      },
    )
    for (const flight of batch) flight.takeOff(call)
    return call
  }

  #settle(batch: readonly PendingLoad<V>[], answers: Answers<V>): void {
    for (const flight of batch) {
      const answer = answers?.get(flight.key)
      if (answer === undefined || isProblem(answer)) this.#fail(flight, answer ?? unanswered(flight.key))
      else this.#land(flight, answer)
    }
  }

  /**
   * What upstream refuses as a whole may be one key's fault, and that key somebody else's: each half is asked for by
   * itself, down to the key, whose refusal it is.
   */
  #refused(batch: readonly PendingLoad<V>[], priority: Priority, error: unknown): void {
    if (batch.length === 1 || !isProblem(error, 'upstream_rejected')) {
      for (const flight of batch) this.#fail(flight, error)
      return
    }
    const middle = Math.ceil(batch.length / 2)
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) void this.#askAgain(half, priority)
  }

  async #askAgain(batch: readonly PendingLoad<V>[], priority: Priority): Promise<void> {
    const keys = batch.map((flight) => flight.key)
    const call = this.#takeOff(batch, priority)
    const errand = this.#errand(priority, () => latest(batch), call.within)
    try {
      this.#settle(batch, await this.ask(() => keys, errand))
      call.end()
    } catch (error) {
      call.end(error)
      this.#refused(batch, priority, error)
    }
  }

  /** Chooses a batch: this lane's keys in turns and, where there is room, those of less urgent lanes. */
  #pull(priority: Priority): { batch: PendingLoad<V>[]; isPartial: boolean } {
    const list = new KeyList()
    const batch: PendingLoad<V>[] = []
    const lane = this.#lanes[priority]
    const now = this.clock.elapsed()
    for (const flight of lane.queue.remove(({ deadline }) => deadline < now)) this.#fail(flight, overloaded(0))
    if (lane.queue.size < maxListValues && lane.partial > 0) return { batch, isPartial: false }
    for (const other of priorities.slice(priorities.indexOf(priority))) {
      const { queue } = this.#lanes[other]
      for (let flight = queue.peek(); flight && list.add(flight.key); flight = queue.peek()) {
        queue.shift()
        batch.push(flight)
      }
    }
    if (batch.length > 0) this.#takeOff(batch, priority)
    return { batch, isPartial: batch.length > 0 && !list.isFull }
  }

  #land(flight: PendingLoad<V>, answer: V): void {
    this.#flights.delete(flight.key)
    flight.resolve(answer)
  }

  #fail(flight: PendingLoad<V>, error: unknown): void {
    this.#flights.delete(flight.key)
    flight.reject(error)
  }

  /** Refuses what a pause of the budget has made too late. */
  #sweep(): void {
    for (const priority of priorities) {
      const { queue, bids } = this.#lanes[priority]
      const at = this.budget.estimateAt(priority, this.name, -bids)
      const late = queue.remove((flight) => flight.deadline < at)
      for (const flight of late) this.#fail(flight, overloaded(at - this.clock.elapsed()))
    }
  }
}

const latest = (batch: readonly { readonly deadline: number }[]) => Math.max(...batch.map((flight) => flight.deadline))

const unanswered = (key: string) => new Error(`the batch brought no answer for ${JSON.stringify(key)}`)

const causes = { caller: 'miss', refresh: 'refresh', forced: 'forced', mirror: 'refresh' } as const satisfies Record<
  Priority,
  string
>

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
