import { LRUCache } from 'lru-cache'
import { orderOf } from '../records/dates.js'
import { idOf, isSameJson, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Resource, Resources } from '../trackstar/client.js'
import { type Clock, wallTimeAt } from '../trackstar/clock.js'
import type { RecordChange } from './change-stream.js'
import { createEntryStore, type EntryStore, type StoreState } from './entry-store.js'
import { type CacheEntry, type FreshnessPolicy, freshUntil, withinStaleWindow } from './freshness.js'
import { SharedMemory } from './shared-memory.js'

/** The kinds of entries: whole records by id, and the ids of all products of a SKU. */
interface Kinds {
  product: Product
  item: InventoryItem
  sku: readonly string[]
}
type Kind = keyof Kinds

/** The kinds of records, as opposed to lookups of them. */
export type RecordKind = Exclude<Kind, 'sku'>

/** When a read began and ended, in the clock's `elapsed` ms. */
export interface ReadTimes {
  readonly begunAt: number
  readonly readAt: number
}

/**
 * Called for each record that is stored or removed, with the record before and the entry after. The value of the entry is the
 * same object if the record is unchanged.
 */
export type ChangeListener = (
  ...change:
    | [kind: 'product', before: Product | undefined, after: CacheEntry<Product> | undefined]
    | [kind: 'item', before: InventoryItem | undefined, after: CacheEntry<InventoryItem> | undefined]
) => void

/** Memory of the caches of all connections. */
export interface CacheMemory {
  readonly records: SharedMemory
  /** Absences have memory of their own, so that many unknown SKUs do not evict records. */
  readonly absences: SharedMemory
}

/** @param maxBytes bound on the records of all caches that share the memory */
export const createCacheMemory = (maxBytes: number): CacheMemory => ({
  records: new SharedMemory(() => maxBytes),
  absences: new SharedMemory(() => maxAbsenceBytes),
})

const maxAbsenceBytes = 8_000_000
/** The approximate size of an absence without its key. */
const absenceBytes = 250
/** A delivery may be this late: Svix retries for more than a day. */
const latestDeliveryMs = 30 * 3600_000
/** Most removed records that are remembered for so long; the oldest are forgotten first. */
const maxRemoved = 50_000

/**
 * The records of one connection. Newer records win, absences are remembered, and entries that are too old even for a
 * failing upstream are not found. A cache belongs to one connection, so its keys do not include the connection.
 */
export class RecordCache {
  readonly #records: EntryStore
  readonly #absences: EntryStore
  /** When records were removed, in the clock's `elapsed` ms. */
  readonly #removed = new LRUCache<string, number>({ maxSize: maxRemoved, sizeCalculation: () => 1 })
  /** When a product of a SKU was last delivered, in the clock's `elapsed` ms: lookups from before may lack it. */
  readonly #deliveredSkus = new LRUCache<string, number>({ maxSize: maxRemoved, sizeCalculation: () => 1 })
  #watcher: ChangeListener = () => {}
  #onUndecided: (kind: RecordKind, id: string) => void = () => {}
  #onLearned: ((change: RecordChange) => void) | undefined
  #isAdopting = false

  /** @param isSpared whether records must not be evicted for other connections, because they are a whole catalog */
  constructor(
    memory: CacheMemory,
    private readonly policy: FreshnessPolicy,
    private readonly clock: Clock,
    isSpared: () => boolean = () => false,
  ) {
    this.#records = createEntryStore(memory.records, isSpared)
    this.#absences = createEntryStore(memory.absences)
  }

