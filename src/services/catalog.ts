import type { ReadContext } from '../cache/read-context.js'
import { completesWithin, type ReadResult, type ReadThrough, requestTimedOut } from '../cache/read-through.js'
import type { RecordCache, RecordKind } from '../cache/record-cache.js'
import type { SyncStatus } from '../cache/sync-status.js'
import type { WarehouseList, WarehousesById } from '../cache/warehouse-list.js'
import { isProblem, type ProblemCode } from '../errors.js'
import type { MirrorStore } from '../mirror/mirror-store.js'
import type { ReceivedOutcome, WebhookDelivery } from '../mirror/webhook-deliveries.js'
import { orderOf } from '../records/dates.js'
import { idOf, isSameJson } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { MalformedRecord, Page } from '../records/record.js'
import { isPartial } from '../records/record.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Adjust, Adjusted, Adjustment } from '../trackstar/adjustments.js'
import type { Resource, Resources, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import type { Filters } from '../trackstar/query.js'
import type { AmbiguousProducts } from './ambiguous-products.js'
import type { MaterializedStocks } from './materialized-stocks.js'

export interface CatalogOptions {
  readonly connection: string
  readonly trackstar: Pick<TrackstarClient, 'list'>
  readonly adjust: Adjust
  readonly cache: RecordCache
  readonly productsBySku: Catalog['productsBySku']
  readonly itemsById: Catalog['itemsById']
  readonly warehouses: WarehouseList
  readonly syncStatus: SyncStatus
  readonly receive: Catalog['receive']
  /** Reads a record from upstream in the background. Until then, the cached record is served as stale. */
  readonly refresh: (kind: RecordKind, id: string) => void
  readonly ambiguous: AmbiguousProducts
  /** The resources that may lack records. */
  readonly incomplete: () => readonly string[]
  /** Undefined in `on-demand` mode, as the next. */
  readonly mirrored: MirrorStore | undefined
  readonly materialized: MaterializedStocks | undefined
  readonly clock: Clock
  readonly onMalformed: (resource: Resource, malformed: MalformedRecord) => void
}

/** What a request can ask of one connection. */
export interface Catalog {
  /** The name of the connection. */
  readonly connection: string
  /** All products of each SKU; the value is undefined if upstream has none. */
  readonly productsBySku: ReadThrough<readonly Product[]>
  /** Inventory items by id. */
  readonly itemsById: ReadThrough<InventoryItem>
  /** The connection's warehouses that are known in time. */
  warehouses(context: ReadContext): Promise<WarehousesById>
  /** One warehouse by id; the value is undefined if upstream does not have it. */
  warehouse(id: string, context: ReadContext): Promise<ReadResult<Warehouse>>
  /** One page of upstream's list. It never comes from the cache, but its records go into it. */
  list<R extends Resource>(resource: R, filters: Filters, context: ReadContext): Promise<Page<Resources[R]>>
  /** Trackstar's own state of the connection, if it is known. It is refreshed in the background. */
  connectionState(context?: ReadContext): SyncState | undefined
  /** The resources that may lack records: upstream's first sync is unfinished, or the mirrored list is unreliable. */
  incomplete(context?: ReadContext): readonly string[]
  /**
   * Writes an adjustment to the warehouse system. The item in the response replaces the cached one; if the response does not
   * settle what the item is now, it is read again.
   */
  adjust(id: string, adjustment: Adjustment, idempotencyKey: string, context: ReadContext): Promise<Adjusted>
  /**
   * Makes sure that products which make a SKU ambiguous exist upstream. Returns whether they were read, so that the SKU must
   * be looked up again.
   */
  confirmProducts(products: readonly Product[], context: ReadContext): Promise<boolean>
  /** Applies a webhook delivery. */
  receive(delivery: WebhookDelivery): ReceivedOutcome
  /** The whole catalog; undefined in `on-demand` mode. */
  readonly mirrored: MirrorStore | undefined
  /** The stocks of the mirrored catalog; undefined in `on-demand` mode. */
  readonly materialized: MaterializedStocks | undefined
}

/** Errors after which it is unknown whether a write was made. */
const unclear: ReadonlySet<ProblemCode> = new Set([
  'upstream_timeout',
  'upstream_unavailable',
  'upstream_invalid_response',
])

export function createCatalog(options: CatalogOptions): Catalog {
  const { trackstar, cache, warehouses, syncStatus, clock } = options
  const syncState = (context?: ReadContext) => syncStatus.get(!context?.directives.onlyIfCached)
  const permitRequest = ({ caller, deadline }: ReadContext) =>
    ({ priority: 'caller', caller, deadline: () => deadline }) as const

  /** The adjustment is made, whatever the response says about the item. */
  function useReply(id: string, { item, isReplay }: Adjusted, begunAt: number): void {
    const cached = cache.peek('item', id)?.value
    if (item === undefined || idOf(item) !== id || isPartial('item', item, cached)) {
      options.refresh('item', id)
      return
    }
    if (!isReplay) {
      cache.store('item', item, { begunAt, readAt: clock.elapsed() })
      return
    }
    // A replay has the item as it was after the first response, which may be long ago, or lost.
    if (cached && (orderOf(item, cached) === 'older' || isSameJson(item, cached))) return
    if (cached) cache.store('item', item, { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.elapsed() })
    options.refresh('item', id)
  }

  return {
    connection: options.connection,
    productsBySku: options.productsBySku,
    itemsById: options.itemsById,
    warehouses: (context) => warehouses.names(context),
    warehouse: (id, context) => warehouses.find(id, context),
    connectionState: syncState,
    incomplete(context) {
      syncState(context)
      return options.incomplete()
    },
    async list(resource, filters, context) {
      const refusal = context.onlyIfCachedProblem()
      if (refusal) throw refusal
      const begunAt = clock.elapsed()
      context.calls.add({})
      const read = trackstar.list(resource, filters, {
        permitRequest: { ...permitRequest(context), priority: 'list' },
        cause: 'list',
      })
      if (!(await completesWithin(read, context.deadline - clock.elapsed()))) {
        read.catch(() => {})
        throw requestTimedOut()
      }
      const page = await read
      for (const malformed of page.malformed) options.onMalformed(resource, malformed)
      cache.storeAll(resource, page.records, { begunAt, readAt: clock.elapsed() })
      return page
    },
    async adjust(id, adjustment, idempotencyKey, context) {
      const begunAt = clock.elapsed()
      context.calls.add({})
      try {
        const adjusted = await options.adjust(id, adjustment, idempotencyKey, permitRequest(context))
        useReply(id, adjusted, begunAt)
        return adjusted
      } catch (error) {
        // The adjustment may have been made all the same.
        if (isProblem(error) && unclear.has(error.problem) && cache.peek('item', id)) options.refresh('item', id)
        throw error
      }
    },
    confirmProducts: (products, context) => options.ambiguous.confirm(products, context),
    receive: options.receive,
    mirrored: options.mirrored,
    materialized: options.materialized,
  }
}
