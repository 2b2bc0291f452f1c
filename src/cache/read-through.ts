import { isProblem, type Problem, problem } from '../errors.js'
import type { Clock } from '../trackstar/clock.js'
import { overloaded } from '../trackstar/rate-limiter.js'
import type { BatchLoader } from './batch-loader.js'
import type { ConcurrencyLimit } from './concurrency-limit.js'
import {
  type CacheEntry,
  type FreshnessPolicy,
  isFresh,
  withinRevalidateWindow,
  withinStaleWindow,
} from './freshness.js'
import type { ReadContext } from './read-context.js'

/** What is known of one key: the value (undefined: upstream does not know it), when it was read, whether it is stale. */
export interface ReadResult<T> {
  readonly value: T | undefined
  /** Epoch ms. */
  readonly readAt: number
  readonly stale: boolean
}

/** One kind of thing to read: where it is held and how it is loaded. */
export interface ReadSource<T> {
  readonly find: (key: string) => CacheEntry<T> | undefined
  readonly loader: BatchLoader<CacheEntry<T>>
  /** Whether changes come here by themselves, so that age is no reason to read a record again. */
  readonly isFollowed: () => boolean
}

/** How one look-up came: from what is held (fresh, stale, or known to be absent), or by asking upstream. */
export type LookupOutcome = 'hit' | 'stale' | 'negative' | 'miss'

/** What a read-through needs beside its shelf. */
export interface ReadThroughOptions {
  readonly clock: Clock
  readonly policy: FreshnessPolicy
  /** How long a refresh behind an answer may wait for its turn. */
  readonly refreshTimeoutMs: number
  /** Where requests wait for upstream. */
  readonly waiting: ConcurrencyLimit
  /** Counts look-ups by how they came. */
  readonly lookups: Record<LookupOutcome, number>
}

/** Reads many keys at once; a key that could not be had has a {@link Problem} instead, and spoils no other. */
export type ReadThrough<T> = (
  keys: Iterable<string>,
  reading: ReadContext,
) => Promise<ReadonlyMap<string, ReadResult<T> | Problem>>

/**
 * The order in which an answer is looked for: held and fresh, held and stale (with a refresh behind the answer), read
 * upstream, held and too stale for anything but an upstream that fails.
 */
export function readThrough<T>(
  shelf: ReadSource<T>,
  { clock, policy, refreshTimeoutMs, lookups, waiting }: ReadThroughOptions,
): ReadThrough<T> {
  const found = (held: CacheEntry<T>): ReadResult<T> => ({
    value: held.value,
    readAt: held.readAt,
    stale: !isFresh(held, clock.now()),
  })

  const followedPolicy = { ...policy, revalidateMs: policy.maxStaleMs }

  function refresh(key: string): void {
    if (shelf.isFollowed()) return
    const deadline = clock.elapsed() + refreshTimeoutMs
    // What comes of it is in the holdings, or the call's report says why not.
    shelf.loader.load(key, { priority: 'refresh', caller: 'refresh', deadline }).catch(() => {})
  }

  async function load(
    key: string,
    held: CacheEntry<T> | undefined,
    reading: ReadContext,
  ): Promise<ReadResult<T> | Problem> {
    try {
      const { caller, deadline, calls } = reading
      const isForced = held !== undefined && withinRevalidateWindow(held, clock.now(), policy)
      return found(await shelf.loader.load(key, { priority: isForced ? 'forced' : 'caller', caller, deadline, calls }))
    } catch (error) {
      if (!isProblem(error)) throw error
      return orHeld(held, error, reading)
    }
  }

  return async (keys, reading) => {
    const results = new Map<string, ReadResult<T> | Problem>()
    let wanted: Map<string, CacheEntry<T> | undefined> | undefined
    const judged = shelf.isFollowed() ? followedPolicy : policy
    for (const key of keys) {
      const held = shelf.find(key)
      const todo = reading.decide(held, clock.now(), judged)
      if (held !== undefined && todo !== 'read') {
        if (todo === 'refresh') refresh(key)
        const result = found(held)
        reading.outcomeCounts[result.stale ? 'stale' : 'hit']++
        lookups[result.value === undefined ? 'negative' : result.stale ? 'stale' : 'hit']++
        results.set(key, result)
        continue
      }
      reading.outcomeCounts[held === undefined ? 'fwd=miss' : 'fwd=stale']++
      lookups.miss++
      wanted ??= new Map()
      wanted.set(key, held)
    }
    if (wanted) await loadAll(wanted, results, reading)
    return results
  }

  /** Puts into `results` what comes of the `wanted` keys, in the time of the reading. */
  async function loadAll(
    wanted: ReadonlyMap<string, CacheEntry<T> | undefined>,
    results: Map<string, ReadResult<T> | Problem>,
    reading: ReadContext,
  ): Promise<void> {
    const refusal = reading.onlyIfCachedProblem()
    if (refusal) {
      for (const key of wanted.keys()) results.set(key, refusal)
      return
    }
    if (!waiting.tryAcquire(reading.caller)) {
      for (const [key, held] of wanted) results.set(key, orHeld(held, overloaded(1000), reading))
      return
    }
    const loads = Array.from(wanted, async ([key, held]) => results.set(key, await load(key, held, reading)))
    try {
      await completesWithin(Promise.all(loads), reading.deadline - clock.elapsed())
    } finally {
      waiting.release(reading.caller)
    }
    // The flight of a key that outlasts its caller goes on, for others and for the holdings.
    for (const key of wanted.keys()) {
      if (!results.has(key)) results.set(key, orHeld(shelf.find(key), requestTimedOut(), reading))
    }
  }

  /** What is held, however stale, where it may still stand in for the answer that failed. */
  function orHeld(held: CacheEntry<T> | undefined, error: Problem, reading: ReadContext): ReadResult<T> | Problem {
    const now = clock.now()
    const isOfUse = held !== undefined && withinStaleWindow(held, now, policy) && reading.toleratesStale(held, now)
    return isOfUse ? found(held) : error
  }
}

/** A caller's time was over before upstream answered. */
export const requestTimedOut = (): Problem =>
  problem('upstream_timeout', 'Trackstar did not answer within the time of this request')

/** Waits for `work`, but no longer than `ms`; says whether it was done by then. What fails in time throws. */
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
