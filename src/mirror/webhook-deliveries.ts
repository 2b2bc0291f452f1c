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
 * What came of a delivery of this connection:
 * - `applied`: the cache has the record.
 * - `read_back`: the delivery does not settle what the record is, so it is read from upstream.
 * - `older`: the cache has the record as it is now, or a newer one.
 * - `ignored`: an event type that this service does not use.
 * - `malformed`: `data` is not the record that the event type promises.
 */
export type ReceivedOutcome = 'applied' | 'read_back' | 'older' | 'ignored' | 'malformed'

/**
 * What came of any delivery, for metrics:
 * - `duplicate`: a delivery with the same id was applied before.
 * - `other_connection`: it belongs to a connection that this service does not have.
 * - `unsigned`: it has no valid signature, so it may come from anyone.
 */
export type WebhookOutcome = ReceivedOutcome | 'duplicate' | 'other_connection' | 'unsigned'

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

  return (delivery: WebhookDelivery): ReceivedOutcome => {
    const [subject, verb] = delivery.event_type.split('.', 2)
    if (subject === 'connection' || subject === 'connection-error') {
      syncStatus.invalidate()
      return 'read_back'
    }
    if (verb !== 'created' && verb !== 'updated') return 'ignored'
    if (subject === 'warehouse') {
      return apply(delivery, warehouseRecords, (warehouse) => {
        if (!delivery.data_truncated) return warehouses.store(warehouse) ? 'applied' : 'older'
        warehouses.invalidate()
        return 'read_back'
      })
    }
    if (subject === 'product') {
      return apply(delivery, products, (product) => {
        if (!needsRead('product', product)) return store('product', product)
        refresh('product', product.id)
        return 'read_back'
      })
    }
    if (subject === 'inventory') {
      return apply(delivery, items, (item) => {
        if (!needsRead('item', item)) return store('item', item)
        refresh('item', item.id)
        return 'read_back'
      })
    }
    return 'ignored'

    function store<K extends 'product' | 'item'>(kind: K, record: K extends 'product' ? Product : InventoryItem) {
      return cache.store(kind, record, times()).value === record ? 'applied' : 'older'
    }

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
  use: (record: R) => ReceivedOutcome,
): ReceivedOutcome {
  const result = parser.parseRecord(delivery)
  if ('fault' in result) return 'malformed'
  return use(result.record)
}
