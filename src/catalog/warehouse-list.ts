import { isProblem, type Problem } from '../errors.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Clock } from '../trackstar/clock.js'
import type { Trackstar } from '../trackstar/trackstar.js'
import type { Held } from './freshness.js'
import { inTime } from './in-time.js'
import { type Found, lateProblem } from './read-through.js'
import type { Reading } from './reading.js'

export type WarehousesById = ReadonlyMap<string, Warehouse>

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
  #held: Held<WarehousesById> | undefined
  #problem: Problem | undefined
  #askAgainAt = Number.NEGATIVE_INFINITY
  #flight: Promise<void> | undefined

  constructor(
    private readonly trackstar: Pick<Trackstar, 'warehouses'>,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly onFailure: (what: string, error: unknown) => void,
  ) {}

  /** The warehouses as far as they are known, for their names. */
  async names(): Promise<WarehousesById> {
    const isFirst = this.#held === undefined && this.#problem === undefined
    if (this.clock.elapsed() >= this.#askAgainAt) void this.#read(isFirst)
    if (isFirst) await inTime(this.#flight, firstWaitMs)
    return this.#held?.value ?? new Map()
  }

  /** One warehouse; undefined where upstream does not know it. Throws why the list could not be read. */
  async find(id: string, reading: Reading): Promise<Found<Warehouse>> {
    const now = this.clock.now()
    const held = this.#held
    const isOld = held !== undefined && !held.value?.has(id) && now - held.readAt > unknownAfterMs
    if (isOld || reading.judge(held, now, policy) === 'read') {
      reading.came[held === undefined ? 'fwd=miss' : 'fwd=stale']++
      const refusal = reading.refuseToRead()
      if (refusal) throw refusal
      if (!(await inTime(this.#read(true), reading.deadline - this.clock.elapsed()))) throw lateProblem()
    } else reading.came.hit++
    if (this.#held === undefined) throw this.#problem ?? lateProblem()
    const { value, readAt, freshUntil } = this.#held
    return { value: value?.get(id), readAt, stale: this.clock.now() >= freshUntil }
  }

  #read(isAwaited: boolean): Promise<void> {
    this.#flight ??= this.#ask(isAwaited).finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #ask(isAwaited: boolean): Promise<void> {
    const deadline = this.clock.elapsed() + this.timeoutMs
    const bid = { priority: isAwaited ? 'caller' : 'refresh', caller: 'warehouses', deadline: () => deadline } as const
    const begunAt = this.clock.now()
    let nextMs = retryMs
    try {
      const warehouses = await this.trackstar.warehouses({ bid, cause: isAwaited ? 'miss' : 'refresh' })
      const readAt = this.clock.now()
      const value = new Map(warehouses.map((warehouse) => [warehouse.id, warehouse]))
      this.#held = { value, begunAt, readAt, freshUntil: readAt + policy.ttlMs }
      if (warehouses.length > 0) nextMs = policy.ttlMs
    } catch (error) {
      if (!isProblem(error)) throw error
      this.#problem = error
      this.onFailure('warehouses', error)
    }
    this.#askAgainAt = this.clock.elapsed() + nextMs
  }
}
