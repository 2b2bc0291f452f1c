import type { InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import { ApiError } from './api-error.js'
import { liveItemId } from './fixed-catalog.js'
import { createRandom, isGeneratedItem } from './generated-catalog.js'
import { type RecordChange, type RecordChanges, touch } from './record-changes.js'
import type { RecordStore } from './record-store.js'
import type { Timer } from './timer.js'

/** How the stock of an item moves. What is left out is picked. */
export interface StockMove {
  /** Units received or, below 0, sold. */
  by?: number
  warehouse_id?: string
}

const liveEvery = 3
const attempts = 20

/** Moves stock, as sales and deliveries do; the same seed gives the same moves. */
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

  /** Moves the stock of one item. Refuses to sell more than is on hand, and throws where there is no such item. */
  move(itemId: string, { by, warehouse_id }: StockMove = {}): RecordChange<InventoryItem> {
    return this.#changes.update('inventory', itemId, (item) => {
      const place = warehouse_id ?? this.#placeIn(item)
      shiftStock(item, place, by ?? this.#unitsIn(item, place))
      touch(item, this.#now())
    })
  }

  /**
   * Moves the stock of the next item: every third time the one that is there to be watched, unless it moved in this
   * very second, and else one that was invented. Undefined where there is neither.
   */
  moveNext(move?: StockMove): RecordChange<InventoryItem> | undefined {
    const id = this.#moves++ % liveEvery === 0 && this.#isLiveDue() ? liveItemId : (this.#anyInvented() ?? liveItemId)
    return this.#inventory.has(id) ? this.move(id, move) : undefined
  }

  // Its date moves on a second each time: moved more often, it would be dated in the future.
  #isLiveDue(): boolean {
    const { trackstar_updated_date: date } = this.#inventory.get(liveItemId) ?? {}
    return date !== undefined && Date.parse(date ?? '') + 1000 <= this.#now()
  }

  #anyInvented(): string | undefined {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const item = this.#inventory.at(this.#random.between(0, this.#inventory.slots - 1))
      if (item && isGeneratedItem(item.id)) return item.id
    }
    return undefined
  }

  #placeIn(item: InventoryItem): string | undefined {
    const [first, ...others] = Object.keys(quantitiesByWarehouse(item))
    return first === undefined ? undefined : this.#random.pick([first, ...others])
  }

  /** Sells, three times in four, and receives as much in the end. */
  #unitsIn(item: InventoryItem, place: string | undefined): number {
    const there = place === undefined ? item : quantitiesByWarehouse(item)[place]
    const free = Math.min(there?.fulfillable ?? 0, there?.onhand ?? 0)
    return free >= 1 && this.#random.between(1, 4) > 1
      ? -this.#random.between(1, Math.min(3, Math.floor(free)))
      : this.#random.between(3, 9)
  }
}

const secondMs = 1000

/** Does some work at a set number of times a second, as the clock goes: what a late timer misses is made up for. */
export class Ticker {
  readonly #work: () => void
  readonly #now: () => number
  readonly #timer: Timer
  #perSecond: number
  #due = 0
  #stop: (() => void) | undefined

  constructor(perSecond: number, work: () => void, now: () => number, timer: Timer) {
    this.#perSecond = perSecond
    this.#work = work
    this.#now = now
    this.#timer = timer
  }

  /** May be changed while it runs; 0 is standing still. */
  get perSecond(): number {
    return this.#perSecond
  }

  set perSecond(perSecond: number) {
    const runs = this.#stop !== undefined
    this.stop()
    this.#perSecond = perSecond
    if (runs) this.start()
  }

  /** Begins; the first time is one interval from now. */
  start(): void {
    this.stop()
    this.#stop = () => {}
    if (this.#perSecond <= 0) return
    this.#due = this.#now() + secondMs / this.#perSecond
    this.#wait()
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #wait(): void {
    this.#stop = this.#timer(Math.max(1, this.#due - this.#now()), () => this.#tick())
  }

  #tick(): void {
    const now = this.#now()
    const interval = secondMs / this.#perSecond
    // A clock that leapt ahead is followed for a second and no more, and one that was put back is not waited for.
    this.#due = Math.min(Math.max(this.#due, now - secondMs), now + interval)
    for (; this.#due <= now; this.#due += interval) this.#work()
    this.#wait()
  }
}

const changed = ['onhand', 'fulfillable', 'sellable'] as const

/** What a warehouse that is new to an item starts with. */
const nothing: ItemQuantities = { onhand: 0, fulfillable: 0, sellable: 0 }

type Places = NonNullable<InventoryItem['inventory_by_warehouse_id']>

interface Part {
  warehouse_id?: string | null
  onhand?: number | null
  quantity?: number | null
}

/** The warehouses of an item, a copy without a prototype: `__proto__` is an id like any other. */
export const quantitiesByWarehouse = (item: InventoryItem): Places =>
  Object.assign(Object.create(null), item.inventory_by_warehouse_id)

/**
 * Puts `by` units more, or fewer if it is below 0, into one warehouse of an item: its onhand, fulfillable and sellable,
 * in all and there, and its lots and locations there. A quantity that is not stated stays so. An item without a
 * breakdown changes in all alone.
 *
 * Refuses, as the warehouse system would (422), to take more than is on hand.
 */
export function shiftStock(item: InventoryItem, warehouseId: string | undefined, by: number): void {
  const changing: ItemQuantities[] = [item]
  const places = quantitiesByWarehouse(item)
  const isBrokenDown = warehouseId !== undefined && Boolean(item.inventory_by_warehouse_id)
  if (isBrokenDown) {
    const place = places[warehouseId] ?? { ...nothing }
    places[warehouseId] = place
    changing.push(place)
  }
  const there = changing.at(-1)?.onhand ?? 0
  if (there + by < 0) throw new ApiError(422, `Cannot take ${-by} where ${there} are on hand`, 'integration')
  for (const quantities of changing) {
    for (const field of changed) {
      const quantity = quantities[field]
      if (typeof quantity === 'number') quantities[field] = quantity + by
    }
  }
  if (!isBrokenDown) return
  item.inventory_by_warehouse_id = places
  shiftParts(item.lots ?? [], 'onhand', warehouseId, by)
  shiftParts(item.locations ?? [], 'quantity', warehouseId, by)
}

/** What comes goes to the first part in the warehouse; what leaves is taken from them in turn. */
function shiftParts(parts: Part[], field: 'onhand' | 'quantity', warehouseId: string, by: number): void {
  let left = by
  for (const part of parts) {
    const there = part[field]
    if (left === 0 || part.warehouse_id !== warehouseId || typeof there !== 'number') continue
    const moved = Math.max(left, -there)
    part[field] = there + moved
    left -= moved
  }
}
