import type { CacheEntry, FreshnessPolicy } from '../cache/freshness.js'
import type { RecordCache } from '../cache/record-cache.js'
import type { WarehousesById } from '../cache/warehouse-list.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MalformedRecord } from '../records/record.js'
import type { ListedPage } from '../trackstar/client.js'
import { CatalogIndex } from './catalog-index.js'
import type { Followed, MirrorOptions, MirrorState, MirrorTarget } from './mirror.js'

const kinds = { products: 'product', inventory: 'item' } as const

export interface MirrorStoreOptions {
  readonly holdings: RecordCache
  readonly policy: FreshnessPolicy
  /** Epoch ms. */
  readonly now: () => number
  readonly warehouses: () => WarehousesById
  /** Told which products a change of a record may have touched: its own, or those that draw on the item. */
  readonly onTouched: (productIds: ReadonlySet<string>) => void
  readonly onState: (state: MirrorState) => void
  readonly onMalformed: (resource: Followed, malformed: MalformedRecord) => void
  readonly log: Pick<MirrorOptions['log'], 'warn'>
}

/**
 * The holdings seen as the whole catalog, once the mirror has read it: what is not here does not exist, and all of it
 * is as fresh as the last look at what has changed.
 */
export class MirrorStore implements MirrorTarget {
  readonly index = new CatalogIndex()
  readonly #itemIds = new Set<string>()
  /** SKUs, and ids of items, of which upstream's last word made no sense. */
  readonly #unsound = { products: new Set<string>(), inventory: new Set<string>() }
  readonly #evictionsBefore: number
  #touched = new Set<string>()
  #confirmedAt = Number.NEGATIVE_INFINITY
  #state: MirrorState = 'loading'

  constructor(private readonly parts: MirrorStoreOptions) {
    this.#evictionsBefore = parts.holdings.evictions
    parts.holdings.watch((kind, before, after) => {
      if (kind === 'product') this.#productChanged(before, after)
      else this.#itemChanged(before, after)
    })
  }

  /** Whether what is here is the whole truth: followed, nothing lost, and not for too long without a word from upstream. */
  get isWhole(): boolean {
    const { now, policy } = this.parts
    return this.#state === 'live' && this.fits && now() < this.#confirmedAt + policy.ttlMs + policy.maxStaleMs
  }

  get fits(): boolean {
    return this.parts.holdings.evictions === this.#evictionsBefore
  }

  /** Whether upstream's last word of a SKU or an item made sense: if not, what is here cannot vouch for it. */
  isSound(resource: Followed, key: string): boolean {
    return !this.#unsound[resource].has(key)
  }

  findProducts(sku: string): CacheEntry<readonly Product[]> {
    const value: Product[] = []
    let readAt = Number.POSITIVE_INFINITY
    for (const id of this.index.productIdsOfSku(sku)) {
      const held = this.parts.holdings.peek('product', id)
      if (held === undefined) continue
      readAt = Math.min(readAt, held.readAt)
      if (held.value !== undefined) value.push(held.value)
    }
    return value.length === 0 ? this.#absent : this.#confirmed({ value, begunAt: readAt, readAt, freshUntil: 0 })
  }

  findItem(id: string): CacheEntry<InventoryItem> {
    const held = this.parts.holdings.peek('item', id)
    return held?.value === undefined ? this.#absent : this.#confirmed(held)
  }

  product(id: string): Product | undefined {
    return this.parts.holdings.peek('product', id)?.value
  }

  item(id: string): InventoryItem | undefined {
    return this.parts.holdings.peek('item', id)?.value
  }

  warehouses(): WarehousesById {
    return this.parts.warehouses()
  }

  productIds(): ReadonlySet<string> {
    return this.index.productIds
  }

  take<R extends Followed>(resource: R, page: ListedPage<R>, begunAt: number): void {
    for (const malformed of page.malformed) {
      this.parts.onMalformed(resource, malformed)
      const key = resource === 'products' ? malformed.sku : malformed.id
      if (key !== undefined) this.#unsound[resource].add(key)
    }
    this.parts.holdings.keepAll(resource, page.records, { begunAt, readAt: this.parts.now() })
  }

  idsBefore(resource: Followed, time: number): string[] {
    const ids = resource === 'products' ? this.index.productIds : this.#itemIds
    return [...ids].filter((id) => (this.parts.holdings.peek(kinds[resource], id)?.readAt ?? time) < time)
  }

  remove(resource: Followed, id: string): void {
    this.parts.holdings.remove(kinds[resource], id)
  }

  count(resource: Followed): number {
    return resource === 'products' ? this.index.productIds.size : this.#itemIds.size
  }

  confirm(time: number): void {
    this.#confirmedAt = time
  }

  stateChanged(state: MirrorState): void {
    this.#state = state
    if (state === 'off') this.#letGo()
    this.parts.onState(state)
  }

  /** What is only read through comes and goes unsaid: an index of it would grow for ever. */
  #letGo(): void {
    this.parts.holdings.watch(() => {})
    this.index.clear()
    for (const keys of [this.#itemIds, ...Object.values(this.#unsound)]) keys.clear()
  }

  /** Upstream has no such thing, for as long as this is the whole truth: a new one is announced. */
  get #absent(): CacheEntry<never> {
    const readAt = this.#confirmedAt
    return { value: undefined, begunAt: readAt, readAt, freshUntil: Number.POSITIVE_INFINITY }
  }

  #confirmed<T>(held: CacheEntry<T>): CacheEntry<T> {
    const readAt = Math.max(held.readAt, this.#confirmedAt)
    return { value: held.value, begunAt: held.begunAt, readAt, freshUntil: readAt + this.parts.policy.ttlMs }
  }

  #productChanged(before: Product | undefined, after: Product | undefined): void {
    if (before) this.index.remove(before)
    if (after) this.index.add(after)
    if (after?.sku) this.#unsound.products.delete(after.sku)
    for (const product of [before, after]) if (product) this.#touch([product.id])
  }

  #itemChanged(before: InventoryItem | undefined, after: InventoryItem | undefined): void {
    if (before) this.#itemIds.delete(before.id)
    if (after) this.#itemIds.add(after.id)
    if (after) this.#unsound.inventory.delete(after.id)
    for (const item of [before, after]) if (item) this.#touch(this.index.productIdsOfItem(item.id))
  }

  /** Told together when the work at hand is done: a kit whose items all change is looked at once. */
  #touch(productIds: readonly string[]): void {
    if (this.#state !== 'live' || productIds.length === 0) return
    if (this.#touched.size === 0) queueMicrotask(() => this.#tell())
    for (const id of productIds) this.#touched.add(id)
  }

  #tell(): void {
    const touched = this.#touched
    this.#touched = new Set()
    try {
      this.parts.onTouched(touched)
    } catch (error) {
      this.parts.log.warn({ err: error }, 'could not tell what a change has touched')
    }
  }
}
