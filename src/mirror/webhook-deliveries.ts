import { isOfSameTime, type RecordCache } from '../cache/record-cache.js'
import type { SyncStatus } from '../cache/sync-status.js'
import type { WarehouseList } from '../cache/warehouse-list.js'
import { InventoryItem } from '../records/inventory-item.js'
import { Product } from '../records/product.js'
import { createRecordParser, type RecordParser } from '../records/record.js'
import { Warehouse } from '../records/warehouse.js'

/** A delivery whose signature has been verified, as far as this service looks at it. */
export interface WebhookDelivery {
  readonly event_type: string
  readonly data?: unknown
  /** Whether `data` was too large and is cut down to the id. */
  readonly data_truncated?: boolean
}

/** What came of a delivery: taken in, of a kind that is of no interest here, or not what it claims to be. */
export type WebhookOutcome = 'taken' | 'ignored' | 'malformed'

export interface WebhookParts {
  readonly holdings: RecordCache
  readonly warehouses: WarehouseList
  readonly status: SyncStatus
  /** Epoch ms. */
  readonly now: () => number
  /** Reads a record whose delivery was truncated, behind the answer. */
  readonly read: (kind: 'product' | 'item', id: string) => void
  /** Whether upstream is known to have no such record. */
  readonly isAbsent: (kind: 'product' | 'item', id: string) => boolean
}

const products = createRecordParser(Product)
const items = createRecordParser(InventoryItem)
const warehouses = createRecordParser(Warehouse)

/**
 * Takes in what upstream announces. Order is not promised, so a record comes in only if it is newer than what is held:
 * a delivery counts as begun before anything else. A sync that has ended, or an error of the connection, is looked up.
 */
export function createWebhookReceiver({ holdings, warehouses: list, status, now, read, isAbsent }: WebhookParts) {
  const times = () => ({ begunAt: Number.NEGATIVE_INFINITY, readAt: now() })

  function take<R extends { id: string }>(event: WebhookDelivery, reader: RecordParser<R>, keep: (record: R) => void) {
    const result = reader.parseRecord(event)
    if ('fault' in result) return 'malformed'
    keep(result.record)
    return 'taken'
  }

  return (event: WebhookDelivery): WebhookOutcome => {
    const [subject, verb] = event.event_type.split('.', 2)
    if (subject === 'connection' || subject === 'connection-error') {
      status.askAgain()
      return 'taken'
    }
    if (verb !== 'created' && verb !== 'updated') return 'ignored'
    if (subject === 'warehouse') {
      return take(event, warehouses, (warehouse) =>
        event.data_truncated ? void list.askAgain() : list.take(warehouse),
      )
    }
    if (subject !== 'product' && subject !== 'inventory') return 'ignored'
    const kind = subject === 'product' ? 'product' : 'item'
    if (kind === 'product') {
      return take(event, products, (product) => {
        if (mustRead(kind, product)) read(kind, product.id)
        else holdings.keep(kind, product, times())
      })
    }
    return take(event, items, (item) => {
      if (mustRead(kind, item)) read(kind, item.id)
      else holdings.keep(kind, item, times())
    })

    /** Cut short; or a late word of what is gone; or of the same second as what is held, and nobody knows which is later. */
    function mustRead(of: 'product' | 'item', record: Product | InventoryItem): boolean {
      if (event.data_truncated) return true
      if (verb === 'updated' && isAbsent(of, record.id)) return true
      const held = holdings.peek(of, record.id)?.value
      return held !== undefined && isOfSameTime(held, record)
    }
  }
}
