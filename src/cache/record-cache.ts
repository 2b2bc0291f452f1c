import { LRUCache } from 'lru-cache'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Resource, Resources } from '../trackstar/client.js'
import { type CacheEntry, type FreshnessPolicy, freshUntil, withinStaleWindow } from './freshness.js'

/** What is held, by kind: whole records by id, and by SKU the ids of all products that have it. */
interface Kinds {
  product: Product
  item: InventoryItem
  sku: readonly string[]
}
type Kind = keyof Kinds

/** When a read was begun and when its answer was there, epoch ms. */
export interface ReadTimes {
  readonly begunAt: number
  readonly readAt: number
}

/** Told of each record that is taken in or out, with what it was before. */
export type ChangeListener = (
  ...change:
    | [kind: 'product', before: Product | undefined, after: Product | undefined]
    | [kind: 'item', before: InventoryItem | undefined, after: InventoryItem | undefined]
) => void

/** Bound on remembered absences, a store of their own: a flood of unknown SKUs must not push out a record. */
const maxAbsenceBytes = 8_000_000
/** What remembering an absence takes beside its key, about: with short keys it is nearly all. */
const absenceBytes = 250

/**
 * What this service holds of one connection, under the rules of the cache: newer wins, absence is knowledge, and what
 * is too old even for a failing upstream is gone. A Holdings belongs to one connection; its keys need not name it.
 */
export class RecordCache {
  readonly #records: EntryStore
  readonly #absences = createEntryStore(maxAbsenceBytes)
  #watcher: ChangeListener = () => {}

  constructor(
    maxBytes: number,
    private readonly policy: FreshnessPolicy,
    private readonly now: () => number,
  ) {
    this.#records = createEntryStore(maxBytes)
  }

  get state(): { records: StoreState; absences: StoreState } {
    return { records: this.#records.state, absences: this.#absences.state }
  }

  /** Records that the bound has put out, or never let in. Asked for with each answer, where `state` is not. */
  get evictions(): number {
    return this.#records.evictions
  }

  /** From now on `watcher` is told of every change. */
  watch(watcher: ChangeListener): void {
    this.#watcher = watcher
  }

  /** The record held under an id, however old. */
  peek<K extends 'product' | 'item'>(kind: K, id: string): CacheEntry<Kinds[K]> | undefined {
    return this.#records.get(nameOf(kind, id)) as CacheEntry<Kinds[K]> | undefined
  }

  /**
   * What is held under `key`, fresh or stale, or that it is known to be absent; undefined: nothing is known. A record
   * that is too old to be served stays all the same: a mirror may yet confirm it, and the bound sees to the rest.
   */
  find<K extends Kind>(kind: K, key: string): CacheEntry<Kinds[K]> | undefined {
    const name = nameOf(kind, key)
    const held = (this.#records.get(name) ?? this.#absences.get(name)) as CacheEntry<Kinds[K]> | undefined
    if (held && withinStaleWindow(held, this.now(), this.policy)) return held
    this.#absences.delete(name)
    return undefined
  }

  /** The products of a SKU, all of them; undefined where one has been evicted. As old as the look-up by SKU. */
  findProducts(sku: string): CacheEntry<readonly Product[]> | undefined {
    const ids = this.find('sku', sku)
    if (ids?.value === undefined) return ids as CacheEntry<never> | undefined
    const products: Product[] = []
    for (const id of ids.value) {
      const product = this.find('product', id)?.value
      // Evicted since, or no longer of this SKU: the look-up says nothing any more.
      if (product?.sku !== sku) return undefined
      products.push(product)
    }
    return { ...ids, value: products }
  }

  /**
   * Takes a record in, unless what is held is newer, and gives what is held then. A read begun after the held copy was
   * there always wins, so that one bad date cannot freeze a record; else the later `trackstar_updated_date` does.
   * What was known of its SKU without the product is forgotten, whichever way it came.
   */
  store<K extends 'product' | 'item'>(kind: K, record: Kinds[K], times: ReadTimes): CacheEntry<Kinds[K]> {
    if (kind === 'product') this.#forgetOtherwise(record)
    const held = this.#records.get(nameOf(kind, record.id)) as CacheEntry<Kinds[K]> | undefined
    if (held?.value && !isLater(times, held) && isOlder(record, held.value)) return held
    return this.#put(kind, record.id, record, times)
  }

  /** Takes out a record that upstream no longer has. */
  remove(kind: 'product' | 'item', id: string): void {
    const before = this.peek(kind, id)?.value
    this.#records.delete(nameOf(kind, id))
    if (before) this.#tell(kind, before, undefined)
  }

  /** Takes in that these, and no others, are the products of a SKU; none: the SKU is known to be absent. */
  storeSku(sku: string, products: readonly Product[], times: ReadTimes): CacheEntry<readonly Product[]> {
    // By id: a page that overlaps the one before must not make a SKU ambiguous.
    const kept = new Map<string, Product>()
    for (const product of products) {
      const { value = product } = this.store('product', product, times)
      // One that is held in a newer copy may have another SKU by now.
      if (value.sku === sku) kept.set(value.id, value)
    }
    if (kept.size === 0) return this.storeAbsence('sku', sku, times)
    return { ...this.#put('sku', sku, [...kept.keys()], times), value: [...kept.values()] }
  }

  /** Takes in the records of one page of a list, as far as their kind is held. */
  storeAll<R extends Resource>(resource: R, records: readonly Resources[R][], times: ReadTimes): void {
    if (resource === 'products') for (const record of records) this.store('product', record, times)
    if (resource === 'inventory') for (const record of records) this.store('item', record, times)
  }

  /** Takes in that upstream does not know `key`, unless a copy has been read since that was asked. */
  storeAbsence(kind: Kind, key: string, times: ReadTimes): CacheEntry<never> {
    const name = nameOf(kind, key)
    const absence = { value: undefined, ...times, freshUntil: freshUntil(times.readAt, this.policy.negativeTtlMs) }
    const held = this.#records.get(name)
    if (held === undefined || isLater(times, held)) {
      if (kind === 'sku') this.#records.delete(name)
      else this.remove(kind, key)
      this.#absences.set(name, absence, absenceBytes + Buffer.byteLength(key))
    }
    return absence
  }

  #put<K extends Kind>(kind: K, key: string, value: Kinds[K], times: ReadTimes): CacheEntry<Kinds[K]> {
    const name = nameOf(kind, key)
    const held = { value, ...times, freshUntil: freshUntil(times.readAt, this.policy.ttlMs) }
    const before = this.#records.get(name)?.value as Kinds[K] | undefined
    this.#records.set(name, held, Buffer.byteLength(JSON.stringify(value)))
    this.#absences.delete(name)
    if (kind !== 'sku') this.#tell(kind, before, value)
    return held
  }

  /** A look-up by SKU that did not bring this product is out of date. */
  #forgetOtherwise({ id, sku }: { id: string; sku?: string | null }): void {
    if (!sku) return
    const name = nameOf('sku', sku)
    this.#absences.delete(name)
    const ids = this.#records.get(name)?.value as readonly string[] | undefined
    if (ids && !ids.includes(id)) this.#records.delete(name)
  }

  #tell(kind: 'product' | 'item', before: unknown, after: unknown): void {
    if (kind === 'product') this.#watcher(kind, before as Product | undefined, after as Product | undefined)
    else this.#watcher(kind, before as InventoryItem | undefined, after as InventoryItem | undefined)
  }
}

