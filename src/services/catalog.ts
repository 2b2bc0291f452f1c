import { setTimeout as sleep } from 'node:timers/promises'
import { ConcurrencyLimit } from '../cache/concurrency-limit.js'
import type { CacheEntry, FreshnessPolicy } from '../cache/freshness.js'
import type { ReadContext } from '../cache/read-context.js'
import {
  completesWithin,
  type LookupOutcome,
  type ReadResult,
  type ReadThrough,
  readThrough,
  requestTimedOut,
} from '../cache/read-through.js'
import { RecordCache, updatedAt } from '../cache/record-cache.js'
import { createRecordLoaders, type RecordLoadersOptions } from '../cache/record-loaders.js'
import { SyncStatus } from '../cache/sync-status.js'
import { WarehouseList, type WarehousesById } from '../cache/warehouse-list.js'
import { Mirror, type MirrorOptions, type MirrorProgress } from '../mirror/mirror.js'
import { type MirroredResource, MirrorStore, type MirrorStoreOptions } from '../mirror/mirror-store.js'
import { createWebhookReceiver, type WebhookDelivery, type WebhookOutcome } from '../mirror/webhook-deliveries.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Page } from '../records/record.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Adjust, Adjusted, Adjustment } from '../trackstar/adjustments.js'
import type { Resource, Resources, TrackstarClient } from '../trackstar/client.js'
import type { Filters } from '../trackstar/query.js'

export interface CatalogParts
  extends Omit<RecordLoadersOptions, 'cache' | 'trackstar' | 'knownProductIds' | 'incomplete'> {
  readonly trackstar: TrackstarClient
  readonly adjust: Adjust
  readonly policy: FreshnessPolicy
  readonly maxBytes: number
  /** How long one request, and so a refresh behind an answer, may take. */
  readonly requestTimeoutMs: number
  /** The connection's id, where it is known: without it, upstream's own state stays unknown. */
  readonly connectionId: string | undefined
  /** Told why what no answer depends on (warehouses, upstream's own state) could not be read. */
  readonly onFailure: (what: string, error: unknown) => void
  /** Set: the whole catalog is mirrored. */
  readonly mirror?: Pick<MirrorOptions, 'syncIntervalMs' | 'fullCompareMs' | 'log'> &
    Pick<MirrorStoreOptions, 'onProductsAffected' | 'onStateChange'>
}

/** All that this service knows of one connection: what it holds, and what it can read. */
export interface Catalog {
  /** All products of each SKU; one that upstream does not know has the value undefined. */
  readonly productsBySku: ReadThrough<readonly Product[]>
  /** Inventory items by id. */
  readonly itemsById: ReadThrough<InventoryItem>
  /** The connection's warehouses, as far as they can be had in time. */
  warehouses(reading: ReadContext): Promise<WarehousesById>
  /** One warehouse by id; the value is undefined where upstream does not know it. */
  warehouse(id: string, reading: ReadContext): Promise<ReadResult<Warehouse>>
  /** One page of upstream's own list. Never from what is held, but its records are taken in. */
  list<R extends Resource>(resource: R, filters: Filters, reading: ReadContext): Promise<Page<Resources[R]>>
  /** What Trackstar says of its own copy, as far as it is known; asking again is left to the background. */
  connectionState(reading?: ReadContext): SyncState | undefined
  /** The resources that are not to be taken for the whole: upstream's first copy is not finished, or looks so. */
  incomplete(reading?: ReadContext): readonly string[]
  /** Writes an adjustment straight through; the item that comes back replaces what is held. */
  adjust(id: string, adjustment: Adjustment, idempotencyKey: string, reading: ReadContext): Promise<Adjusted>
  /** Makes one cheap read behind everybody, unless one was made just now: for whether upstream can be asked at all. */
  probe(): void
  /** Takes in what upstream announces. */
  receive(event: WebhookDelivery): WebhookOutcome
  /** The whole catalog; undefined in `on-demand` mode. */
  readonly mirrored: MirrorStore | undefined
  /** Begins to mirror, where that is wanted. */
  start(): void
  stop(): void
  /** What an operator wants to know. */
  readonly state: CatalogState
}

