import { LRUCache } from 'lru-cache'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Stock } from '../stock/stock.js'

/** Everything that determines the stock of a SKU without further options. */
export interface StockSources {
  readonly product: Product
  /** The items of the product, in its order; undefined for an item that upstream does not know. */
  readonly items: readonly (InventoryItem | undefined)[]
  readonly warehouses: ReadonlyMap<string, Warehouse>
  readonly connection: SyncState | undefined
  /** When the oldest record was read, epoch ms. */
  readonly readAt: number
  readonly stale: boolean
}

/**
 * The most recently used stocks, so that a popular SKU is not composed for each request. An entry never becomes outdated: it
 * is returned only if every one of its sources is the same object as before, and a changed record is a new object.
 */
export class StockCache {
  readonly #entries: LRUCache<string, { readonly sources: StockSources; readonly stock: Stock }>

  /** @param maxItems inventory items of all entries together; each takes about 1 KB, including the response body */
  constructor(maxItems: number) {
    this.#entries = new LRUCache({
      maxSize: maxItems,
      sizeCalculation: ({ sources }) => Math.max(1, sources.items.length),
    })
  }

  /**
   * The stock of a SKU from these sources; composed if it is not cached.
   * @param key the connection and the SKU
   */
  get(key: string, sources: StockSources, compose: () => Stock): Stock {
    const entry = this.#entries.get(key)
    if (entry !== undefined && isSame(entry.sources, sources)) return entry.stock
    const stock = compose()
    this.#entries.set(key, { sources, stock })
    return stock
  }
}

const isSame = (a: StockSources, b: StockSources): boolean =>
  a.product === b.product &&
  a.readAt === b.readAt &&
  a.stale === b.stale &&
  a.warehouses === b.warehouses &&
  a.connection === b.connection &&
  a.items.length === b.items.length &&
  a.items.every((item, index) => item === b.items[index])
