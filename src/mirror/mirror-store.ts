import { asOf, type CacheEntry, type FreshnessPolicy } from '../cache/freshness.js'
import type { ReadTimes, RecordCache } from '../cache/record-cache.js'
import type { WarehousesById } from '../cache/warehouse-list.js'
import { idOf, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MalformedRecord } from '../records/record.js'
import { inTurns, type Steps } from '../steps.js'
import type { ListedPage, Resources } from '../trackstar/client.js'
import { type Clock, wallTimeAt } from '../trackstar/clock.js'
import { CatalogIndex } from './catalog-index.js'
import { SearchIndex } from './search-index.js'

/** The lists that are mirrored, in the order they are read. Warehouses are few and have a list of their own. */
export const mirroredResources = ['products', 'inventory'] as const
export type MirroredResource = (typeof mirroredResources)[number]

/**
 * - `loading`: the first load is running; callers are served by read-through.
 * - `live`: the whole catalog is in memory and changes are followed.
 * - `off`: the mirror has stopped for good; callers are served by read-through.
 */
export type MirrorState = 'loading' | 'live' | 'off'

/** What the cache calls the records of each list. */
export const recordKinds = { products: 'product', inventory: 'item' } as const

export interface MirrorStoreOptions {
  readonly cache: RecordCache
  readonly policy: FreshnessPolicy
  readonly clock: Clock
  readonly warehouses: () => WarehousesById
  /** Receives the ids of the records that changed, while the mirror is live. */
  readonly onRecordsChanged: (changes: RecordChanges) => void
  readonly onStateChange: (state: MirrorState) => void
  readonly onMalformed: (resource: MirroredResource, malformed: MalformedRecord) => void
  /** Receives the ids of the products that had a SKU before another product gets it: they may be deleted since. */
  readonly onSharedSku: (productIds: readonly string[]) => void
  readonly log: { warn(fields: object, message: string): void }
}

/** The ids of records that were changed, added or removed. */
export interface RecordChanges {
  readonly productIds: ReadonlySet<string>
  readonly itemIds: ReadonlySet<string>
}

/**
 * The record cache, read as the whole catalog. While the store {@link isAuthoritative}, a record that is not in the
 * cache does not exist upstream, and every record is as fresh as the last successful read of changes.
 */
export class MirrorStore {
  readonly index = new CatalogIndex()
  readonly searchIndex = new SearchIndex()
  /** The same entries as in the cache, which finds them less quickly, and drops some if they do not all fit. */
  readonly #products = new Map<string, CacheEntry<Product>>()
  readonly #items = new Map<string, CacheEntry<InventoryItem>>()
  /** SKUs, and ids of items, whose latest record from upstream was malformed. */
  readonly #malformed = { products: new Set<string>(), inventory: new Set<string>() }
  readonly #evictionsBefore: number
  #changes = { productIds: new Set<string>(), itemIds: new Set<string>() }
  #version = 0
  /** In the clock's `elapsed` ms. */
  #confirmedAt = Number.NEGATIVE_INFINITY
  /** The same moment, epoch ms. */
  #confirmedWallTime = Number.NEGATIVE_INFINITY
  /** The lists of which the latest comparison has read everything. */
  readonly #compared = new Set<MirroredResource>()
  #state: MirrorState = 'loading'

  constructor(private readonly options: MirrorStoreOptions) {
    this.#evictionsBefore = options.cache.evictions
    options.cache.watch((kind, before, after) => {
      this.#version++
      if (kind === 'product') this.#productChanged(before, after)
      else this.#itemChanged(before, after)
    })
  }

  get state(): MirrorState {
    return this.#state
  }

  /** Another number after each record that was stored, removed or malformed. Confirmations do not change it. */
  get version(): number {
    return this.#version
  }

  /** Whether the store can answer for the whole catalog: live, nothing evicted, and confirmed by upstream recently enough. */
  get isAuthoritative(): boolean {
    const { clock, policy } = this.options
    return (
      this.#state === 'live' &&
      this.fitsInMemory &&
      clock.elapsed() < this.#confirmedAt + policy.ttlMs + policy.maxStaleMs
    )
  }

  /** Whether every stored record is still in the cache; false from the first eviction on. */
  get fitsInMemory(): boolean {
    return this.options.cache.evictions === this.#evictionsBefore
  }

  /**
   * Whether the latest comparison has read all of a list. The load may have missed records, and some cannot be read: without
   * that, an absence proves nothing.
   */
  isCompared(resource: MirroredResource): boolean {
    return this.#compared.has(resource)
  }

  setCompared(resource: MirroredResource, isCompared: boolean): void {
    if (isCompared) this.#compared.add(resource)
    else this.#compared.delete(resource)
  }

