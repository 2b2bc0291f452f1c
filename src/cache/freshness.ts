import { type Clock, wallTimeAt } from '../trackstar/clock.js'

/** How long a cached record may be served. */
export interface FreshnessPolicy {
  /** From the read. A record is fresh until then, or up to a tenth less. */
  readonly ttlMs: number
  /** From the end of the TTL: served stale at once, and refreshed in the background (RFC 5861, section 3). */
  readonly revalidateMs: number
  /** From the end of the TTL: served stale while upstream fails (RFC 5861, section 4). */
  readonly maxStaleMs: number
  /** How long the absence of a record is remembered, from the read. */
  readonly negativeTtlMs: number
}

/** A cached record, or its absence (`value` undefined), and when it was read. Times are in the clock's `elapsed` ms. */
export interface CacheEntry<T> {
  readonly value: T | undefined
  /** When the read began. The record does not show what changed upstream after that. */
  readonly begunAt: number
  /** When the read ended. */
  readonly readAt: number
  /** From then on, the entry is stale. */
  readonly freshUntil: number
  /** Whether the entry may be outdated, and a read of it is already pending. Default: false. */
  readonly isUnsettled?: boolean
  /** The wall time of `readAt` by the clock of that time, epoch ms. */
  readonly wallTime: number
}

/** Wall times that differ less are the same: the two clocks are not read at the same moment. */
const sameTimeMs = 1000

/** When the entry was read, epoch ms, by the present wall clock: as long ago as the entry is old, even if it was set since. */
export function asOf(entry: CacheEntry<unknown>, clock: Clock): number {
  const byNow = wallTimeAt(clock, entry.readAt)
  const wasSet = Math.abs(entry.wallTime - byNow) > sameTimeMs
  return wasSet ? byNow : Math.min(entry.wallTime, clock.now())
}

/** Whether the entry is fresh `now`, in the clock's `elapsed` ms. */
export const isFresh = (entry: CacheEntry<unknown>, now: number): boolean => now < entry.freshUntil

/** Whether the entry may be served at once, fresh or stale. A stale absence may not: the record may exist by now. */
export const withinRevalidateWindow = (entry: CacheEntry<unknown>, now: number, policy: FreshnessPolicy): boolean =>
  isFresh(entry, now) || (entry.value !== undefined && now < entry.freshUntil + policy.revalidateMs)

/** Whether the entry may be served while upstream fails. */
export const withinStaleWindow = (entry: CacheEntry<unknown>, now: number, policy: FreshnessPolicy): boolean =>
  isFresh(entry, now) ||
  (entry.value !== undefined && now < entry.freshUntil + Math.max(policy.revalidateMs, policy.maxStaleMs))

/** Up to this part of a TTL is subtracted at random, so that records read together do not expire together. */
const spread = 0.1

/** When a record read at `readAt` becomes stale: after its TTL, or up to a tenth earlier. */
export const freshUntil = (readAt: number, ttlMs: number): number => readAt + ttlMs * (1 - spread * Math.random())

/** The entry, stale from `now` on, because a pending read will show whether it is outdated. */
export const asUnsettled = <T>(entry: CacheEntry<T>, now: number): CacheEntry<T> => ({
  ...entry,
  freshUntil: Math.min(entry.freshUntil, now),
  isUnsettled: true,
})
