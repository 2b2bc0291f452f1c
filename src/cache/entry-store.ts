import { LRUCache } from 'lru-cache'
import type { CacheEntry } from './freshness.js'

/** The size of a store, and its limit, in bytes. */
export interface StoreState {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly evictions: number
}

/**
 * Stores entries up to a number of bytes, and evicts the least recently used ones. An entry that is larger than the limit
 * is not stored. An interface, so that replicas can share a second level.
 */
export interface EntryStore {
  get(key: string): CacheEntry<unknown> | undefined
  /** The size that an entry was stored with; 0 if there is none. */
  bytesOf(key: string): number
  /** @param bytes the size of the value's JSON */
  set(key: string, entry: CacheEntry<unknown>, bytes: number): void
  delete(key: string): void
  /** Entries that were evicted, or were too large to be stored. */
  readonly evictions: number
  /** The size of all entries. */
  readonly bytes: number
  readonly state: StoreState
}

/** Creates a store in memory. */
export function createEntryStore(maxBytes: number): EntryStore {
  let evictions = 0
  const cache = new LRUCache<string, CacheEntry<unknown>>({
    maxSize: maxBytes,
    dispose: (_value, _key, reason) => {
      if (reason === 'evict') evictions++
    },
  })
  return {
    get: (key) => cache.get(key),
    bytesOf: (key) => cache.info(key)?.size ?? 0,
    set(key, entry, bytes) {
      if (bytes > maxBytes) evictions++
      cache.set(key, entry, { size: Math.max(1, bytes) })
    },
    delete: (key) => void cache.delete(key),
    get evictions() {
      return evictions
    },
    get bytes() {
      return cache.calculatedSize
    },
    get state() {
      return { entries: cache.size, bytes: cache.calculatedSize, maxBytes, evictions }
    },
  }
}
