import type { DocumentedItem as InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import { ApiError } from './api-error.js'
import { liveItemId } from './fixed-catalog.js'
import { createRandom, isGeneratedItem } from './generated-catalog.js'
import { type RecordChange, type RecordChanges, touch } from './record-changes.js'
import type { RecordStore } from './record-store.js'
import type { Timer } from './sandbox.js'

/** One movement of stock. Values left out are chosen at random. */
export interface StockMove {
  /** Units received; below 0, units sold. */
  by?: number
  warehouse_id?: string
}

/** Every n-th move is of the live item. */
const liveItemEvery = 3
const maxPicks = 20

/** Moves stock as sales and deliveries do. The same seed gives the same moves. */
export class StockMover {
  readonly #inventory: RecordStore<InventoryItem>
  readonly #changes: RecordChanges
  readonly #now: () => number
  readonly #random
  #moves = 0

  constructor(inventory: RecordStore<InventoryItem>, changes: RecordChanges, seed: number, now: () => number) {
    this.#inventory = inventory
    this.#changes = changes
    this.#now = now
    this.#random = createRandom(seed)
  }

  /** Moves the stock of one item. Throws if there is no such item, or if it has fewer units than are sold. */
  move(itemId: string, { by, warehouse_id }: StockMove = {}): RecordChange<InventoryItem> {
    return this.#changes.update('inventory', itemId, (item) => {
      const warehouseId = warehouse_id ?? this.#pickWarehouse(item)
      shiftStock(item, warehouseId, by ?? this.#pickUnits(item, warehouseId))
      touch(item, this.#now())
    })
  }

  /**
   * Moves the stock of the live item at every third call, unless it has already moved in this second, and otherwise of a
   * random generated item. Returns undefined if there is neither.
   */
  moveNext(move?: StockMove): RecordChange<InventoryItem> | undefined {
    const isLiveTurn = this.#moves++ % liveItemEvery === 0 && this.#isLiveItemDue()
    const id = isLiveTurn ? liveItemId : (this.#pickGeneratedItem() ?? liveItemId)
    return this.#inventory.has(id) ? this.move(id, move) : undefined
  }

  // Each move advances the item's date by at least a second. More than one a second would date it in the future.
  #isLiveItemDue(): boolean {
    const { trackstar_updated_date: date } = this.#inventory.get(liveItemId) ?? {}
    return date !== undefined && Date.parse(date ?? '') + 1000 <= this.#now()
  }

  #pickGeneratedItem(): string | undefined {
    for (let pick = 0; pick < maxPicks; pick++) {
      const item = this.#inventory.at(this.#random.between(0, this.#inventory.slots - 1))
      if (item && isGeneratedItem(item.id)) return item.id
    }
    return undefined
  }

  #pickWarehouse(item: InventoryItem): string | undefined {
    const [first, ...others] = Object.keys(quantitiesByWarehouse(item))
    return first === undefined ? undefined : this.#random.pick([first, ...others])
  }

  /** Sells three times in four, and receives larger amounts, so that stock stays about level. */
  #pickUnits(item: InventoryItem, warehouseId: string | undefined): number {
    const quantities = warehouseId === undefined ? item : quantitiesByWarehouse(item)[warehouseId]
    const free = Math.min(quantities?.fulfillable ?? 0, quantities?.onhand ?? 0)
    return free >= 1 && this.#random.between(1, 4) > 1
      ? -this.#random.between(1, Math.min(3, Math.floor(free)))
      : this.#random.between(3, 9)
  }
}

const secondMs = 1000

/** Calls a function at a fixed rate by the injected clock. Makes up for calls that a late timer missed. */
export class Ticker {
  readonly #callback: () => void
  readonly #now: () => number
  readonly #timer: Timer
  #perSecond: number
  #dueAt = 0
  #cancel: (() => void) | undefined

  constructor(perSecond: number, callback: () => void, now: () => number, timer: Timer) {
    this.#perSecond = perSecond
    this.#callback = callback
    this.#now = now
    this.#timer = timer
  }

  /** May be changed while running; 0 pauses. */
  get perSecond(): number {
    return this.#perSecond
  }

  set perSecond(perSecond: number) {
    const isRunning = this.#cancel !== undefined
    this.stop()
    this.#perSecond = perSecond
    if (isRunning) this.start()
  }

  /** Starts; the first call comes after one interval. */
  start(): void {
    this.stop()
    this.#cancel = () => {}
    if (this.#perSecond <= 0) return
    this.#dueAt = this.#now() + secondMs / this.#perSecond
    this.#schedule()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(): void {
    this.#cancel = this.#timer(Math.max(1, this.#dueAt - this.#now()), () => this.#tick())
  }

  #tick(): void {
    const now = this.#now()
    const intervalMs = secondMs / this.#perSecond
    // After a clock change: make up for one second at most, and wait one interval at most.
    this.#dueAt = Math.min(Math.max(this.#dueAt, now - secondMs), now + intervalMs)
    for (; this.#dueAt <= now; this.#dueAt += intervalMs) this.#callback()
    this.#schedule()
  }
}

const shiftedFields = ['onhand', 'fulfillable', 'sellable'] as const

const noStock: ItemQuantities = { onhand: 0, fulfillable: 0, sellable: 0 }

type Breakdown = NonNullable<InventoryItem['inventory_by_warehouse_id']>

/** A lot or a location. */
interface StockPart {
  warehouse_id?: string | null
  onhand?: number | null
  quantity?: number | null
}

/** The breakdown of an item by warehouse id; a copy without prototype, so that `__proto__` is an ordinary id. */
export const quantitiesByWarehouse = (item: InventoryItem): Breakdown =>
  Object.assign(Object.create(null), item.inventory_by_warehouse_id)

/**
 * Adds `by` units (or removes them, below 0) in one warehouse of an item: to its onhand, fulfillable and sellable
 * quantities, in total and in that warehouse, and to its lots and locations there. Quantities that are null stay null.
 * Without a breakdown, only the totals change.
 * @throws {ApiError} 422 with origin `integration`, as the warehouse system would, if fewer units are on hand
 */
export function shiftStock(item: InventoryItem, warehouseId: string | undefined, by: number): void {
  const affected: ItemQuantities[] = [item]
  const breakdown = quantitiesByWarehouse(item)
  const hasBreakdown = warehouseId !== undefined && Boolean(item.inventory_by_warehouse_id)
  if (hasBreakdown) {
    const quantities = breakdown[warehouseId] ?? { ...noStock }
    breakdown[warehouseId] = quantities
    affected.push(quantities)
  }
  const onhand = affected.at(-1)?.onhand ?? 0
  if (onhand + by < 0) throw new ApiError(422, `Cannot take ${-by} where ${onhand} are on hand`, 'integration')
  for (const quantities of affected) {
    for (const field of shiftedFields) {
      const quantity = quantities[field]
      if (typeof quantity === 'number') quantities[field] = quantity + by
    }
  }
  if (!hasBreakdown) return
  item.inventory_by_warehouse_id = breakdown
  shiftParts(item.lots ?? [], 'onhand', warehouseId, by)
  shiftParts(item.locations ?? [], 'quantity', warehouseId, by)
}

/** Adds to the first part in the warehouse; removes from the parts in turn. */
function shiftParts(parts: StockPart[], field: 'onhand' | 'quantity', warehouseId: string, by: number): void {
  let left = by
  for (const part of parts) {
    const quantity = part[field]
    if (left === 0 || part.warehouse_id !== warehouseId || typeof quantity !== 'number') continue
    const shifted = Math.max(left, -quantity)
    part[field] = quantity + shifted
    left -= shifted
  }
}
