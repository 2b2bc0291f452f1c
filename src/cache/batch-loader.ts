import type { Span } from '@opentelemetry/api'
import { LRUCache } from 'lru-cache'
import { isProblem, type Problem } from '../errors.js'
import type { RunInSpan } from '../trackstar/call.js'
import type { CallOptions } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { FairQueue } from '../trackstar/fair-queue.js'
import { KeyList, maxListValues } from '../trackstar/query.js'
import { overloaded, type Permit, type Priority, priorities, type RateLimiter } from '../trackstar/rate-limiter.js'
import { blameOf } from '../trackstar/upstream-errors.js'
import { activeSpan, SharedSpan, withoutTraceContext } from './shared-span.js'

/** Reads a batch of keys with one call. The result has a value, or a problem, for each key. */
export type ReadBatch<V> = (keys: readonly string[], options: CallOptions) => Promise<ReadonlyMap<string, V | Problem>>

export interface BatchLoaderOptions<V> {
  /** Identifies the loader to the rate limiter, where loaders take turns, and in spans. */
  readonly name: string
  readonly readBatch: ReadBatch<V>
  readonly limiter: RateLimiter
  readonly clock: Pick<Clock, 'elapsed'>
  /** How long the failure of a single key is remembered, in ms. */
  readonly failureTtlMs: number
  /** Whether upstream answers other calls now, so that a failure is the fault of the keys. */
  readonly isUpstreamWell: () => Promise<boolean>
}

/** A request to load one key. */
export interface LoadRequest {
  readonly priority: Priority
  /** Callers of the same priority take turns. */
  readonly caller: string
  /** The key is of no use later than this, in the clock's `elapsed` ms. */
  readonly deadline: number
  /** Whether upstream is called even if it has failed for this key a moment ago. Default: false. */
  readonly ignoresFailure?: boolean | undefined
  /** Receives the call that carries the key, so that a request can count its upstream calls. */
  readonly calls?: Set<object>
}

/**
 * Collects keys and reads them in batches of up to a hundred. A key that is pending already is not read twice.
 *
 * A permit pulls a batch: keys are chosen when the permit arrives, not when they are requested. Upstream counts calls,
 * not records, so while a permit is awaited, every further key can join the call at no cost, and the most urgent keys *at
 * that time* go first: those of callers before refreshes, and callers in turns. (dataloader fixes a batch when its keys
 * are requested; one caller's thousand keys would go before another's one.)
 *
 * A full batch leaves with the next permit. A partial batch leaves only while no other partial batch of its priority is
 * in flight, as Nagle's algorithm holds back a small segment until the last one is acknowledged (RFC 896). When the
 * service is idle, this delays nothing; under load, it keeps small batches from using up the permits.
 *
 * One key can make a batch fail, and it may be another caller's. So unless upstream fails altogether, a failed batch is
 * split until that key is alone. Its failure is remembered, and from then on the key is read in a call of its own.
 */
