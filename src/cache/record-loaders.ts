import { type Problem, problem } from '../errors.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MalformedRecord } from '../records/record.js'
import type { Batch, PullKeys, Resource, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import type { RateLimiter } from '../trackstar/rate-limiter.js'
import { BatchLoader } from './batch-loader.js'
import type { CacheEntry } from './freshness.js'
import { LossGuard } from './loss-guard.js'
import type { ReadTimes, RecordCache } from './record-cache.js'

export interface RecordLoaderParts {
  readonly trackstar: TrackstarClient
  readonly budget: RateLimiter
  readonly clock: Clock
  readonly holdings: RecordCache
  /** The products that are known to have a SKU, as far as the whole catalog is known. */
  readonly knownProductIds: (sku: string) => readonly string[]
  /** Told how many keys a call carried. */
  readonly onBatch: (resource: Resource, keys: number) => void
  /** Resources whose first copy upstream has not finished. */
  readonly incomplete: () => readonly string[]
  /** Told how many held records of a resource a batch did not bring, and that this is not believed yet. */
  readonly onDoubt: (resource: Resource, gone: number) => void
  /** Told of each record that was left out because it cannot be what it claims. */
  readonly onMalformed: (resource: Resource, malformed: MalformedRecord) => void
}

export interface RecordLoaders {
  /** All products of a SKU. */
  readonly products: BatchLoader<CacheEntry<readonly Product[]>>
  /** Inventory items by id. */
  readonly items: BatchLoader<CacheEntry<InventoryItem>>
}

/** So many records may be gone at once without being doubted. */
const unsurprising = 2

/** Not there this time, and not to be remembered. */
const unremembered = (times: ReadTimes): CacheEntry<never> => ({ value: undefined, ...times, freshUntil: times.readAt })

/** What reads upstream for what is not held, and takes the answers in. */
export function recordLoaders(parts: RecordLoaderParts): RecordLoaders {
  const { trackstar, budget, clock, holdings } = parts

  /** Runs a batch and tells when it was begun and done. */
  async function timed<R>(
    resource: Resource,
    pull: PullKeys,
    run: (pull: PullKeys) => Promise<Batch<R> | undefined>,
  ): Promise<{ batch: Batch<R>; times: ReadTimes } | undefined> {
    let begunAt = clock.now()
    const batch = await run(() => {
      begunAt = clock.now()
      return pull()
    })
    if (batch === undefined) return undefined
    parts.onBatch(resource, batch.asked.length)
    for (const malformed of batch.malformed) parts.onMalformed(resource, malformed)
    return { batch, times: { begunAt, readAt: clock.now() } }
  }

  const losses = new LossGuard(unsurprising)

  const products = new BatchLoader<CacheEntry<readonly Product[]>>(
    'skus',
    async (pull, errand) => {
      const done = await timed('products', pull, (timedPull) => trackstar.productsBySku(timedPull, errand))
      return done && answerSkus(done.batch, done.times)
    },
    budget,
    clock,
  )

  const items = new BatchLoader<CacheEntry<InventoryItem>>(
    'items',
    async (pull, errand) => {
      const done = await timed('inventory', pull, (timedPull) => trackstar.inventoryByIds(timedPull, errand))
      return done && answerItems(done.batch, done.times)
    },
    budget,
    clock,
  )

  /**
   * Whether the absence of what a batch did not bring is to be believed: not while upstream's first copy is unfinished,
   * and not at once where most of what was held, and more than a few, is suddenly gone. What is gone twice is gone.
   */
  function believe(resource: Resource, held: readonly string[], isThere: (key: string) => boolean): boolean {
    if (parts.incomplete().includes(resource)) return false
    const gone = held.filter((key) => !isThere(key))
    for (const key of held) if (isThere(key)) losses.clear(`${resource}:${key}`)
    const keys = gone.map((key) => `${resource}:${key}`)
    const isBelieved = losses.believes({ missing: gone.length, known: held.length, keys })
    if (!isBelieved) parts.onDoubt(resource, gone.length)
    return isBelieved
  }

  /** Matched by SKU, never by position. */
  function answerSkus(batch: Batch<Product>, times: ReadTimes): Map<string, CacheEntry<readonly Product[]> | Problem> {
    const bySku = new Map(batch.asked.map((sku) => [sku, [] as Product[]]))
    for (const product of batch.records) bySku.get(product.sku ?? '')?.push(product)
    const held = batch.asked.filter((sku) => holdings.findProducts(sku)?.value !== undefined)
    const isBelievable = believe('products', held, (sku) => bySku.get(sku)?.length !== 0)
    const answer = (sku: string, found: readonly Product[]) => {
      const fault = faultOf(batch.malformed, 'sku', sku, found.length > 0)
      if (fault) return fault
      const there = new Set([...found, ...batch.malformed].map(({ id }) => id))
      if (found.length === 0 && !isBelievable) return holdings.findProducts(sku) ?? unremembered(times)
      const gone = isBelievable ? parts.knownProductIds(sku).filter((id) => !there.has(id)) : []
      for (const id of gone) holdings.keepAbsence('product', id, times)
      return holdings.keepSku(sku, found, times)
    }
    return new Map(Array.from(bySku, ([sku, found]) => [sku, answer(sku, found)]))
  }

  /** Matched by id, never by position. */
  function answerItems(
    batch: Batch<InventoryItem>,
    times: ReadTimes,
  ): Map<string, CacheEntry<InventoryItem> | Problem> {
    const there = new Set(batch.records.map(({ id }) => id))
    const held = batch.asked.filter((id) => holdings.find('item', id)?.value !== undefined)
    const isForeign = there.size > 0 && !batch.asked.some((id) => there.has(id))
    // An answer to another question is no word on this one.
    const isBelievable = !isForeign && believe('inventory', held, (id) => there.has(id))
    const byId = new Map<string, CacheEntry<InventoryItem>>()
    // Each in its turn: of one that came twice the newer wins.
    for (const item of batch.records) byId.set(item.id, holdings.keep('item', item, times))
    const answer = (id: string) => {
      const found = byId.get(id)
      if (found !== undefined) return found
      if (isForeign) return problem('upstream_invalid_response', 'Trackstar gave other records than it was asked for')
      const fault = faultOf(batch.malformed, 'id', id, false)
      if (fault !== undefined) return fault
      return isBelievable ? holdings.keepAbsence('item', id, times) : (holdings.find('item', id) ?? unremembered(times))
    }
    return new Map(batch.asked.map((id) => [id, answer(id)]))
  }

  return { products, items }
}

/**
 * What is wrong with the answer for one key: a malformed record that is the key's own, or one that does not even say
 * whose it is, while none was found for the key. Absence must not be concluded from it.
 */
function faultOf(malformed: readonly MalformedRecord[], field: 'id' | 'sku', key: string, isFound: boolean) {
  const fault = malformed.find((record) => record[field] === key || (record[field] === undefined && !isFound))
  return (
    fault && problem('upstream_invalid_response', `Trackstar's record is malformed: ${fault.path} ${fault.message}`)
  )
}