  /** Whether the latest record of a SKU (`products`) or item id (`inventory`) was malformed, so that its absence proves nothing. */
  isMalformed(resource: MirroredResource, key: string): boolean {
    return this.#malformed[resource].has(key)
  }

  /** The products with a SKU, each as it was read. */
  productEntries(sku: string): CacheEntry<Product>[] {
    const entries: CacheEntry<Product>[] = []
    for (const id of this.index.productIdsOfSku(sku)) {
      const entry = this.#productEntry(id)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  #productEntry(id: string): CacheEntry<Product> | undefined {
    return this.fitsInMemory ? this.#products.get(id) : this.options.cache.peek('product', id)
  }

  /** An item as it was read; undefined if there is none. */
  itemEntry(id: string): CacheEntry<InventoryItem> | undefined {
    return this.fitsInMemory ? this.#items.get(id) : this.options.cache.peek('item', id)
  }

  /** All products with a SKU. The value is undefined if there is none. */
  findProducts(sku: string): CacheEntry<readonly Product[]> {
    const value: Product[] = []
    let oldest: CacheEntry<unknown> | undefined
    for (const entry of this.productEntries(sku)) {
      if (oldest === undefined || entry.readAt < oldest.readAt) oldest = entry
      if (entry.value !== undefined) value.push(entry.value)
    }
    return oldest === undefined ? this.confirmation : this.#confirmed({ ...oldest, value })
  }

  /** The item with an id. The value is undefined if there is none. */
  findItem(id: string): CacheEntry<InventoryItem> {
    const entry = this.itemEntry(id)
    return entry?.value === undefined ? this.confirmation : this.#confirmed(entry)
  }

  product(id: string): Product | undefined {
    return this.#productEntry(id)?.value
  }

  item(id: string): InventoryItem | undefined {
    return this.itemEntry(id)?.value
  }

  warehouses(): WarehousesById {
    return this.options.warehouses()
  }

  productIds(): ReadonlySet<string> {
    return this.index.productIds
  }

  /** Ids of the products, kits included, that refer to the item. */
  productIdsOfItem(id: string): readonly string[] {
    return this.index.productIdsOfItem(id)
  }

  /**
   * Stores the records of one page and reports the malformed ones. The event loop goes round meanwhile.
   * @param begunAt when the read of the page began, in the clock's `elapsed` ms
   */
  async storePage<R extends MirroredResource>(resource: R, page: ListedPage<R>, begunAt: number): Promise<void> {
    if (page.malformed.length > 0) this.#version++
    for (const malformed of page.malformed) {
      this.options.onMalformed(resource, malformed)
      const key = resource === 'products' ? malformed.sku : malformed.id
      if (key !== undefined) this.#malformed[resource].add(key)
    }
    const times = { begunAt, readAt: this.options.clock.elapsed() }
    await inTurns(this.#storeAll(resource, page, times))
  }

  *#storeAll<R extends MirroredResource>(
    resource: R,
    { records, bytes }: ListedPage<R>,
    times: ReadTimes,
  ): Steps<void> {
    for (const [index, record] of records.entries()) {
      this.#store(resource, record, times, bytes?.[index])
      yield
    }
  }

  /** One record that cannot be stored must not cost the page. */
  #store<R extends MirroredResource>(
    resource: R,
    record: Resources[R],
    times: ReadTimes,
    bytes: number | undefined,
  ): void {
    try {
      this.options.cache.storeAll(resource, [record], times, [bytes])
    } catch {
      this.#version++
      const id = idOf(record)
      const sku = resource === 'products' ? skuOf(record) : null
      this.options.onMalformed(resource, { id, sku: sku ?? undefined, path: '', message: 'cannot be stored' })
      this.#malformed[resource].add(sku ?? id)
    }
  }

