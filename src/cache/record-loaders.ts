import { type Problem, problem } from '../errors.js'
import { idOf, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MalformedRecord } from '../records/record.js'
import type { Batch, Resource, TrackstarClient } from '../trackstar/client.js'
import { type Clock, wallTimeAt } from '../trackstar/clock.js'
import type { RateLimiter } from '../trackstar/rate-limiter.js'
import { BatchLoader } from './batch-loader.js'
import { asUnsettled, type CacheEntry } from './freshness.js'
import { LossGuard } from './loss-guard.js'
import type { ReadTimes, RecordCache, RecordKind } from './record-cache.js'

export interface RecordLoadersOptions {
  readonly trackstar: Pick<TrackstarClient, 'productsBySku' | 'recordsByIds'>
  readonly limiter: RateLimiter
  readonly clock: Clock
  readonly cache: RecordCache
  /** The products of a SKU that are in memory. */
  readonly findProducts: (sku: string) => CacheEntry<readonly Product[]> | undefined
  /** The item that is in memory. */
  readonly findItem: (id: string) => CacheEntry<InventoryItem> | undefined
  /**
   * Reads a record that an answer lacked again before it is removed, and returns whether it does so. Without it, or if it
   * returns false, one answer is believed.
   */
  readonly confirmAbsence?: ((kind: RecordKind, id: string) => boolean) | undefined
  /** The resources whose first sync upstream has not finished. */
  readonly incomplete: () => readonly string[]
  /** How long the failure of a single key is remembered, in ms. */
  readonly failureTtlMs: number
  /** Whether upstream answers other calls now, so that a failure is the fault of the keys. */
  readonly isUpstreamWell: () => Promise<boolean>
  /** Called with the number of keys in each call. */
  readonly onBatch: (resource: Resource, keys: number) => void
  /** Called when an answer lacks so many cached records that the loss is not believed yet. */
  readonly onSuspectedLoss: (resource: Resource, missing: number) => void
  /** Called for each record that is omitted because it is malformed. */
  readonly onMalformed: (resource: Resource, malformed: MalformedRecord) => void
}

export interface RecordLoaders {
  /** All products of a SKU. */
  readonly products: BatchLoader<CacheEntry<readonly Product[]>>
  /** Inventory items by id. */
  readonly items: BatchLoader<CacheEntry<InventoryItem>>
}

/** A loss of at most this many records is believed at once. */
const plausibleLoss = 2

/** A record that is absent from an answer which is not to be believed. */
const uncachedAbsence = (times: ReadTimes, clock: Clock): CacheEntry<never> => ({
  value: undefined,
  ...times,
  freshUntil: times.readAt,
  wallTime: wallTimeAt(clock, times.readAt),
})