export class BatchLoader<V> {
  readonly #pending = new Map<string, PendingLoad<V>>()
  readonly #queues: Readonly<Record<Priority, LoadQueue<V>>> = {
    caller: new LoadQueue(),
    refresh: new LoadQueue(),
    list: new LoadQueue(),
    forced: new LoadQueue(),
    mirror: new LoadQueue(),
  }

  readonly #failures = new LRUCache<string, KeyFailure>({ max: maxFailures })

  constructor(private readonly options: BatchLoaderOptions<V>) {
    options.limiter.onPause(() => this.#refuseLate())
  }

  /** Keys that wait for a permit. */
  get waiting(): number {
    return priorities.reduce((sum, priority) => sum + this.#queues[priority].loads.size, 0)
  }

  /**
   * Loads `key`, sharing a load that is pending already. Rejects at once with `overloaded` if upstream cannot be called
   * before the deadline, with the remembered problem if upstream has just failed for this key, and otherwise with the
   * problem of the call.
   */
  load(key: string, request: LoadRequest): Promise<V> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) {
      this.#join(pending, request)
      return pending.promise
    }
    const { name, limiter, clock } = this.options
    const failure = this.#failures.get(key)
    if (failure !== undefined && this.#isCurrent(failure, request)) return Promise.reject(failure.error)
    const queue = this.#queues[request.priority]
    const batchesAhead = Math.floor(queue.loads.ahead(request.caller) / maxListValues)
    const at = limiter.estimateAt(request.priority, name, batchesAhead - queue.permitRequests)
    if (at > request.deadline) return Promise.reject(overloaded(at - clock.elapsed()))
    const load = new PendingLoad<V>(key, request)
    if (failure?.isAlone) {
      this.#pending.set(key, load)
      void withoutTraceContext(() => this.#read([load], request.priority))
    } else this.#enqueue(load)
    return load.promise
  }

  /** Remembers that upstream fails for `key`, so that not every request for it makes a call. */
  rememberFailure(key: string, error: Problem, isAlone = false): void {
    this.#failures.set(key, { error, at: this.options.clock.elapsed(), isAlone })
  }

  #isCurrent({ at }: KeyFailure, { ignoresFailure }: LoadRequest): boolean {
    const age = this.options.clock.elapsed() - at
    return age < (ignoresFailure ? Math.min(newEnoughMs, this.options.failureTtlMs) : this.options.failureTtlMs)
  }

  /** A load has the highest priority of all its requests. */
  #join(load: PendingLoad<V>, request: LoadRequest): void {
    load.join(request)
    this.#extendDeadline(load)
    if (load.isStarted || priorities.indexOf(request.priority) >= priorities.indexOf(load.priority)) return
    this.#queues[load.priority].loads.remove((other) => other === load)
    load.priority = request.priority
    load.caller = request.caller
    this.#enqueue(load)
  }

  #enqueue(load: PendingLoad<V>): void {
    const { loads } = this.#queues[load.priority]
    this.#pending.set(load.key, load)
    loads.push(load.caller, load)
    this.#extendDeadline(load)
    // All keys that are requested in this turn of the event loop share one permit request.
    if (loads.size === 1) setImmediate(() => this.#requestPermits(load.priority))
    else if (loads.size % maxListValues === 0) this.#requestPermits(load.priority)
  }

  /** Keeps the permit requests of a queue alive for as long as one of its keys is of use. */
  #extendDeadline({ priority, deadline }: PendingLoad<V>): void {
    const queue = this.#queues[priority]
    queue.latestDeadline = Math.max(queue.latestDeadline, deadline)
  }

  /** Requests a permit for every batch that may leave. */
  #requestPermits(priority: Priority): void {
    const { loads, permitRequests, partialBatches } = this.#queues[priority]
    const full = Math.floor(loads.size / maxListValues)
    const partial = loads.size % maxListValues > 0 && partialBatches === 0 ? 1 : 0
    for (let missing = full + partial - permitRequests; missing > 0; missing--) {
      void withoutTraceContext(() => this.#runBatch(priority))
    }
  }

  /** Waits for a permit, then chooses a batch and reads it. */
  async #runBatch(priority: Priority): Promise<void> {
    const queue = this.#queues[priority]
    let permit: Permit
    queue.permitRequests++
    try {
      permit = await this.options.limiter.acquire(this.#permitRequest(priority, () => queue.latestDeadline))
    } catch (error) {
      queue.permitRequests--
      // A surplus request says nothing about the keys that earlier requests will carry; each of those requests again.
      if (queue.permitRequests > 0 && isProblem(error, 'overloaded')) return
      for (const load of queue.loads.remove(() => true)) this.#fail(load, error)
      return
    }
    queue.permitRequests--
    const { batch, isPartial } = this.#takeBatch(priority)
    if (isPartial) queue.partialBatches++
    this.#requestPermits(priority)
    try {
      if (batch.length > 0) await this.#read(batch, priority, permit)
    } finally {
      permit.release()
      if (isPartial) queue.partialBatches--
      this.#requestPermits(priority)
    }
  }

  #permitRequest(priority: Priority, deadline: () => number) {
    return { priority, caller: this.options.name, deadline }
  }

  /** Takes a batch off the queues: keys of this priority and, if there is room, of lower ones. */
  #takeBatch(priority: Priority): { batch: PendingLoad<V>[]; isPartial: boolean } {
    const keys = new KeyList()
    const batch: PendingLoad<V>[] = []
    const queue = this.#queues[priority]
    const now = this.options.clock.elapsed()
    for (const load of queue.loads.remove(({ deadline }) => deadline < now)) this.#fail(load, overloaded(0))
    if (queue.loads.size < maxListValues && queue.partialBatches > 0) return { batch, isPartial: false }
    for (const other of priorities.slice(priorities.indexOf(priority))) {
      const { loads } = this.#queues[other]
      for (let load = loads.peek(); load && keys.add(load.key); load = loads.peek()) {
        loads.shift()
        batch.push(load)
      }
    }
    return { batch, isPartial: batch.length > 0 && !keys.isFull }
  }

  /** Reads a batch and settles its loads; never rejects. Without `permit`, the call requests one. */
  async #read(batch: readonly PendingLoad<V>[], priority: Priority, permit?: Permit, split?: Split): Promise<void> {
    const span = this.#startSpan(batch, priority)
    try {
      const values = await this.options.readBatch(
        batch.map((load) => load.key),
        this.#callOptions(batch, priority, span.run, permit, split),
      )
      if (split) split.successes++
      for (const load of batch) {
        const value = values.get(load.key)
        if (value === undefined || isProblem(value)) this.#fail(load, value ?? missingResult(load.key))
        else this.#resolve(load, value)
      }
      span.end()
    } catch (error) {
      span.end(error)
      await this.#failBatch(batch, priority, error, split ?? new Split(this.#searchDeadline(error)))
    }
  }

  #callOptions(
    batch: readonly PendingLoad<V>[],
    priority: Priority,
    runInSpan: RunInSpan,
    permit: Permit | undefined,
    split: Split | undefined,
  ): CallOptions {
    const deadline = () => Math.max(split?.deadline ?? 0, ...batch.map((load) => load.deadline))
    const permitRequest = this.#permitRequest(priority, deadline)
    return {
      cause: causes[priority],
      permitRequest,
      runInSpan,
      ...(permit && { permit }),
      // The failure has outlasted the retries already.
      ...(split && { maxRetries: 0 }),
    }
  }

  #startSpan(batch: readonly PendingLoad<V>[], priority: Priority): SharedSpan {
    const requesters = batch.flatMap((load) => load.requesters)
    const attributes = { 'trackstar.keys': batch.length, 'trackstar.cause': causes[priority] }
    const span = new SharedSpan(`trackstar batch ${this.options.name}`, requesters, attributes)
    for (const load of batch) load.start(span)
    return span
  }

  /** Reads each half of a failed batch by itself, down to the key that is to blame, unless upstream fails altogether. */
  async #failBatch(batch: readonly PendingLoad<V>[], priority: Priority, error: unknown, split: Split): Promise<void> {
    split.failures++
    const isKeysFault = await this.#isKeysFault(error)
    const [first] = batch
    if (first && batch.length > 1 && isKeysFault && split.mayGoOn) {
      const middle = Math.ceil(batch.length / 2)
      for (const half of [batch.slice(0, middle), batch.slice(middle)])
        void this.#read(half, priority, undefined, split)
      return
    }
    if (first && batch.length === 1 && isKeysFault && isProblem(error)) this.rememberFailure(first.key, error, true)
    for (const load of batch) this.#fail(load, error)
  }

  /**
   * Until when a key is searched for. A key for which upstream takes too long uses up the time of its requests: without
   * longer, it would never be found, and fail the other keys of its batch again and again.
   */
  #searchDeadline(error: unknown): number {
    const isSlow = isProblem(error, 'upstream_timeout')
    return isSlow ? this.options.clock.elapsed() + maxSearchMs : Number.NEGATIVE_INFINITY
  }

  async #isKeysFault(error: unknown): Promise<boolean> {
    const blame = blameOf(error)
    return blame === 'request' || (blame === 'unclear' && (await this.options.isUpstreamWell()))
  }

  #resolve(load: PendingLoad<V>, value: V): void {
    this.#pending.delete(load.key)
    this.#failures.delete(load.key)
    load.resolve(value)
  }

  #fail(load: PendingLoad<V>, error: unknown): void {
    this.#pending.delete(load.key)
    load.reject(error)
  }

  /** Refuses the keys that a pause of the rate limiter delays past their deadline. */
  #refuseLate(): void {
    const { name, limiter, clock } = this.options
    for (const priority of priorities) {
      const { loads, permitRequests } = this.#queues[priority]
      const at = limiter.estimateAt(priority, name, -permitRequests)
      const late = loads.remove((load) => load.deadline < at)
      for (const load of late) this.#fail(load, overloaded(at - clock.elapsed()))
    }
  }
}

