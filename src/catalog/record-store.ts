import { LRUCache } from 'lru-cache'
import type { CacheEntry } from './freshness.js'

export interface StoreState {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly evictions: number
}

/**
 * Where what is held lies: the seam for a second level that replicas share. It knows no rule but its bound: what was
 * used longest ago goes when `bytes` would pass it. An entry larger than the bound is not kept.
 */
export interface EntryStore {
  get(key: string): CacheEntry<unknown> | undefined
  /** @param bytes the size of the value's JSON */
  set(key: string, held: CacheEntry<unknown>, bytes: number): void
  delete(key: string): void
  /** How many the bound has put out, or never let in. */
  readonly evictions: number
  readonly state: StoreState
}

/** A store in this process's memory. */
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
    set(key, held, bytes) {
      if (bytes > maxBytes) evictions++
      cache.set(key, held, { size: Math.max(1, bytes) })
    },
    delete: (key) => void cache.delete(key),
    get evictions() {
      return evictions
    },
    get state() {
      return { entries: cache.size, bytes: cache.calculatedSize, maxBytes, evictions }
    },
  }
}