const nameOf = (kind: Kind, key: string) => `${kind}:${key}`

/** Whether a read was begun after the held copy was there. One that is from the future was there before the clock was set back. */
const isLater = ({ begunAt, readAt }: ReadTimes, held: ReadTimes) => begunAt > held.readAt || held.readAt > readAt

interface Dated {
  readonly trackstar_updated_date?: string | null
}

/** Whether a record is to lose to the one that is held. Dates are whole seconds: of the same one, what is held stays. */
const isOlder = (record: Dated, held: Dated) => updatedAt(record) < updatedAt(held) || isOfSameTime(record, held)

/** Whether two records say that they were changed in the same second. */
export const isOfSameTime = (a: Dated, b: Dated) => Number.isFinite(updatedAt(a)) && updatedAt(a) === updatedAt(b)

/** Epoch ms of the record's last change upstream; a date that is none is older than any. */
export function updatedAt(record: Dated): number {
  const time = Date.parse(record.trackstar_updated_date ?? '')
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time
}

export interface StoreState {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly evictions: number
}

/**
 * Where what is held lies: the seam for a second level that replicas share. It knows no rule but its bound: what was
 * used longest ago goes when `bytes` would pass it. An entry larger than the bound is not kept.
 */
export interface EntryStore {
  get(key: string): CacheEntry<unknown> | undefined
  /** @param bytes the size of the value's JSON */
  set(key: string, held: CacheEntry<unknown>, bytes: number): void
  delete(key: string): void
  /** How many the bound has put out, or never let in. */
  readonly evictions: number
  readonly state: StoreState
}

/** A store in this process's memory. */
export function createEntryStore(maxBytes: number): EntryStore {
  let evictions = 0
  const cache = new LRUCache<string, CacheEntry<unknown>>({
    maxSize: maxBytes,
    dispose: (_value, _key, reason) => {
      if (reason === 'evict') evictions++
    },
  })
  return {
    get: (key) => cache.get(key),
    set(key, held, bytes) {
      if (bytes > maxBytes) evictions++
      cache.set(key, held, { size: Math.max(1, bytes) })
    },
    delete: (key) => void cache.delete(key),
    get evictions() {
      return evictions
    },
    get state() {
      return { entries: cache.size, bytes: cache.calculatedSize, maxBytes, evictions }
    },
  }
}
