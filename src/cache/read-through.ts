import { isProblem, type Problem, problem } from '../errors.js'
import type { Clock } from '../trackstar/clock.js'
import { overloaded } from '../trackstar/rate-limiter.js'
import type { BatchLoader } from './batch-loader.js'
import type { Slots } from './concurrency-limit.js'
import {
  asOf,
  type CacheEntry,
  type FreshnessPolicy,
  isFresh,
  withinRevalidateWindow,
  withinStaleWindow,
} from './freshness.js'
import type { ReadContext } from './read-context.js'

/** The result of reading one key. The value is undefined if upstream has no such record. */
export interface ReadResult<T> {
  readonly value: T | undefined
  /** Epoch ms. */
  readonly readAt: number
  readonly stale: boolean
}

/** One kind of record: where it is cached and how it is loaded. */
export interface ReadSource<T> {
  readonly find: (key: string) => CacheEntry<T> | undefined
  readonly loader: BatchLoader<CacheEntry<T>>
  /** Whether changes arrive by themselves, so that records need not be read again because of their age. */
  readonly isFollowed: () => boolean
}

/** The outcome of a lookup: cached (fresh, stale, or known to be absent), or read from upstream. */
export type LookupOutcome = 'hit' | 'stale' | 'negative' | 'miss'

export interface ReadThroughOptions {
  readonly clock: Clock
  readonly policy: FreshnessPolicy
  /** How long a refresh in the background may wait for its permit. */
  readonly refreshTimeoutMs: number
  /** Limits the requests that wait for upstream. */
  readonly waiting: Slots
  /** Counts lookups by outcome. */
  readonly lookups: Record<LookupOutcome, number>
}

/** Reads many keys at once. A key that cannot be read has a {@link Problem} as its result; it does not fail the others. */
export type ReadThrough<T> = (
  keys: Iterable<string>,
  context: ReadContext,
) => Promise<ReadonlyMap<string, ReadResult<T> | Problem>>

/**
 * Creates the function that reads records through the cache. In this order, it serves a fresh entry; a stale entry, which
 * it refreshes in the background; what upstream answers; and, while upstream fails, an entry that is even older.
 */
export function readThrough<T>(
  source: ReadSource<T>,
  { clock, policy, refreshTimeoutMs, lookups, waiting }: ReadThroughOptions,
): ReadThrough<T> {
  const resultOf = (entry: CacheEntry<T>): ReadResult<T> => ({
    value: entry.value,
    readAt: asOf(entry, clock),
    // An absence that a mirror knows never expires, but is only as new as the mirror.
    stale: !isFresh(entry, clock.elapsed()) || clock.elapsed() >= entry.readAt + policy.ttlMs,
  })

  const followedPolicy = { ...policy, revalidateMs: policy.maxStaleMs }

  function refresh(key: string): void {
    if (source.isFollowed()) return
    const deadline = clock.elapsed() + refreshTimeoutMs
    // The result is in the cache; the call's report has the error.
    source.loader.load(key, { priority: 'refresh', caller: 'refresh', deadline }).catch(() => {})
  }

  async function load(
    key: string,
    entry: CacheEntry<T> | undefined,
    context: ReadContext,
  ): Promise<ReadResult<T> | Problem> {
    try {
      const { caller, deadline, calls } = context
      const isForced = entry !== undefined && withinRevalidateWindow(entry, clock.elapsed(), policy)
      const priority = isForced ? 'forced' : 'caller'
      const ignoresFailure = context.directives.noCache
      return resultOf(await source.loader.load(key, { priority, caller, deadline, calls, ignoresFailure }))
    } catch (error) {
      if (!isProblem(error)) throw error
      return staleOr(entry, error, context)
    }
  }

  return async (keys, context) => {
    const results = new Map<string, ReadResult<T> | Problem>()
    let missing: Map<string, CacheEntry<T> | undefined> | undefined
    const currentPolicy = source.isFollowed() ? followedPolicy : policy
    for (const key of keys) {
      const entry = source.find(key)
      const action = context.decide(entry, clock.elapsed(), currentPolicy)
      if (entry !== undefined && action !== 'read') {
        if (action === 'refresh' && !entry.isUnsettled) refresh(key)
        const result = resultOf(entry)
        context.outcomeCounts[result.stale ? 'stale' : 'hit']++
        lookups[result.value === undefined ? 'negative' : result.stale ? 'stale' : 'hit']++
        results.set(key, result)
        continue
      }
      context.outcomeCounts[entry === undefined ? 'fwd=miss' : 'fwd=stale']++
      lookups.miss++
      missing ??= new Map()
      missing.set(key, entry)
    }
    if (missing) await loadAll(missing, results, context)
    return results
  }

  /** Loads the `missing` keys into `results`, until the deadline of the request. */
  async function loadAll(
    missing: ReadonlyMap<string, CacheEntry<T> | undefined>,
    results: Map<string, ReadResult<T> | Problem>,
    context: ReadContext,
  ): Promise<void> {
    const refusal = context.onlyIfCachedProblem()
    if (refusal) {
      for (const key of missing.keys()) results.set(key, refusal)
      return
    }
    if (!waiting.tryAcquire(context.caller)) {
      for (const [key, entry] of missing) results.set(key, staleOr(entry, overloaded(1000), context))
      return
    }
    const loads = Array.from(missing, async ([key, entry]) => results.set(key, await load(key, entry, context)))
    try {
      await completesWithin(Promise.all(loads), context.deadline - clock.elapsed())
    } finally {
      waiting.release(context.caller)
    }
    // A load continues after the deadline, for other requests and for the cache.
    for (const key of missing.keys()) {
      if (!results.has(key)) results.set(key, staleOr(source.find(key), requestTimedOut(), context))
    }
  }

  /** The entry, however stale, if it may be served in place of the failed read; the problem otherwise. */
  function staleOr(entry: CacheEntry<T> | undefined, error: Problem, context: ReadContext): ReadResult<T> | Problem {
    const now = clock.elapsed()
    const isOfUse = entry !== undefined && withinStaleWindow(entry, now, policy) && context.toleratesStale(entry, now)
    return isOfUse ? resultOf(entry) : error
  }
}

/** The request's deadline passed before upstream answered. */
export const requestTimedOut = (): Problem =>
  problem('upstream_timeout', 'Trackstar did not answer within the time limit of this request')

/** Waits up to `ms` for `work`, and returns whether it has completed. Throws if `work` fails within that time. */
export async function completesWithin(work: Promise<unknown> | undefined, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), false)
  })
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