  get state(): { records: StoreState; absences: StoreState } {
    return { records: this.#records.state, absences: this.#absences.state }
  }

  /** Records that were evicted, or were too large to be stored. Cheaper than `state`. */
  get evictions(): number {
    return this.#records.evictions
  }

  /** Gives the memory back. The cache must not be used any more. */
  close(): void {
    this.#records.close()
    this.#absences.close()
  }

  /** Calls `watcher` for every change from now on, in place of an earlier watcher. */
  watch(watcher: ChangeListener): void {
    this.#watcher = watcher
  }

  /** From now on, calls `listener` when two copies of a record differ and nothing says which one is newer. */
  onUndecided(listener: (kind: RecordKind, id: string) => void): void {
    this.#onUndecided = listener
  }

  /** From now on, calls `listener` for each record that changes or is removed, unless it is adopted. */
  onLearned(listener: (change: RecordChange) => void): void {
    this.#onLearned = listener
  }

  /** Stores or removes a record, whatever is cached. */
  adopt({ kind, id, record, times }: RecordChange): void {
    this.#isAdopting = true
    try {
      if (record === undefined) {
        this.remove(kind, id, times.readAt)
        return
      }
      if (kind === 'product') this.#forgetOutdatedLookup(record, true)
      this.#put(kind, id, record, times)
    } finally {
      this.#isAdopting = false
    }
  }

  /** The records that are cached, and those that were removed lately. */
  *changes(): Generator<RecordChange> {
    for (const [name, entry] of this.#records.entries()) {
      const [kind, id] = partsOf(name)
      if (kind !== 'sku') yield { kind, id, record: entry.value as Product | InventoryItem, times: entry }
    }
    for (const [name, readAt] of this.#removed.entries()) {
      const [kind, id] = partsOf(name)
      if (kind !== 'sku') yield { kind, id, record: undefined, times: { begunAt: readAt, readAt } }
    }
  }

  /** The record with an id, however old. */
  peek<K extends RecordKind>(kind: K, id: string): CacheEntry<Kinds[K]> | undefined {
    return this.#records.get(nameOf(kind, id)) as CacheEntry<Kinds[K]> | undefined
  }

  /**
   * The entry of `key`, fresh or stale, or its absence; undefined if nothing is known. A record that is too old to be
   * served is not found, but stays until it is evicted: a mirror may still confirm it.
   */
  find<K extends Kind>(kind: K, key: string): CacheEntry<Kinds[K]> | undefined {
    const name = nameOf(kind, key)
    const entry = (this.#records.get(name) ?? this.#absences.get(name)) as CacheEntry<Kinds[K]> | undefined
    if (entry && withinStaleWindow(entry, this.clock.elapsed(), this.policy)) return entry
    this.#absences.delete(name)
    return undefined
  }

  /** All products of a SKU, as old as the lookup by SKU; undefined if one of them was evicted. */
  findProducts(sku: string): CacheEntry<readonly Product[]> | undefined {
    const ids = this.find('sku', sku)
    if (ids?.value === undefined) return ids as CacheEntry<never> | undefined
    const products: Product[] = []
    for (const id of ids.value) {
      const product = this.find('product', id)?.value
      // Evicted, or no longer of this SKU: the lookup is out of date.
      if (product === undefined || skuOf(product) !== sku) return undefined
      products.push(product)
    }
    return { ...ids, value: products }
  }

  /**
   * Stores a record unless the cached one is newer, and returns the entry that is cached then. A read that began after
   * the cached copy was read always wins, so that one wrong date cannot freeze a record; otherwise the later
   * `trackstar_updated_date` wins. If the dates do not tell, the cached copy stays, and the listener of `onUndecided` is to
   * read the record again. The same is true of a read that began before the record was removed: the record is not stored,
   * and the entry that is returned is not cached. A lookup of the product's SKU that lacks the product is forgotten.
   * @param bytes the size of the record as JSON, if it is known
   */
  store<K extends RecordKind>(kind: K, record: Kinds[K], times: ReadTimes, bytes?: number): CacheEntry<Kinds[K]> {
    const id = idOf(record)
    const name = nameOf(kind, id)
    const entry = this.#records.get(name) as CacheEntry<Kinds[K]> | undefined
    const removedAt = this.#removed.get(name)
    if (entry === undefined && removedAt !== undefined && times.begunAt <= removedAt) {
      this.#onUndecided(kind, id)
      return this.#entry(record, times, Number.NEGATIVE_INFINITY)
    }
    if (kind === 'product') this.#forgetOutdatedLookup(record, times.begunAt === Number.NEGATIVE_INFINITY)
    if (entry?.value && !isLater(times, entry)) {
      const order = orderOf(record, entry.value)
      if (order === undefined && !isSameJson(record, entry.value)) this.#onUndecided(kind, id)
      if (order !== 'newer') return entry
    }
    return this.#put(kind, id, record, times, { bytes })
  }

  /**
   * Stores a record that was delivered without having been cached. It is not served, because it may be outdated: the next
   * request reads it. But a read that began before the delivery does not replace it with an older copy.
   */
  storeUnread(kind: RecordKind, record: Product | InventoryItem): void {
    if (kind === 'product') this.#forgetOutdatedLookup(record, true)
    const times = { begunAt: Number.NEGATIVE_INFINITY, readAt: this.clock.elapsed() }
    this.#put(kind, idOf(record), record, times, { ttlMs: Number.NEGATIVE_INFINITY })
  }

  /** Forgets that a record, or the SKU of a product, was absent. */
  forgetAbsence(kind: RecordKind, record: Product | InventoryItem): void {
    this.#absences.delete(nameOf(kind, idOf(record)))
    if (kind === 'product') this.#forgetOutdatedLookup(record, true)
  }

  /**
   * Removes a record that upstream no longer has.
   * @param removedAt reads that began before this are older than the removal, in the clock's `elapsed` ms
   */
  remove(kind: RecordKind, id: string, removedAt = this.clock.elapsed()): void {
    const name = nameOf(kind, id)
    const before = this.peek(kind, id)?.value
    this.#records.delete(name)
    if (before === undefined) return
    this.#removed.set(name, removedAt)
    this.#notify(kind, before, undefined)
    this.#learned({ kind, id, record: undefined, times: { begunAt: removedAt, readAt: removedAt } })
  }

  /** Whether a record was removed so recently that deliveries from before may still arrive. */
  wasRemoved(kind: RecordKind, id: string): boolean {
    const removedAt = this.#removed.get(nameOf(kind, id))
    return removedAt !== undefined && this.clock.elapsed() - removedAt < latestDeliveryMs
  }

  /**
   * Stores these products as all products of a SKU; with none, stores the absence of the SKU. A lookup that began before
   * another product of the SKU was delivered is not stored.
   */
  storeSku(sku: string, products: readonly Product[], times: ReadTimes): CacheEntry<readonly Product[]> {
    // By id, since a page may repeat a product of the page before; that must not make the SKU ambiguous.
    const kept = new Map<string, Product>()
    for (const product of products) {
      const { value = product } = this.store('product', product, times)
      // A newer cached copy may have another SKU, and a product may have been removed since the read began.
      const id = idOf(value)
      if (skuOf(value) === sku && !this.#removed.has(nameOf('product', id))) kept.set(id, value)
    }
    if (kept.size === 0) return this.storeAbsence('sku', sku, times)
    if (this.#isOvertaken(sku, times)) return this.#entry([...kept.values()], times, Number.NEGATIVE_INFINITY)
    return { ...this.#put('sku', sku, [...kept.keys()], times), value: [...kept.values()] }
  }

  /** Stores the records of a page, of the given sizes as JSON, if they are known. Warehouses are not stored here. */
  storeAll<R extends Resource>(
    resource: R,
    records: readonly Resources[R][],
    times: ReadTimes,
    bytes: readonly (number | undefined)[] = [],
  ): void {
    for (const [index, record] of records.entries()) {
      if (resource === 'products') this.store('product', record, times, bytes[index])
      if (resource === 'inventory') this.store('item', record, times, bytes[index])
    }
  }

  /** Stores the absence of `key`, unless a record was read after the read of the absence began. */
  storeAbsence(kind: Kind, key: string, times: ReadTimes): CacheEntry<never> {
    const name = nameOf(kind, key)
    const absence = this.#entry(undefined, times, this.policy.negativeTtlMs)
    const entry = this.#records.get(name)
    if (kind === 'sku' && this.#isOvertaken(key, times)) return { ...absence, freshUntil: times.readAt }
    if (entry === undefined || isLater(times, entry)) {
      if (kind === 'sku') this.#records.delete(name)
      else this.remove(kind, key, times.readAt)
      this.#absences.set(name, absence, absenceBytes + Buffer.byteLength(key))
    }
    return absence
  }

  #put<K extends Kind>(
    kind: K,
    key: string,
    value: Kinds[K],
    times: ReadTimes,
    { ttlMs = this.policy.ttlMs, bytes: knownBytes }: { ttlMs?: number; bytes?: number | undefined } = {},
  ): CacheEntry<Kinds[K]> {
    const name = nameOf(kind, key)
    const before = this.#records.get(name)?.value as Kinds[K] | undefined
    // An unchanged record stays the same object, so that nothing is computed again for it.
    const isUnchanged = before !== undefined && isSameJson(before, value)
    const entry = this.#entry(isUnchanged ? before : value, times, ttlMs)
    const bytes = isUnchanged ? this.#records.bytesOf(name) : knownBytes || Buffer.byteLength(JSON.stringify(value))
    this.#records.set(name, entry, bytes)
    this.#absences.delete(name)
    this.#removed.delete(name)
    if (kind !== 'sku') {
      this.#notify(kind, before, entry)
      if (!isUnchanged) this.#learned({ kind, id: key, record: value as Product | InventoryItem, times })
    }
    return entry
  }

  #learned(change: RecordChange): void {
    if (!this.#isAdopting) this.#onLearned?.(change)
  }

  #entry<T>(value: T, { begunAt, readAt }: ReadTimes, ttlMs: number) {
    return { value, begunAt, readAt, freshUntil: freshUntil(readAt, ttlMs), wallTime: wallTimeAt(this.clock, readAt) }
  }

  /** Whether a product of the SKU was delivered after the lookup began. */
  #isOvertaken(sku: string, { begunAt }: ReadTimes): boolean {
    return begunAt <= (this.#deliveredSkus.get(sku) ?? Number.NEGATIVE_INFINITY)
  }

  /** Forgets a lookup of the product's SKU that lacks the product. */
  #forgetOutdatedLookup(product: Product, isDelivered: boolean): void {
    const sku = skuOf(product)
    if (sku === null) return
    if (isDelivered) this.#deliveredSkus.set(sku, this.clock.elapsed())
    const name = nameOf('sku', sku)
    this.#absences.delete(name)
    const ids = this.#records.get(name)?.value as readonly string[] | undefined
    if (ids && !ids.includes(idOf(product))) this.#records.delete(name)
  }

  #notify(...change: [kind: RecordKind, before: unknown, after: CacheEntry<unknown> | undefined]): void {
    this.#watcher(...(change as Parameters<ChangeListener>))
  }
}

const nameOf = (kind: Kind, key: string) => `${kind}:${key}`

function partsOf(name: string): [kind: Kind, key: string] {
  const colon = name.indexOf(':')
  return [name.slice(0, colon) as Kind, name.slice(colon + 1)]
}

/** Whether a read began after the cached copy was read. */
const isLater = ({ begunAt }: ReadTimes, entry: ReadTimes) => begunAt > entry.readAt