  /** Ids of the records last read before `time`, in the clock's `elapsed` ms. */
  idsReadBefore(resource: MirroredResource, time: number): Promise<string[]> {
    return inTurns(this.#idsReadBefore(resource, time))
  }

  *#idsReadBefore(resource: MirroredResource, time: number): Steps<string[]> {
    const found: string[] = []
    let seen = 0
    for (const id of (resource === 'products' ? this.#products : this.#items).keys()) {
      const entry = resource === 'products' ? this.#productEntry(id) : this.itemEntry(id)
      if (entry && entry.readAt < time) found.push(id)
      if (++seen % 100 === 0) yield
    }
    return found
  }

  /** Ids of items that products refer to, and that are not stored. */
  missingItemIds(): Promise<string[]> {
    return inTurns(this.#missingItemIds())
  }

  *#missingItemIds(): Steps<string[]> {
    const missing: string[] = []
    for (const id of this.index.referencedItemIds()) {
      if (!this.#items.has(id)) missing.push(id)
      yield
    }
    return missing
  }

  /** SKUs of items that no stored product has. A product often has the SKU of its item. */
  skusWithoutProduct(): Promise<Set<string>> {
    return inTurns(this.#skusWithoutProduct())
  }

  *#skusWithoutProduct(): Steps<Set<string>> {
    const skus = new Set<string>()
    for (const { value = {} } of this.#items.values()) {
      const sku = skuOf(value)
      if (sku !== null && this.index.productIdsOfSku(sku).length === 0) skus.add(sku)
      yield
    }
    return skus
  }

  remove(resource: MirroredResource, id: string): void {
    this.options.cache.remove(recordKinds[resource], id)
  }

  count(resource: MirroredResource): number {
    return resource === 'products' ? this.#products.size : this.#items.size
  }

  /** Marks every record as current at `time`, in the clock's `elapsed` ms. */
  confirm(time: number): void {
    this.#confirmedAt = time
    this.#confirmedWallTime = wallTimeAt(this.options.clock, time)
  }

  /** When all records were last confirmed to be current, epoch ms. */
  get syncedAt(): number | undefined {
    return Number.isFinite(this.#confirmedAt) ? asOf(this.confirmation, this.options.clock) : undefined
  }

  setState(state: MirrorState): void {
    this.#state = state
    if (state === 'off') this.#release()
    // The first search need not wait for it.
    if (state === 'live') void inTurns(this.searchIndex.prepare())
    this.options.onStateChange(state)
  }

  /** Without a mirror the cache does not report what it drops, so the index would grow without bound. */
  #release(): void {
    this.options.cache.watch(() => {})
    this.index.clear()
    this.searchIndex.clear()
    for (const keys of [this.#products, this.#items, ...Object.values(this.#malformed)]) keys.clear()
  }

  /**
   * When all records were last confirmed to be current, as an entry without a value: what a record is that the store lacks.
   * It is absent for as long as the store is authoritative, since changes bring new records.
   */
  get confirmation(): CacheEntry<never> {
    const readAt = this.#confirmedAt
    const wallTime = this.#confirmedWallTime
    return { value: undefined, begunAt: readAt, readAt, freshUntil: Number.POSITIVE_INFINITY, wallTime }
  }

  #confirmed<T>(entry: CacheEntry<T>): CacheEntry<T> {
    const isConfirmed = this.#confirmedAt >= entry.readAt
    const readAt = isConfirmed ? this.#confirmedAt : entry.readAt
    const wallTime = isConfirmed ? this.#confirmedWallTime : entry.wallTime
    return { ...entry, readAt, freshUntil: readAt + this.options.policy.ttlMs, wallTime }
  }

  #productChanged(before: Product | undefined, entry: CacheEntry<Product> | undefined): void {
    const after = entry?.value
    if (entry && after) this.#products.set(idOf(after), entry)
    else if (before) this.#products.delete(idOf(before))
    if (before === after) {
      if (after) this.#malformed.products.delete(skuOf(after) ?? '')
      return
    }
    if (before) this.index.remove(before)
    if (after) this.index.add(after)
    this.searchIndex.replace(before, after)
    const sku = after && skuOf(after)
    if (sku) this.#malformed.products.delete(sku)
    if (sku && sku !== (before && skuOf(before)) && this.#state === 'live') {
      const others = this.index.productIdsOfSku(sku).filter((id) => id !== idOf(after))
      if (others.length > 0) this.options.onSharedSku(others)
    }
    for (const product of [before, after]) if (product) this.#addChange('productIds', idOf(product))
  }

  #itemChanged(before: InventoryItem | undefined, entry: CacheEntry<InventoryItem> | undefined): void {
    const after = entry?.value
    if (entry && after) this.#items.set(idOf(after), entry)
    else if (before) this.#items.delete(idOf(before))
    if (after) this.#malformed.inventory.delete(idOf(after))
    if (before === after) return
    for (const item of [before, after]) if (item) this.#addChange('itemIds', idOf(item))
  }

  /** Reported in a microtask, so that a kit whose items all change on one page is reported once. */
  #addChange(ids: keyof RecordChanges, id: string): void {
    if (this.#state !== 'live') return
    const { productIds, itemIds } = this.#changes
    if (productIds.size + itemIds.size === 0) queueMicrotask(() => this.#reportChanges())
    this.#changes[ids].add(id)
  }

  #reportChanges(): void {
    const changes = this.#changes
    this.#changes = { productIds: new Set(), itemIds: new Set() }
    try {
      this.options.onRecordsChanged(changes)
    } catch (error) {
      // In a microtask nothing else would catch it, and it would end the process.
      this.options.log.warn({ err: error }, 'could not process changed products')
    }
  }
}
