import type { CacheEntry } from '../cache/freshness.js'
import type { RecordCache } from '../cache/record-cache.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MirroredResource, MirrorStore } from './mirror-store.js'

export interface CatalogRecordsOptions {
  readonly cache: RecordCache
  /** Undefined without a mirror. */
  readonly store: MirrorStore | undefined
  /** The resources whose first copy upstream has not completed. */
  readonly incomplete: () => readonly string[]
}

/** The records in memory: those of the mirror while it is authoritative, and those of the cache otherwise. */
export class CatalogRecords {
  constructor(private readonly options: CatalogRecordsOptions) {}

  /** Whether changes arrive by themselves, so that records need not be read again because of their age. */
  readonly isFollowed = (): boolean => this.options.store?.isAuthoritative ?? false

  /** The products of a SKU, or their absence; undefined if nothing is known. */
  readonly findProducts = (sku: string): CacheEntry<readonly Product[]> | undefined => {
    const { cache, store } = this.options
    const entry = store?.isAuthoritative && !store.isMalformed('products', sku) ? store.findProducts(sku) : undefined
    return entry?.value !== undefined || (entry && this.#provesAbsence('products')) ? entry : cache.findProducts(sku)
  }

  /** The item with an id, or its absence; undefined if nothing is known. */
  readonly findItem = (id: string): CacheEntry<InventoryItem> | undefined => {
    const { cache, store } = this.options
    const entry = store?.isAuthoritative && !store.isMalformed('inventory', id) ? store.findItem(id) : undefined
    return entry?.value !== undefined || (entry && this.#provesAbsence('inventory')) ? entry : cache.find('item', id)
  }

  /** Whether upstream is known to have no such record. */
  readonly isKnownAbsent = (kind: 'product' | 'item', id: string): boolean => {
    const entry = kind === 'item' ? this.findItem(id) : this.options.cache.find('product', id)
    return entry === undefined ? this.isFollowed() : entry.value === undefined
  }

  /** Whether a record that the mirror lacks does not exist: not while upstream's own copy is incomplete or empty. */
  #provesAbsence(resource: MirroredResource): boolean {
    const { store, incomplete } = this.options
    return store !== undefined && store.count(resource) > 0 && !incomplete().includes(resource)
  }
}
