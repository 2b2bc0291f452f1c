import type { RecordCache, RecordKind } from '../cache/record-cache.js'
import type { SyncStatus } from '../cache/sync-status.js'
import type { WarehouseList } from '../cache/warehouse-list.js'
import { changeDateOf, orderOf } from '../records/dates.js'
import { idOf, isObject, isSameJson, keyOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import { isPartial, parseRecord } from '../records/record.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Clock } from '../trackstar/clock.js'

/** A delivery whose signature has been verified, with the fields that this service uses. */
export interface WebhookDelivery {
  readonly event_type: string
  readonly data?: unknown
  /** Whether `data` was too large and was cut down to the id. */
  readonly data_truncated?: boolean | null
  /** Where upstream has the data that was too large. It is not read: the record is, by its id. */
  readonly data_url?: string | null
}

/** Whether `data` was too large, so that it is no whole record, whatever is in it. */
const isTruncated = ({ data_truncated: isCut, data_url: url, data }: WebhookDelivery): boolean =>
  isCut === true || Boolean(url) || (isObject(data) && Boolean(data['data_url']))

/**
 * The outcome of a delivery of this connection:
 * - `applied`: the cache has the record.
 * - `read_back`: the delivery does not settle what the record is, so it is read from upstream.
 * - `older`: the cache has the record as it is now, or a newer one.
 * - `ignored`: an event type that this service does not use.
 * - `malformed`: `data` is not the record that the event type promises.
 */
export type ReceivedOutcome = 'applied' | 'read_back' | 'older' | 'ignored' | 'malformed'

/**
 * The outcome of any delivery, for metrics:
 * - `duplicate`: a delivery with the same id was applied before.
 * - `other_connection`: it belongs to a connection that this service does not have.
 * - `unsigned`: it has no valid signature, so it may come from anyone.
 */
export type WebhookOutcome = ReceivedOutcome | 'duplicate' | 'other_connection' | 'unsigned'

/** The subjects of events about the connection and its syncs. */
const connectionSubjects: ReadonlySet<string> = new Set([
  'connection',
  'connection-error',
  'sync-job-completed',
  'sync-job-stuck',
])

export interface WebhookReceiverOptions {
  readonly cache: RecordCache
  readonly warehouses: WarehouseList
  readonly syncStatus: SyncStatus
  readonly clock: Clock
  /** Reads a record from upstream in the background. Until then, the cached record is served as stale. */
  readonly refresh: (kind: RecordKind, id: string) => void
  /** Whether records that are not cached do not exist, because a mirror is live. */
  readonly isFollowed: () => boolean
}

/**
 * Applies webhook deliveries to the cache. Deliveries can arrive in any order and a day late, and may have only a part of
 * the record. So a record is used only if it is whole and newer than the cached one; if it does not settle what the record
 * is now, the record is read by its id. Events about the connection, its errors and its syncs make the sync status be
 * read again.
 */
export function createWebhookReceiver(options: WebhookReceiverOptions) {
  const { cache, warehouses, syncStatus, clock, refresh, isFollowed } = options
  // Upstream's dates are in whole seconds.
  const startedAt = Math.floor(clock.now() / 1000) * 1000

  return (delivery: WebhookDelivery): ReceivedOutcome => {
    const [subject, verb] = delivery.event_type.split('.', 2)
    if (subject !== undefined && connectionSubjects.has(subject)) {
      const state = verb ?? subject
      if (state === 'schedule-stuck') syncStatus.noteStuck(delivery.data)
      else if (state.endsWith('-completed')) syncStatus.noteCompleted(delivery.data)
      else syncStatus.invalidate()
      return 'read_back'
    }
    const isCut = isTruncated(delivery)
    if (verb !== 'created' && verb !== 'updated') return 'ignored'
    if (subject === 'warehouse') {
      const readAgain = () => {
        warehouses.invalidate()
        return 'read_back' as const
      }
      return apply<Warehouse>(delivery, (warehouse) => (isCut ? readAgain() : warehouses.store(warehouse)), readAgain)
    }
    if (subject === 'product') return applyRecord<Product>('product')
    if (subject === 'inventory') return applyRecord<InventoryItem>('item')
    return 'ignored'

    function applyRecord<R extends Product | InventoryItem>(kind: RecordKind): ReceivedOutcome {
      return apply<R>(
        delivery,
        (record) => use(kind, record),
        (id) => readBack(kind, id),
      )
    }

    function use(kind: RecordKind, record: Product | InventoryItem): ReceivedOutcome {
      const cached = cache.peek(kind, idOf(record))?.value
      const order = cached && orderOf(record, cached)
      if (!isCut && order === 'older') return 'older'
      if (isCut || isPartial(kind, record, cached)) return readBack(kind, idOf(record))
      if (cached === undefined) return useUncached(kind, record)
      if (order === 'newer') return store(kind, record)
      return isSameJson(record, cached) ? 'older' : readBack(kind, idOf(record))
    }

    /** The record may be new, but it may also be deleted since, and the delivery late. */
    function useUncached(kind: RecordKind, record: Product | InventoryItem): ReceivedOutcome {
      const date = changeDateOf(record)
      const isOfThisRun = date !== undefined && date >= startedAt
      if (isFollowed()) {
        const isNew = verb === 'created' && isOfThisRun && !cache.wasRemoved(kind, idOf(record))
        return isNew ? store(kind, record) : readBack(kind, idOf(record))
      }
      // Whatever is read from now on shows what is older than this run.
      if (isOfThisRun) cache.storeUnread(kind, record)
      else cache.forgetAbsence(kind, record)
      return 'applied'
    }

    /** A delivery does not say when upstream read the record, so it counts as begun before any read. */
    function store(kind: RecordKind, record: Product | InventoryItem): ReceivedOutcome {
      cache.store(kind, record, { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.elapsed() })
      return 'applied'
    }

    function readBack(kind: RecordKind, id: string): ReceivedOutcome {
      refresh(kind, id)
      return 'read_back'
    }
  }
}

/** @param readBack is given the id of a record that changed, but cannot be used as it was delivered */
function apply<R extends { readonly id: unknown }>(
  delivery: WebhookDelivery,
  use: (record: R) => ReceivedOutcome,
  readBack: (id: string) => ReceivedOutcome,
): ReceivedOutcome {
  const result = parseRecord<R>(delivery)
  if ('record' in result) return use(result.record)
  const id = isObject(delivery.data) ? keyOf(delivery.data['id']) : null
  return id === null ? 'malformed' : readBack(id)
}
