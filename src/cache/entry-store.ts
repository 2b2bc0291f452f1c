import { LRUCache } from 'lru-cache'
import type { CacheEntry } from './freshness.js'
import type { MemoryUser, SharedMemory } from './shared-memory.js'

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
  /** The entries by key. */
  entries(): Iterable<[string, CacheEntry<unknown>]>
  /** Entries that were evicted, or were too large to be stored. */
  readonly evictions: number
  readonly state: StoreState
  /** Gives the memory back. The store must not be used any more. */
  close(): void
}

/**
 * Creates a store in memory, which evicts entries when all that share the memory exceed its bound.
 * @param isSpared whether entries must not be evicted for others
 */
export function createEntryStore(memory: SharedMemory, isSpared: () => boolean = () => false): EntryStore {
  let evictions = 0
  const { maxBytes } = memory
  const cache = new LRUCache<string, CacheEntry<unknown>>({
    maxSize: maxBytes,
    dispose: (_value, _key, reason) => {
      if (reason === 'evict') evictions++
    },
  })
  const user: MemoryUser = {
    get bytes() {
      return cache.calculatedSize
    },
    get isSpared() {
      return isSpared()
    },
    evict: () => void cache.pop(),
  }
  memory.add(user)
  return {
    get: (key) => cache.get(key),
    bytesOf: (key) => cache.info(key)?.size ?? 0,
    set(key, entry, bytes) {
      if (bytes > maxBytes) evictions++
      cache.set(key, entry, { size: Math.max(1, bytes) })
      memory.makeRoom(user)
    },
    delete: (key) => void cache.delete(key),
    entries: () => cache.entries(),
    get evictions() {
      return evictions
    },
    get state() {
      return { entries: cache.size, bytes: cache.calculatedSize, maxBytes, evictions }
    },
    close() {
      memory.remove(user)
      cache.clear()
    },
  }
}
