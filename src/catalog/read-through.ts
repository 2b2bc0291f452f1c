import { isProblem, type Problem, problem } from '../errors.js'
import type { Clock } from '../trackstar/clock.js'
import type { BatchLoader } from './batch-loader.js'
import { type FreshnessPolicy, type Held, isFresh, withinRevalidateWindow, withinStaleWindow } from './freshness.js'
import { inTime } from './in-time.js'
import type { Reading } from './reading.js'

/** What is known of one key: the value (undefined: upstream does not know it), when it was read, whether it is stale. */
export interface Found<T> {
  readonly value: T | undefined
  /** Epoch ms. */
  readonly readAt: number
  readonly stale: boolean
}

/** One kind of thing to read: where it is held and how it is loaded. */
export interface Shelf<T> {
  readonly find: (key: string) => Held<T> | undefined
  readonly loader: BatchLoader<Held<T>>
}

/** How one look-up came: from what is held (fresh, stale, or known to be absent), or by asking upstream. */
export type Lookup = 'hit' | 'stale' | 'negative' | 'miss'

/** What a read-through needs beside its shelf. */
export interface ReadThroughParts {
  readonly clock: Clock
  readonly policy: FreshnessPolicy
  /** How long a refresh behind an answer may wait for its turn. */
  readonly refreshTimeoutMs: number
  /** Counts look-ups by how they came. */
  readonly lookups: Record<Lookup, number>
}

/** Reads many keys at once; a key that could not be had has a {@link Problem} instead, and spoils no other. */
export type ReadThrough<T> = (
  keys: Iterable<string>,
  reading: Reading,
) => Promise<ReadonlyMap<string, Found<T> | Problem>>

/**
 * The order in which an answer is looked for: held and fresh, held and stale (with a refresh behind the answer), read
 * upstream, held and too stale for anything but an upstream that fails.
 */
export function readThrough<T>(
  shelf: Shelf<T>,
  { clock, policy, refreshTimeoutMs, lookups }: ReadThroughParts,
): ReadThrough<T> {
  const found = (held: Held<T>): Found<T> => ({
    value: held.value,
    readAt: held.readAt,
    stale: !isFresh(held, clock.now()),
  })

  function refresh(key: string): void {
    const deadline = clock.elapsed() + refreshTimeoutMs
    // What comes of it is in the holdings, or the call's report says why not.
    shelf.loader.load(key, { priority: 'refresh', caller: 'refresh', deadline }).catch(() => {})
  }

  async function load(key: string, held: Held<T> | undefined, reading: Reading): Promise<Found<T> | Problem> {
    const refusal = reading.refuseToRead()
    if (refusal) return refusal
    try {
      const { caller, deadline, calls } = reading
      const isForced = held !== undefined && withinRevalidateWindow(held, clock.now(), policy)
      return found(await shelf.loader.load(key, { priority: isForced ? 'forced' : 'caller', caller, deadline, calls }))
    } catch (error) {
      if (!isProblem(error)) throw error
      const mayServe = held !== undefined && withinStaleWindow(held, clock.now(), policy)
      return mayServe ? found(held) : error
    }
  }

  return async (keys, reading) => {
    const results = new Map<string, Found<T> | Problem>()
    const loads: Promise<void>[] = []
    for (const key of keys) {
      const held = shelf.find(key)
      const todo = reading.judge(held, clock.now(), policy)
      if (held !== undefined && todo !== 'read') {
        if (todo === 'refresh') refresh(key)
        const result = found(held)
        reading.came[result.stale ? 'stale' : 'hit']++
        lookups[result.value === undefined ? 'negative' : result.stale ? 'stale' : 'hit']++
        results.set(key, result)
        continue
      }
      reading.came[held === undefined ? 'fwd=miss' : 'fwd=stale']++
      lookups.miss++
      loads.push(load(key, held, reading).then((result) => void results.set(key, result)))
    }
    if (loads.length > 0) await inTime(Promise.all(loads), reading.deadline - clock.elapsed())
    for (const key of keys) if (!results.has(key)) results.set(key, late(shelf.find(key)))
    return results
  }

  /** What is left for a key whose flight outlasts its caller; the flight goes on for others and for the holdings. */
  function late(held: Held<T> | undefined): Found<T> | Problem {
    if (held !== undefined && withinStaleWindow(held, clock.now(), policy)) return found(held)
    return lateProblem()
  }
}

/** A caller's time was over before upstream answered. */
export const lateProblem = (): Problem =>
  problem('upstream_timeout', 'Trackstar did not answer within the time of this request')