/** The loaders that read missing records from upstream and put them into the cache. */
export function createRecordLoaders(options: RecordLoadersOptions): RecordLoaders {
  const { trackstar, limiter, clock, cache, failureTtlMs, isUpstreamWell } = options
  const losses = new LossGuard(plausibleLoss)
  const confirmAbsence = options.confirmAbsence ?? (() => false)

  /** Reads and reports a batch. */
  async function timed<R>(
    resource: Resource,
    keys: readonly string[],
    read: () => Promise<Batch<R>>,
  ): Promise<{ batch: Batch<R>; times: ReadTimes }> {
    const begunAt = clock.elapsed()
    const batch = await read()
    options.onBatch(resource, keys.length)
    for (const malformed of batch.malformed) options.onMalformed(resource, malformed)
    return { batch, times: { begunAt, readAt: clock.elapsed() } }
  }

  const products = new BatchLoader<CacheEntry<readonly Product[]>>({
    name: 'skus',
    limiter,
    clock,
    failureTtlMs,
    isUpstreamWell,
    async readBatch(skus, callOptions) {
      const { batch, times } = await timed('products', skus, () => trackstar.productsBySku(skus, callOptions))
      return cacheProducts(skus, batch, times)
    },
  })

  const items = new BatchLoader<CacheEntry<InventoryItem>>({
    name: 'items',
    limiter,
    clock,
    failureTtlMs,
    isUpstreamWell,
    async readBatch(ids, callOptions) {
      const { batch, times } = await timed('inventory', ids, () =>
        trackstar.recordsByIds('inventory', ids, callOptions),
      )
      return cacheItems(ids, batch, times)
    },
  })

  /** Whether cached records that an answer lacks no longer exist: never while upstream's first sync is unfinished. */
  function believesLoss(resource: Resource, cached: readonly string[], isPresent: (key: string) => boolean): boolean {
    if (options.incomplete().includes(resource)) return false
    const name = (key: string) => `${resource}:${key}`
    for (const key of cached) if (isPresent(key)) losses.clear(name(key))
    const missing = cached.filter((key) => !isPresent(key))
    const isBelieved = losses.believes({ missing: missing.length, known: cached.length, keys: missing.map(name) })
    if (!isBelieved) options.onSuspectedLoss(resource, missing.length)
    return isBelieved
  }

  /** Products are matched by SKU, never by position. */
  function cacheProducts(
    skus: readonly string[],
    { records, malformed }: Batch<Product>,
    times: ReadTimes,
  ): Map<string, CacheEntry<readonly Product[]> | Problem> {
    const bySku = new Map(skus.map((sku) => [sku, [] as Product[]]))
    for (const product of records) bySku.get(skuOf(product) ?? '')?.push(product)
    const cached = skus.filter((sku) => options.findProducts(sku)?.value !== undefined)
    // Upstream may take no notice of case and outer space. That is no sign that it ignores the SKUs altogether.
    const requested = new Set(skus.map(folded))
    const isAsRequested = records.some((product) => requested.has(folded(skuOf(product) ?? '')))
    const isForeign = records.length > 0 && malformed.length === 0 && !isAsRequested
    const isLossBelieved = !isForeign && believesLoss('products', cached, (sku) => bySku.get(sku)?.length !== 0)
    const result = (sku: string, found: readonly Product[]) => {
      const entry = options.findProducts(sku)
      if (isForeign && entry?.value !== undefined) return foreignAnswer('products')
      const fault = isForeign ? foreignAnswer('products') : faultOf(malformed, 'sku', sku, found.length > 0)
      if (fault) {
        products.rememberFailure(sku, fault)
        return fault
      }
      const presentIds = new Set([...found.map(idOf), ...malformed.map(({ id }) => id)])
      const kept = (entry?.value ?? []).filter((product) => {
        const id = idOf(product)
        return !presentIds.has(id) && confirmAbsence('product', id)
      })
      if (entry && kept.length > 0) {
        const stored = found.map((product) => cache.store('product', product, times).value ?? product)
        return asUnsettled(
          { ...entry, value: [...stored.filter((product) => skuOf(product) === sku), ...kept] },
          times.readAt,
        )
      }
      if (found.length === 0 && !isLossBelieved) return entry ?? uncachedAbsence(times, clock)
      return cache.storeSku(sku, found, times)
    }
    return new Map(Array.from(bySku, ([sku, found]) => [sku, result(sku, found)]))
  }

  /** Items are matched by id, never by position. */
  function cacheItems(
    ids: readonly string[],
    { records, malformed }: Batch<InventoryItem>,
    times: ReadTimes,
  ): Map<string, CacheEntry<InventoryItem> | Problem> {
    const presentIds = new Set(records.map(idOf))
    const cached = ids.filter((id) => options.findItem(id)?.value !== undefined)
    const isForeign = presentIds.size > 0 && !ids.some((id) => presentIds.has(id))
    const isLossBelieved = !isForeign && believesLoss('inventory', cached, (id) => presentIds.has(id))
    const byId = new Map<string, CacheEntry<InventoryItem>>()
    // One by one: if an item is there twice, the newer copy wins.
    for (const item of records) byId.set(idOf(item), cache.store('item', item, times))
    const result = (id: string) => {
      const found = byId.get(id)
      if (found !== undefined) return found
      const entry = options.findItem(id)
      if (isForeign && entry?.value !== undefined) return foreignAnswer('items')
      const fault = isForeign ? foreignAnswer('items') : faultOf(malformed, 'id', id, false)
      if (fault) {
        items.rememberFailure(id, fault)
        return fault
      }
      if (entry?.value !== undefined && confirmAbsence('item', id)) return asUnsettled(entry, times.readAt)
      if (isLossBelieved) return cache.storeAbsence('item', id, times)
      return entry ?? uncachedAbsence(times, clock)
    }
    return new Map(ids.map((id) => [id, result(id)]))
  }

  return { products, items }
}

/**
 * An answer with none of the requested records, but others, says nothing about the requested ones. The failure is remembered
 * only where nothing is cached, since each request would read again.
 */
const foreignAnswer = (what: string) =>
  problem('upstream_invalid_response', `Trackstar returned none of the requested ${what}, but others`)

const folded = (sku: string) => sku.trim().toLowerCase()

/**
 * The problem of one key: a malformed record of this key, or a malformed record of unknown identity if nothing was found
 * for the key. The absence of the key must not be concluded from such an answer.
 */
function faultOf(malformed: readonly MalformedRecord[], field: 'id' | 'sku', key: string, isFound: boolean) {
  const fault = malformed.find((record) => record[field] === key || (record[field] === undefined && !isFound))
  return (
    fault &&
    problem('upstream_invalid_response', `Trackstar returned a malformed record: ${fault.path} ${fault.message}`)
  )
}
