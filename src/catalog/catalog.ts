import { type Problem, problem } from '../errors.js'
import type { ConnectionState } from '../records/connection.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Malformed, Page } from '../records/page.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Budget } from '../trackstar/budget.js'
import type { Clock } from '../trackstar/clock.js'
import type { Filters } from '../trackstar/query.js'
import type { Batch, PullKeys, Resource, Resources, Trackstar } from '../trackstar/trackstar.js'
import { BatchLoader } from './batch-loader.js'
import { ConnectionStatus } from './connection-status.js'
import type { FreshnessPolicy, Held } from './freshness.js'
import { Holdings, type ReadTimes } from './holdings.js'
import { inTime } from './in-time.js'
import { type Found, type Lookup, lateProblem, type ReadThrough, readThrough } from './read-through.js'
import type { Reading } from './reading.js'
import { WaitingRoom } from './waiting-room.js'
import { WarehouseList, type WarehousesById } from './warehouse-list.js'

export interface CatalogParts {
  readonly trackstar: Trackstar
  readonly budget: Budget
  readonly clock: Clock
  readonly policy: FreshnessPolicy
  readonly maxBytes: number
  /** How long one request, and so a refresh behind an answer, may take. */
  readonly requestTimeoutMs: number
  /** Told how many keys a call carried. */
  readonly onBatch: (resource: Resource, keys: number) => void
  /** Told of each record that was left out because it cannot be what it claims. */
  readonly onMalformed: (resource: Resource, malformed: Malformed) => void
  /** The connection's id, where it is known: without it, upstream's own state stays unknown. */
  readonly connectionId: string | undefined
  /** Told why what no answer depends on (warehouses, upstream's own state) could not be read. */
  readonly onFailure: (what: string, error: unknown) => void
}

/** All that this service knows of one connection: what it holds, and what it can read. */
export interface Catalog {
  /** All products of each SKU; one that upstream does not know has the value undefined. */
  readonly productsBySku: ReadThrough<readonly Product[]>
  /** Inventory items by id. */
  readonly itemsById: ReadThrough<InventoryItem>
  /** The connection's warehouses, as far as they can be had in time. */
  warehouses(reading: Reading): Promise<WarehousesById>
  /** One warehouse by id; the value is undefined where upstream does not know it. */
  warehouse(id: string, reading: Reading): Promise<Found<Warehouse>>
  /** One page of upstream's own list. Never from what is held, but its records are taken in. */
  list<R extends Resource>(resource: R, filters: Filters, reading: Reading): Promise<Page<Resources[R]>>
  /** What Trackstar says of its own copy, as far as it is known; asking again is left to the background. */
  connectionState(reading?: Reading): ConnectionState | undefined
  /** What an operator wants to know. */
  readonly state: CatalogState
}

/** How much is held, how look-ups came since the start, and how many keys wait for a call. */
export interface CatalogState {
  readonly stores: Holdings['state']
  readonly lookups: Readonly<Record<Lookup, number>>
  readonly keysWaiting: number
  readonly requestsWaiting: number
}

/** Requests that may wait for upstream at a time: some 40 kB each, and more than a cold herd for one SKU. */
const maxWaitingRequests = 2000

export function createCatalog(parts: CatalogParts): Catalog {
  const { trackstar, budget, clock, requestTimeoutMs } = parts
  const holdings = new Holdings(parts.maxBytes, parts.policy, clock.now)
  const lookups: Record<Lookup, number> = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const waitingRoom = new WaitingRoom(maxWaitingRequests)
  const readParts = { clock, policy: parts.policy, refreshTimeoutMs: requestTimeoutMs, lookups, waitingRoom }
  const warehouseList = new WarehouseList(trackstar, clock, requestTimeoutMs, parts.onFailure)
  const status = new ConnectionStatus(trackstar, parts.connectionId, clock, requestTimeoutMs, parts.onFailure)

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

  const products = new BatchLoader<Held<readonly Product[]>>(
    'skus',
    async (pull, errand) => {
      const done = await timed('products', pull, (timedPull) => trackstar.productsBySku(timedPull, errand))
      return done && answerSkus(done.batch, done.times)
    },
    budget,
    clock,
  )

  const items = new BatchLoader<Held<InventoryItem>>(
    'items',
    async (pull, errand) => {
      const done = await timed('inventory', pull, (timedPull) => trackstar.inventoryByIds(timedPull, errand))
      return done && answerItems(done.batch, done.times)
    },
    budget,
    clock,
  )

  /** Matched by SKU, never by position. */
  function answerSkus(batch: Batch<Product>, times: ReadTimes): Map<string, Held<readonly Product[]> | Problem> {
    const bySku = new Map(batch.asked.map((sku) => [sku, [] as Product[]]))
    for (const product of batch.records) bySku.get(product.sku ?? '')?.push(product)
    return new Map(
      Array.from(bySku, ([sku, found]) => {
        const fault = faultOf(batch.malformed, 'sku', sku, found.length > 0)
        return [sku, fault ?? holdings.keepSku(sku, found, times)]
      }),
    )
  }

  /** Matched by id, never by position. */
  function answerItems(batch: Batch<InventoryItem>, times: ReadTimes): Map<string, Held<InventoryItem> | Problem> {
    const byId = new Map(batch.records.map((item) => [item.id, item]))
    const answer = (id: string) => {
      const item = byId.get(id)
      if (item !== undefined) return holdings.keep('item', item, times)
      return faultOf(batch.malformed, 'id', id, false) ?? holdings.keepAbsence('item', id, times)
    }
    return new Map(batch.asked.map((id) => [id, answer(id)]))
  }

  return {
    productsBySku: readThrough({ find: (sku) => holdings.findProducts(sku), loader: products }, readParts),
    itemsById: readThrough({ find: (id) => holdings.find('item', id), loader: items }, readParts),
    warehouses: (reading) => warehouseList.names(reading),
    warehouse: (id, reading) => warehouseList.find(id, reading),
    connectionState: (reading) => status.get(!reading?.directives.onlyIfCached),
    async list(resource, filters, reading) {
      const { caller, deadline } = reading
      const bid = { priority: 'caller', caller, deadline: () => deadline } as const
      const begunAt = clock.now()
      reading.calls.add({})
      const work = trackstar.list(resource, filters, { bid, cause: 'list' })
      if (!(await inTime(work, deadline - clock.elapsed()))) {
        work.catch(() => {})
        throw lateProblem()
      }
      const page = await work
      for (const malformed of page.malformed) parts.onMalformed(resource, malformed)
      holdings.keepAll(resource, page.records, { begunAt, readAt: clock.now() })
      return page
    },
    get state() {
      return {
        stores: holdings.state,
        lookups,
        keysWaiting: products.waiting + items.waiting,
        requestsWaiting: waitingRoom.waiting,
      }
    },
  }
}

/**
 * What is wrong with the answer for one key: a malformed record that is the key's own, or one that does not even say
 * whose it is, while none was found for the key. Absence must not be concluded from it.
 */
function faultOf(malformed: readonly Malformed[], field: 'id' | 'sku', key: string, isFound: boolean) {
  const fault = malformed.find((record) => record[field] === key || (record[field] === undefined && !isFound))
  return (
    fault && problem('upstream_invalid_response', `Trackstar's record is malformed: ${fault.path} ${fault.message}`)
  )
}
