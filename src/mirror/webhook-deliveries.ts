import { isOfSameTime, type RecordCache } from '../cache/record-cache.js'
import type { SyncStatus } from '../cache/sync-status.js'
import type { WarehouseList } from '../cache/warehouse-list.js'
import { InventoryItem } from '../records/inventory-item.js'
import { Product } from '../records/product.js'
import { createRecordParser, type RecordParser } from '../records/record.js'
import { Warehouse } from '../records/warehouse.js'
import type { Clock } from '../trackstar/clock.js'

/** A delivery whose signature has been verified, with the fields that this service uses. */
export interface WebhookDelivery {
  readonly event_type: string
  readonly data?: unknown
  /** Whether `data` was too large and was cut down to the id. */
  readonly data_truncated?: boolean
}

/**
 * - `applied`: the cache has the record, or is about to read it.
 * - `ignored`: an event type that this service does not use.
 * - `malformed`: `data` is not the record that the event type promises.
 */
export type WebhookOutcome = 'applied' | 'ignored' | 'malformed'

export interface WebhookReceiverOptions {
  readonly cache: RecordCache
  readonly warehouses: WarehouseList
  readonly syncStatus: SyncStatus
  readonly clock: Pick<Clock, 'elapsed'>
  /** Reads a record from upstream in the background. */
  readonly refresh: (kind: 'product' | 'item', id: string) => void
  /** Whether upstream is known to have no such record. */
  readonly isKnownAbsent: (kind: 'product' | 'item', id: string) => boolean
}

const products = createRecordParser(Product)
const items = createRecordParser(InventoryItem)
const warehouseRecords = createRecordParser(Warehouse)

/**
 * Applies webhook deliveries to the cache. Deliveries can arrive in any order, so a record replaces the cached one only if
 * it is newer. Events about the connection, and about its errors, make the sync status be read again.
 */
export function createWebhookReceiver(options: WebhookReceiverOptions) {
  const { cache, warehouses, syncStatus, clock, refresh, isKnownAbsent } = options
  /** A delivery says nothing of when upstream read the record, so it counts as begun before any read. */
  const times = () => ({ begunAt: Number.NEGATIVE_INFINITY, readAt: clock.elapsed() })

  return (delivery: WebhookDelivery): WebhookOutcome => {
    const [subject, verb] = delivery.event_type.split('.', 2)
    if (subject === 'connection' || subject === 'connection-error') {
      syncStatus.invalidate()
      return 'applied'
    }
    if (verb !== 'created' && verb !== 'updated') return 'ignored'
    if (subject === 'warehouse') {
      return apply(delivery, warehouseRecords, (warehouse) => {
        if (delivery.data_truncated) warehouses.invalidate()
        else warehouses.store(warehouse)
      })
    }
    if (subject === 'product') {
      return apply(delivery, products, (product) => {
        if (needsRead('product', product)) refresh('product', product.id)
        else cache.store('product', product, times())
      })
    }
    if (subject === 'inventory') {
      return apply(delivery, items, (item) => {
        if (needsRead('item', item)) refresh('item', item.id)
        else cache.store('item', item, times())
      })
    }
    return 'ignored'

    /** Whether the delivery does not settle what the current record is, so that it must be read from upstream. */
    function needsRead(kind: 'product' | 'item', record: Product | InventoryItem): boolean {
      if (delivery.data_truncated) return true
      // Possibly a late delivery about a deleted record.
      if (verb === 'updated' && isKnownAbsent(kind, record.id)) return true
      // Dates are whole seconds, so either record may be the later one.
      const cached = cache.peek(kind, record.id)?.value
      return cached !== undefined && isOfSameTime(cached, record)
    }
  }
}

function apply<R extends { id: string }>(
  delivery: WebhookDelivery,
  parser: RecordParser<R>,
  use: (record: R) => void,
): WebhookOutcome {
  const result = parser.parseRecord(delivery)
  if ('fault' in result) return 'malformed'
  use(result.record)
  return 'applied'
}
