/** How long what is held may be served, in ms; each counts from the end of the one before, but the negative TTL. */
export interface FreshnessPolicy {
  readonly ttlMs: number
  /** Past the TTL: served at once, refreshed behind the answer (RFC 5861, 3). */
  readonly revalidateMs: number
  /** Past the TTL: served while upstream fails (RFC 5861, 4). */
  readonly maxStaleMs: number
  /** How long absence is remembered. */
  readonly negativeTtlMs: number
}

/** Something held, or known to be absent (`value` undefined), and when upstream was asked for it. Times in epoch ms. */
export interface CacheEntry<T> {
  readonly value: T | undefined
  /** When the read that brought it was begun: what upstream changed since then it cannot show. */
  readonly begunAt: number
  /** When the answer was there. */
  readonly readAt: number
  /** From then on it is stale. */
  readonly freshUntil: number
}

/** A time before it was read is a clock that was set back: how old it is cannot be said, so it is not fresh. */
export const isFresh = (held: CacheEntry<unknown>, now: number): boolean => held.readAt <= now && now < held.freshUntil

/** Whether it may be served at once, stale or not. Stale absence may not: what has appeared must not stay unknown. */
export const withinRevalidateWindow = (held: CacheEntry<unknown>, now: number, policy: FreshnessPolicy): boolean =>
  isFresh(held, now) || (held.value !== undefined && now < held.freshUntil + policy.revalidateMs)

/** Whether it may be served where upstream fails. */
export const withinStaleWindow = (held: CacheEntry<unknown>, now: number, policy: FreshnessPolicy): boolean =>
  isFresh(held, now) ||
  (held.value !== undefined && now < held.freshUntil + Math.max(policy.revalidateMs, policy.maxStaleMs))

/** Up to this part of a TTL is taken off at random, so that what came together does not expire together. */
const spread = 0.1

/** When something read at `readAt` turns stale: after its TTL or up to a tenth sooner, never later. */
export const freshUntil = (readAt: number, ttlMs: number): number => readAt + ttlMs * (1 - spread * Math.random())
