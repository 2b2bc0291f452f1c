import type { Quantities } from '../stock/stock.js'
import { LazyOrder } from './lazy-order.js'
import type { StockIndexEntry } from './stock-index.js'
import type { StockPosition } from './stock-order.js'

/** Some of the stock of an index. */
export interface WarehouseSelection {
  readonly warehouseIds: readonly string[]
  /** Only products of this merchant; default: all. */
  readonly warehouseCustomerId?: string | undefined
}

/**
 * The products of an index, in the order of what is available in some warehouses. Quantities in certain warehouses cost a
 * computation for each product.
 */
export class WarehouseOrder extends LazyOrder<StockPosition> {
  /**
   * @param quantitiesOf computes the quantities of a product in the selected warehouses; undefined if there is no such product
   * @param find the product in the index, if it is among those to be ordered
   * @param initial the products that the index has at the beginning
   */
  constructor(
    readonly quantitiesOf: (productId: string) => Quantities | undefined,
    find: (productId: string) => StockIndexEntry | undefined,
    initial: StockIndexEntry[],
  ) {
    const positionOf = (productId: string) => {
      const quantities = find(productId) && quantitiesOf(productId)
      return quantities ? { available: Math.max(0, quantities.fulfillable), productId } : []
    }
    super(
      positionOf,
      takeAll(initial, ({ productId }) => productId),
    )
  }
}

/** Takes one entry after the other from the end of the list, so that none is kept that is no longer needed. */
export function* takeAll<E>(entries: E[], keyOf: (entry: E) => string): Generator<string> {
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) yield keyOf(entry)
}
