import type { Warehouse } from '../records/warehouse.js'
import type { TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import type { Priority } from '../trackstar/rate-limiter.js'
import { type CacheEntry, isFresh } from './freshness.js'
import type { ReadContext } from './read-context.js'
import { completesWithin, type ReadResult, requestTimedOut } from './read-through.js'
import { updatedAt } from './record-cache.js'
import { callerSpan, SharedSpan } from './shared-span.js'

export type WarehousesById = ReadonlyMap<string, Warehouse>

const none: WarehousesById = new Map()

/** Upstream itself copies warehouses every 12 hours. */
const policy = {
  ttlMs: 12 * 3600_000,
  revalidateMs: Number.POSITIVE_INFINITY,
  maxStaleMs: Number.POSITIVE_INFINITY,
  negativeTtlMs: 0,
}
/** After a failure, or an empty list (which an unfinished first copy gives as well), it is asked again sooner. */
const retryMs = 5 * 60_000
/** The longest that a first answer waits for names. */
const firstWaitMs = 2000
/** A warehouse that the list does not know may have come since, if the list is older than this. */
const unknownAfterMs = 60_000

/**
 * The connection's warehouses: read once, when first needed, and kept. Only the first stock waits for them, and none
 * fails for want of a name: until the list can be had it is empty.
 */
export class WarehouseList {
  #held: CacheEntry<WarehousesById> | undefined
  #failure: Error | undefined
  #askAgainAt = Number.NEGATIVE_INFINITY
  #flight: { readonly done: Promise<void>; readonly span: SharedSpan } | undefined

  constructor(
    private readonly trackstar: Pick<TrackstarClient, 'warehouses'>,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly onFailure: (what: string, error: unknown) => void,
  ) {}

  /** The warehouses as far as they are known, for their names. */
  async names({ directives, deadline }: ReadContext): Promise<WarehousesById> {
    if (!directives.onlyIfCached && this.#isDue()) {
      const isFirst = this.#held === undefined && this.#failure === undefined
      const flight = this.#read(isFirst ? 'caller' : 'refresh')
      if (isFirst) await completesWithin(flight, Math.min(firstWaitMs, deadline - this.clock.elapsed()))
    }
    return this.known
  }

  /** Reads the list, if it is time, before anybody asks. */
  async load(): Promise<void> {
    if (this.#isDue()) await this.#read('refresh')
  }

  /** What is known right now. */
  get known(): WarehousesById {
    return this.#held?.value ?? none
  }

  /** Takes in one warehouse that upstream announces, where there is a list to add it to and that knows none newer. */
  take(warehouse: Warehouse): void {
    const known = this.#held?.value
    const before = known?.get(warehouse.id)
    if (this.#held === undefined || (before && updatedAt(warehouse) < updatedAt(before))) return
    this.#held = { ...this.#held, value: new Map(known).set(warehouse.id, warehouse) }
  }

  /** Something is said to have changed, but not what: reads the list again. */
  async askAgain(): Promise<void> {
    await this.#read('refresh')
  }

  /** One warehouse; undefined where upstream does not know it. Throws why the list could not be read. */
  async find(id: string, reading: ReadContext): Promise<ReadResult<Warehouse>> {
    const now = this.clock.now()
    const held = this.#held
    const isOld = held !== undefined && !held.value?.has(id) && now - held.readAt > unknownAfterMs
    const todo = isOld ? 'read' : reading.judge(held, now, policy)
    if (held === undefined || todo === 'read') {
      reading.came[held === undefined ? 'fwd=miss' : 'fwd=stale']++
      const refusal = reading.refuseToRead()
      if (refusal) throw refusal
      const flight = this.#read(held === undefined ? 'caller' : 'forced')
      reading.calls.add(flight)
      const isDone = await completesWithin(flight, reading.deadline - this.clock.elapsed())
      if (this.#held === undefined) throw (isDone ? this.#failure : undefined) ?? requestTimedOut()
      return this.#found(this.#held, id)
    }
    if (todo === 'refresh' && this.#isDue()) void this.#read('refresh')
    const found = this.#found(held, id)
    reading.came[found.stale ? 'stale' : 'hit']++
    return found
  }

  #found(held: CacheEntry<WarehousesById>, id: string): ReadResult<Warehouse> {
    return { value: held.value?.get(id), readAt: held.readAt, stale: !isFresh(held, this.clock.now()) }
  }

  #isDue(): boolean {
    return this.clock.elapsed() >= this.#askAgainAt
  }

  /** Never rejects: who waits looks at what is held then. */
  #read(priority: keyof typeof causes): Promise<void> {
    const asker = callerSpan()
    this.#flight?.span.join(asker)
    this.#flight ??= this.#takeOff(priority, new SharedSpan('trackstar warehouses', asker ? [asker] : []))
    return this.#flight.done
  }

  #takeOff(priority: keyof typeof causes, span: SharedSpan) {
    const done = this.#ask(priority, span).finally(() => {
      this.#flight = undefined
    })
    return { done, span }
  }

  async #ask(priority: keyof typeof causes, span: SharedSpan): Promise<void> {
    const deadline = this.clock.elapsed() + this.timeoutMs
    const bid = { priority, caller: 'warehouses', deadline: () => deadline } as const
    const begunAt = this.clock.now()
    let nextMs = retryMs
    try {
      const warehouses = await this.trackstar.warehouses({
        permitRequest: bid,
        cause: causes[priority],
        within: span.within,
      })
      span.end()
      const readAt = this.clock.now()
      // A list that is suddenly empty is no reason to forget names.
      const isEmpty = warehouses.length === 0
      const value = isEmpty ? this.#held?.value : new Map(warehouses.map((warehouse) => [warehouse.id, warehouse]))
      this.#held = { value: value ?? new Map(), begunAt, readAt, freshUntil: readAt + policy.ttlMs }
      if (!isEmpty) nextMs = policy.ttlMs
    } catch (error) {
      span.end(error)
      this.#failure = error as Error
      this.onFailure('warehouses', error)
    }
    this.#askAgainAt = this.clock.elapsed() + nextMs
  }
}

const causes = { caller: 'miss', refresh: 'refresh', forced: 'forced' } as const satisfies Partial<
  Record<Priority, string>
>
