import { LRUCache } from 'lru-cache'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Stock } from '../stock/stock.js'

/** All that a stock is put together from where the caller says nothing but the SKU. */
export interface StockSources {
  readonly product: Product
  /** Those that the product draws on, in its order; undefined for one that upstream does not know. */
  readonly items: readonly (InventoryItem | undefined)[]
  readonly warehouses: ReadonlyMap<string, Warehouse>
  readonly connection: SyncState | undefined
  /** When the oldest of them was read, epoch ms. */
  readonly readAt: number
  readonly stale: boolean
}

/**
 * The stocks that were asked for most lately, so that what many ask for is not put together for each of them. Nothing
 * here turns old: a stock is given out again only where every one of its sources is the very object that it was made
 * from, and a record that changes is another object.
 */
export class StockCache {
  readonly #kept: LRUCache<string, { readonly sources: StockSources; readonly stock: Stock }>

  /** @param maxItems items of all that are kept together: each takes about a kilobyte, with the answer made of it */
  constructor(maxItems: number) {
    this.#kept = new LRUCache({
      maxSize: maxItems,
      sizeCalculation: ({ sources }) => Math.max(1, sources.items.length),
    })
  }

  /** The stock of a SKU from these sources, made by `compose` where it is not here. */
  get(sku: string, sources: StockSources, compose: () => Stock): Stock {
    const kept = this.#kept.get(sku)
    if (kept !== undefined && isSame(kept.sources, sources)) return kept.stock
    const stock = compose()
    this.#kept.set(sku, { sources, stock })
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
