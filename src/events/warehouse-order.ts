import type { Steps } from '../steps.js'
import type { Quantities } from '../stock/stock.js'
import type { StockIndexEntry } from './stock-index.js'
import { StockOrder, type StockPosition } from './stock-order.js'

/** Some of the stock of an index. */
export interface WarehouseSelection {
  readonly warehouseIds: readonly string[]
  /** Only products of this merchant; default: all. */
  readonly warehouseCustomerId?: string | undefined
}

/**
 * The products of an index, in the order of what is available in some warehouses. Quantities in certain warehouses cost a
 * computation for each product, so only those of products that have changed are computed again, when the order is needed.
 * Requests at the same time share the work. About 80 bytes for each product.
 */
export class WarehouseOrder {
  readonly #order = new StockOrder<StockPosition>()
  readonly #positions = new Map<string, StockPosition>()
  /** The products that the index had at the beginning, as far as they are still to be added. */
  readonly #initial: StockIndexEntry[]
  readonly #changedIds = new Set<string>()

  /**
   * @param quantitiesOf computes the quantities of a product in the selected warehouses; undefined if there is no such product
   * @param find the product in the index, if it is among those to be ordered
   */
  constructor(
    readonly quantitiesOf: (productId: string) => Quantities | undefined,
    private readonly find: (productId: string) => StockIndexEntry | undefined,
    initial: StockIndexEntry[],
  ) {
    this.#initial = initial
  }

  /** Notes that the stock of a product may have changed. */
  noteChange(productId: string): void {
    this.#changedIds.add(productId)
  }

  /** Brings the order up to date and returns it. */
  *current(): Steps<StockOrder<StockPosition>> {
    // A product leaves the list in the same step in which it is computed: another request may continue after any step.
    for (let entry = this.#initial.pop(); entry !== undefined; entry = this.#initial.pop()) {
      this.#update(entry.productId)
      yield
    }
    // Only what has changed by now: products may change faster than they are computed.
    let left = this.#changedIds.size
    for (const productId of this.#changedIds) {
      if (left-- === 0) break
      this.#changedIds.delete(productId)
      this.#update(productId)
      yield
    }
    return this.#order
  }

  #update(productId: string): void {
    const before = this.#positions.get(productId)
    const quantities = this.find(productId) && this.quantitiesOf(productId)
    const available = quantities && Math.max(0, quantities.fulfillable)
    if (before?.available === available) return
    if (before) this.#order.delete(before)
    if (available === undefined) {
      this.#positions.delete(productId)
      return
    }
    const after = { available, productId }
    this.#positions.set(productId, after)
    this.#order.add(after)
  }
}
