import { asUnsettled, type CacheEntry } from '../cache/freshness.js'
import type { RecordCache, RecordKind } from '../cache/record-cache.js'
import { idOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Clock } from '../trackstar/clock.js'
import type { MirroredResource, MirrorStore } from './mirror-store.js'

export interface CatalogRecordsOptions {
  readonly cache: RecordCache
  /** Undefined without a mirror. */
  readonly store: MirrorStore | undefined
  /** The resources that may lack records upstream: their absences prove nothing. */
  readonly incomplete: () => readonly string[]
  /** Whether a record may have changed upstream since it was read, so that it is served as stale. */
  readonly isUnsettled: (kind: RecordKind, id: string) => boolean
  /** Whether any record is unsettled. Seldom one is, so that lookups need not ask for each record. */
  readonly hasUnsettled: () => boolean
  readonly clock: Pick<Clock, 'elapsed'>
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
    const found = entry?.value !== undefined || (entry && this.#provesAbsence('products'))
    return this.#orUnsettled('product', found ? entry : cache.findProducts(sku), (products) => products)
  }

  /** The item with an id, or its absence; undefined if nothing is known. */
  readonly findItem = (id: string): CacheEntry<InventoryItem> | undefined => {
    const { cache, store } = this.options
    const entry = store?.isAuthoritative && !store.isMalformed('inventory', id) ? store.findItem(id) : undefined
    const found = entry?.value !== undefined || (entry && this.#provesAbsence('inventory'))
    return this.#orUnsettled('item', found ? entry : cache.find('item', id), (item) => [item])
  }

  /** Another number after each change of the records in memory; undefined while any of them may be out of date. */
  readonly mirroredVersion = (): number | undefined =>
    this.options.hasUnsettled() ? undefined : this.options.store?.version

  /**
   * The products of a SKU as they were read; undefined if the mirror has none, or may have an outdated one. Only while
   * {@link isFollowed}.
   */
  readonly mirroredProducts = (sku: string): readonly CacheEntry<Product>[] | undefined => {
    const { store, hasUnsettled, isUnsettled } = this.options
    if (store === undefined || store.isMalformed('products', sku)) return undefined
    const entries = store.productEntries(sku)
    if (entries.length === 0) return undefined
    if (!hasUnsettled()) return entries
    return entries.some(({ value }) => value && isUnsettled('product', idOf(value))) ? undefined : entries
  }

  /** Whether the mirror knows that there is no product with a SKU. Only while {@link isFollowed}. */
  readonly lacksProducts = (sku: string): boolean => {
    const { store } = this.options
    if (store === undefined || store.isMalformed('products', sku)) return false
    return store.productEntries(sku).length === 0 && this.#provesAbsence('products')
  }

  /**
   * An item as it was read, or its absence; undefined if the mirror may have an outdated one, or cannot tell that there is
   * none. Only while {@link isFollowed}.
   */
  readonly mirroredItem = (id: string): CacheEntry<InventoryItem> | undefined => {
    const { store, hasUnsettled, isUnsettled } = this.options
    if (store === undefined || store.isMalformed('inventory', id)) return undefined
    const entry = store.itemEntry(id)
    if (entry === undefined) return this.#provesAbsence('inventory') ? store.confirmation : undefined
    return hasUnsettled() && isUnsettled('item', id) ? undefined : entry
  }

  /** The entry, as stale from now on if one of its records is unsettled. */
  #orUnsettled<T>(
    kind: RecordKind,
    entry: CacheEntry<T> | undefined,
    recordsOf: (value: T) => readonly { readonly id: unknown }[],
  ): CacheEntry<T> | undefined {
    const { hasUnsettled, isUnsettled, clock } = this.options
    if (entry?.value === undefined || !hasUnsettled()) return entry
    const isOneUnsettled = recordsOf(entry.value).some((record) => isUnsettled(kind, idOf(record)))
    return isOneUnsettled ? asUnsettled(entry, clock.elapsed()) : entry
  }

  /**
   * Whether a record that the mirror lacks does not exist: not while upstream's own copy is incomplete or empty, and
   * not before a comparison has read the whole list, since pages can shift while the catalog is loaded.
   */
  #provesAbsence(resource: MirroredResource): boolean {
    const { store, incomplete } = this.options
    if (store === undefined || store.count(resource) === 0 || incomplete().includes(resource)) return false
    return store.isCompared(resource)
  }
}