/** Most keys whose failure is remembered. */
const maxFailures = 5000
/** How long a key is searched for that upstream takes too long for. */
const maxSearchMs = 60_000
/** A failure as recent as this is new enough for every request. */
const newEnoughMs = 1000

/** What is remembered of a key that upstream fails for. */
interface KeyFailure {
  readonly error: Problem
  readonly at: number
  /** Whether the key makes a whole batch fail. */
  readonly isAlone: boolean
}

/** The state of a search for the keys that made a batch fail. */
class Split {
  failures = 0
  successes = 0

  /** @param deadline the search goes on until then, in the clock's `elapsed` ms, or until the deadlines of its keys */
  constructor(readonly deadline: number) {}

  /** If nothing succeeds at all, or too many keys fail, the search ends: a batch of 100 must not become 199 calls. */
  get mayGoOn(): boolean {
    return this.failures + this.successes < 64 && (this.successes > 0 || this.failures < 15)
  }
}

const missingResult = (key: string) => new Error(`the batch has no result for ${JSON.stringify(key)}`)

const causes = {
  caller: 'miss',
  list: 'list',
  refresh: 'refresh',
  forced: 'forced',
  mirror: 'refresh',
} as const satisfies Record<Priority, string>

/** One key that is being loaded, for one or more requests. */
class PendingLoad<V> {
  readonly promise: Promise<V>
  resolve!: (value: V) => void
  reject!: (error: unknown) => void
  caller: string
  priority: Priority
  /** The latest deadline of its requests. */
  deadline: number
  /** The spans of its requests. */
  readonly requesters: Span[] = []
  /** The call sets of the requests that joined before the call started. */
  readonly #callSets: Set<object>[] = []
  /** The call that carries the key; undefined while it waits for one. */
  #call: SharedSpan | undefined

  constructor(
    readonly key: string,
    request: LoadRequest,
  ) {
    this.promise = new Promise<V>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.caller = request.caller
    this.priority = request.priority
    this.deadline = request.deadline
    this.join(request)
  }

  get isStarted(): boolean {
    return this.#call !== undefined
  }

  /** Adds a request, made in the active span. */
  join({ deadline, calls }: LoadRequest): void {
    this.deadline = Math.max(this.deadline, deadline)
    const requester = activeSpan()
    if (requester) this.requesters.push(requester)
    this.#call?.join(requester)
    if (this.#call) calls?.add(this.#call)
    else if (calls) this.#callSets.push(calls)
  }

  start(call: SharedSpan): void {
    this.#call = call
    for (const calls of this.#callSets) calls.add(call)
  }
}

/** The loads that wait at one priority. */
class LoadQueue<V> {
  readonly loads = new FairQueue<PendingLoad<V>>()
  /** Permits that are requested and not yet granted. */
  permitRequests = 0
  /** Partial batches in flight. */
  partialBatches = 0
  /** The latest deadline of any key that was queued. */
  latestDeadline = Number.NEGATIVE_INFINITY
}