/** How much is held, how look-ups came since the start, and how many keys wait for a call. */
export interface CatalogState {
  readonly stores: RecordCache['state']
  readonly lookups: Readonly<Record<LookupOutcome, number>>
  readonly keysWaiting: number
  readonly requestsWaiting: number
  readonly mirror: (MirrorProgress & Readonly<Record<Resource, number>>) | null
}

/** Requests that may wait for upstream at a time: some 40 kB each, and more than a cold herd for one SKU. */
const maxWaitingRequests = 2000

/** Least time between two probes. */
const probeMs = 5000

export function createCatalog(parts: CatalogParts): Catalog {
  const { trackstar, clock, policy, requestTimeoutMs, onFailure } = parts
  const holdings = new RecordCache(parts.maxBytes, policy, clock.now)
  const lookups: Record<LookupOutcome, number> = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const waiting = new ConcurrencyLimit(maxWaitingRequests)
  const readParts = { clock, policy, refreshTimeoutMs: requestTimeoutMs, lookups, waiting }
  const warehouseList = new WarehouseList({ trackstar, clock, timeoutMs: requestTimeoutMs, onFailure })
  const status = new SyncStatus({
    trackstar,
    connectionId: parts.connectionId,
    clock,
    timeoutMs: requestTimeoutMs,
    onFailure,
  })
  const { mirrored, mirror } = mirroring(parts, holdings, status, () => warehouseList.known)
  const knownProductIds = (sku: string) => mirrored?.index.productIdsOfSku(sku) ?? []
  const incomplete = () => status.incomplete
  let probedAt = Number.NEGATIVE_INFINITY
  const { products, items } = createRecordLoaders({
    ...parts,
    cache: holdings,
    knownProductIds,
    incomplete,
  })
  const isFollowed = () => mirrored?.isAuthoritative ?? false

  /** Whether what the mirror does not hold does not exist: not while upstream's own copy is unfinished, or empty. */
  const vouches = (resource: MirroredResource) =>
    mirrored !== undefined && mirrored.count(resource) > 0 && !incomplete().includes(resource)
  function findProducts(sku: string): CacheEntry<readonly Product[]> | undefined {
    const found =
      mirrored?.isAuthoritative && !mirrored.isMalformed('products', sku) ? mirrored.findProducts(sku) : undefined
    return found?.value !== undefined || (found && vouches('products')) ? found : holdings.findProducts(sku)
  }
  function findItem(id: string): CacheEntry<InventoryItem> | undefined {
    const found =
      mirrored?.isAuthoritative && !mirrored.isMalformed('inventory', id) ? mirrored.findItem(id) : undefined
    return found?.value !== undefined || (found && vouches('inventory')) ? found : holdings.find('item', id)
  }

  /** Reads one record again, behind everybody's back. */
  async function readAgain(kind: 'product' | 'item', id: string): Promise<void> {
    const deadline = clock.elapsed() + requestTimeoutMs
    const demand = { priority: 'refresh', caller: 'webhook', deadline } as const
    const heardAt = clock.now()
    try {
      if (kind === 'item') {
        const { begunAt } = await items.load(id, demand)
        // A read that was under way already may not show what was announced.
        if (begunAt < heardAt) await items.load(id, demand)
      } else {
        const begunAt = clock.now()
        const bid = { ...demand, deadline: () => deadline }
        const { records } = await trackstar.list(
          'products',
          { 'ids[in]': id },
          { permitRequest: bid, cause: 'refresh' },
        )
        const times = { begunAt, readAt: clock.now() }
        holdings.storeAll('products', records, times)
        if (records.length === 0) holdings.storeAbsence('product', id, times)
      }
    } catch (error) {
      onFailure('record of a truncated delivery', error)
    }
  }

  const receive = createWebhookReceiver({
    cache: holdings,
    warehouses: warehouseList,
    syncStatus: status,
    now: clock.now,
    refresh: (kind, id) => void readAgain(kind, id),
    isKnownAbsent: (kind, id) => {
      const isKnown = kind === 'item' ? findItem(id) : holdings.find('product', id)
      return isKnown === undefined ? isFollowed() : isKnown.value === undefined
    },
  })

  return {
    productsBySku: readThrough({ find: findProducts, loader: products, isFollowed }, readParts),
    itemsById: readThrough({ find: findItem, loader: items, isFollowed }, readParts),
    warehouses: (reading) => warehouseList.names(reading),
    warehouse: (id, reading) => warehouseList.find(id, reading),
    connectionState: (reading) => status.get(!reading?.directives.onlyIfCached),
    incomplete(reading) {
      const known = status.get(!reading?.directives.onlyIfCached)?.incomplete ?? []
      const doubtful = mirror && isFollowed() ? mirror.progress.unreliableResources : []
      return [...new Set([...known, ...doubtful])]
    },
    async list(resource, filters, reading) {
      const { caller, deadline } = reading
      const bid = { priority: 'caller', caller, deadline: () => deadline } as const
      const refusal = reading.onlyIfCachedProblem()
      if (refusal) throw refusal
      const begunAt = clock.now()
      reading.calls.add({})
      const work = trackstar.list(resource, filters, { permitRequest: bid, cause: 'list' })
      if (!(await completesWithin(work, deadline - clock.elapsed()))) {
        work.catch(() => {})
        throw requestTimedOut()
      }
      const page = await work
      for (const malformed of page.malformed) parts.onMalformed(resource, malformed)
      holdings.storeAll(resource, page.records, { begunAt, readAt: clock.now() })
      return page
    },
    async adjust(id, adjustment, idempotencyKey, { caller, deadline, calls }) {
      const begunAt = clock.now()
      calls.add({})
      const bid = { priority: 'caller', caller, deadline: () => deadline } as const
      const adjusted = await parts.adjust(id, adjustment, idempotencyKey, bid)
      const { item, isReplay } = adjusted
      const held = item && holdings.peek('item', item.id)?.value
      // The record of a replay is that of the first reply: old by now, unless that was lost on its way.
      const isNews = !isReplay || (held && updatedAt(item) > updatedAt(held))
      if (item && isNews) holdings.store('item', item, { begunAt, readAt: clock.now() })
      return adjusted
    },
    probe() {
      if (clock.elapsed() - probedAt < probeMs) return
      probedAt = clock.elapsed()
      const deadline = probedAt + requestTimeoutMs
      const bid = { priority: 'refresh', caller: 'probe', deadline: () => deadline } as const
      trackstar.list('products', { limit: '1' }, { permitRequest: bid, cause: 'refresh' }).catch(() => {})
    },
    receive,
    mirrored,
    start() {
      if (mirror === undefined) return
      void mirror.run()
      // What every answer also needs, so that none has to ask for it.
      void warehouseList.load()
      status.get()
    },
    stop: () => mirror?.stop(),
    get state() {
      const counts = mirrored && {
        products: mirrored.count('products'),
        inventory: mirrored.count('inventory'),
        warehouses: warehouseList.known.size,
      }
      return {
        stores: holdings.state,
        lookups,
        keysWaiting: products.waiting + items.waiting,
        requestsWaiting: waiting.used,
        mirror: mirror && counts ? { ...mirror.progress, ...counts } : null,
      }
    },
  }
}

/** The mirror and what it fills, where that is wanted. */
function mirroring(
  { mirror: wanted, trackstar, clock, policy, onMalformed }: CatalogParts,
  holdings: RecordCache,
  status: SyncStatus,
  warehouses: () => WarehousesById,
): { mirrored: MirrorStore | undefined; mirror: Mirror | undefined } {
  if (wanted === undefined) return { mirrored: undefined, mirror: undefined }
  const target = new MirrorStore({ ...wanted, cache: holdings, policy, now: clock.now, warehouses, onMalformed })
  const wait: MirrorOptions['sleep'] = (ms, signal) => sleep(ms, undefined, { signal, ref: false })
  return {
    mirrored: target,
    mirror: new Mirror({ ...wanted, syncStatus: status, trackstar, clock, store: target, sleep: wait }),
  }
}
