import type { InventoryItem } from '../records/inventory-item.js'
import type { Change, Changes } from './changes.js'
import { touch } from './dates.js'
import { liveItemId } from './fixed-items.js'
import { isGeneratedItem } from './generated-catalog.js'
import { random } from './random.js'
import type { RecordStore } from './record-store.js'
import { breakdownOf, shiftStock } from './stock-shift.js'

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
  readonly #changes: Changes
  readonly #now: () => number
  readonly #random
  #moves = 0

  constructor(inventory: RecordStore<InventoryItem>, changes: Changes, seed: number, now: () => number) {
    this.#inventory = inventory
    this.#changes = changes
    this.#now = now
    this.#random = random(seed)
  }

  /** Moves the stock of one item. Refuses to sell more than is on hand, and throws where there is no such item. */
  move(itemId: string, { by, warehouse_id }: StockMove = {}): Change<InventoryItem> {
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
  moveNext(move?: StockMove): Change<InventoryItem> | undefined {
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
    const [first, ...others] = Object.keys(breakdownOf(item))
    return first === undefined ? undefined : this.#random.pick([first, ...others])
  }

  /** Sells, three times in four, and receives as much in the end. */
  #unitsIn(item: InventoryItem, place: string | undefined): number {
    const there = place === undefined ? item : breakdownOf(item)[place]
    const free = Math.min(there?.fulfillable ?? 0, there?.onhand ?? 0)
    return free >= 1 && this.#random.between(1, 4) > 1
      ? -this.#random.between(1, Math.min(3, Math.floor(free)))
      : this.#random.between(3, 9)
  }
}
