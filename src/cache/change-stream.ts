import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { ReadTimes, RecordKind } from './record-cache.js'

/** A record as a process has learned it. */
export interface RecordChange {
  readonly kind: RecordKind
  readonly id: string
  /** Undefined: upstream no longer has it. */
  readonly record: Product | InventoryItem | undefined
  readonly times: ReadTimes
}

/** What a stream of changes needs of the records of this process. */
export interface ChangeFollower {
  /** Takes over what is settled for all replicas, whatever this process has. */
  adopt(change: RecordChange): void
  /** Nothing says which copy of a record is newer, so it is to be read again. */
  undecided(kind: RecordKind, id: string): void
  /** What this process has, and what it has removed lately. */
  all(): Iterable<RecordChange>
}

/**
 * The changes of a connection's records, in an order that is the same for all replicas. Which of two copies is the newer one
 * is decided once, for all of them.
 */
export interface ChangeStream {
  /** Passes on what this process has learned. Never throws; while the stream is interrupted, nothing is lost by it. */
  publish(change: RecordChange): void
  /** Passes what others have learned to `follower` from now on. */
  connect(follower: ChangeFollower): void
  close(): void
}

/** The stream of a process that has no others beside it. */
export const noOtherReplicas: ChangeStream = { publish() {}, connect() {}, close() {} }
