import { orderOf } from '../records/dates.js'
import { idOf, isSameJson } from '../records/fields.js'
import { isPartial } from '../records/record.js'
import type { Warehouse } from '../records/warehouse.js'
import type { TrackstarClient } from '../trackstar/client.js'
import { type Clock, wallTimeAt } from '../trackstar/clock.js'
import { asOf, type CacheEntry, isFresh } from './freshness.js'
import type { ReadContext } from './read-context.js'
import { completesWithin, type ReadResult, requestTimedOut } from './read-through.js'
import { RefreshedValue } from './refreshed-value.js'

export type WarehousesById = ReadonlyMap<string, Warehouse>

const none: WarehousesById = new Map()

/** Upstream copies warehouses every 12 hours. */
const policy = {
  ttlMs: 12 * 3600_000,
  revalidateMs: Number.POSITIVE_INFINITY,
  maxStaleMs: Number.POSITIVE_INFINITY,
  negativeTtlMs: 0,
}
/** After an empty list (which an incomplete first sync also gives) or repeated failures, the list is read again sooner. */
const retryMs = 5 * 60_000
/** The longest that a request waits for the first list of names. */
const firstWaitMs = 2000
/** A warehouse that is not in the list may be newer than a list of this age. */
const unknownAfterMs = 60_000

export interface WarehouseListOptions {
  readonly trackstar: Pick<TrackstarClient, 'warehouses'>
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onFailure: (name: string, error: unknown) => void
}

/**
 * The connection's warehouses, read when they are first needed and then kept. Only the first requests wait for the list,
 * and none fails because a name is missing: until the list is read, it is empty.
 */
export class WarehouseList {
  readonly #list: RefreshedValue<CacheEntry<WarehousesById>>
  readonly #clock: Clock

  constructor({ trackstar, clock, timeoutMs, onFailure }: WarehouseListOptions) {
    this.#clock = clock
    this.#list = new RefreshedValue({
      name: 'warehouses',
      read: async (options) => {
        const begunAt = clock.elapsed()
        const warehouses = await trackstar.warehouses(options)
        const readAt = clock.elapsed()
        // A list that is suddenly empty is no reason to forget names.
        const isEmpty = warehouses.length === 0
        const byId = isEmpty ? this.known : new Map(warehouses.map((warehouse) => [idOf(warehouse), warehouse]))
        const wallTime = wallTimeAt(clock, readAt)
        const value = { value: byId, begunAt, readAt, freshUntil: readAt + policy.ttlMs, wallTime }
        return { value, ttlMs: isEmpty ? retryMs : policy.ttlMs }
      },
      retryMs,
      timeoutMs,
      clock,
      onFailure,
    })
  }

  /** The warehouses that are known now. */
  get known(): WarehousesById {
    return this.#list.value?.value ?? none
  }

  /** The warehouses, for their names; undefined while requests wait for the first list. Refreshes a stale one. */
  namesAtOnce(): WarehousesById | undefined {
    if (this.#list.error === undefined && this.#list.value === undefined) return undefined
    this.#refreshIfDue()
    return this.known
  }

  /** The warehouses, for their names. Waits up to 2 s for the first list, and refreshes a stale one in the background. */
  async names({ directives, deadline }: ReadContext): Promise<WarehousesById> {
    if (!directives.onlyIfCached && this.#list.error === undefined && this.#list.value === undefined) {
      await completesWithin(this.#list.read('caller'), Math.min(firstWaitMs, deadline - this.#clock.elapsed()))
    } else if (!directives.onlyIfCached) this.#refreshIfDue()
    return this.known
  }

  /** Reads the list if it is due, before a request needs it. */
  async load(): Promise<void> {
    if (this.#list.isDue) await this.#list.read()
  }

  /**
   * Updates a warehouse from a delivery, unless the list has a newer copy or is not read yet. The list is read again if the
   * delivery does not settle what the warehouse is now: it is unknown or only a part, or the dates do not say which copy is
   * newer.
   */
  store(warehouse: Warehouse): 'applied' | 'older' | 'read_back' {
    const entry = this.#list.value
    if (entry === undefined) return 'applied'
    const id = idOf(warehouse)
    const known = entry.value?.get(id)
    const order = known && orderOf(warehouse, known)
    if (order === 'older' || (known && isSameJson(warehouse, known))) return 'older'
    if (order === undefined || isPartial('warehouse', warehouse, known)) {
      this.#list.invalidate()
      return 'read_back'
    }
    this.#list.set({ ...entry, value: new Map(entry.value).set(id, warehouse) })
    return 'applied'
  }

  /** Reads the list again because it has changed. */
  invalidate(): void {
    this.#list.invalidate()
  }

  /** One warehouse; the value is undefined if upstream does not have it. Throws why the list could not be read. */
  async find(id: string, context: ReadContext): Promise<ReadResult<Warehouse>> {
    const now = this.#clock.elapsed()
    const entry = this.#list.value
    const mayBeNewer = entry !== undefined && !entry.value?.has(id) && now - entry.readAt > unknownAfterMs
    const action = mayBeNewer ? 'read' : context.decide(entry, now, policy)
    if (entry === undefined || action === 'read') {
      context.outcomeCounts[entry === undefined ? 'fwd=miss' : 'fwd=stale']++
      const refusal = context.onlyIfCachedProblem()
      if (refusal) throw refusal
      const read = this.#list.read(entry === undefined ? 'caller' : 'forced')
      context.calls.add(read)
      const isDone = await completesWithin(read, context.deadline - this.#clock.elapsed())
      if (this.#list.value === undefined) throw (isDone ? this.#list.error : undefined) ?? requestTimedOut()
      return this.#resultIn(this.#list.value, id)
    }
    if (action === 'refresh') this.#refreshIfDue()
    const result = this.#resultIn(entry, id)
    context.outcomeCounts[result.stale ? 'stale' : 'hit']++
    return result
  }

  #refreshIfDue(): void {
    if (this.#list.isDue) void this.#list.read()
  }

  #resultIn(entry: CacheEntry<WarehousesById>, id: string): ReadResult<Warehouse> {
    const clock = this.#clock
    return { value: entry.value?.get(id), readAt: asOf(entry, clock), stale: !isFresh(entry, clock.elapsed()) }
  }
}
