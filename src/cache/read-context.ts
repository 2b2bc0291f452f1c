import { type Problem, problem } from '../errors.js'
import { type CacheEntry, type FreshnessPolicy, isFresh, withinRevalidateWindow } from './freshness.js'

/** How fresh an answer must be, by the request's `Cache-Control` (RFC 9111, section 5.2.1). */
export interface Directives {
  /** `no-cache`: read upstream, whatever is cached. */
  readonly noCache?: boolean
  /** `max-age`: no record older than this. */
  readonly maxAgeMs?: number
  /** `only-if-cached`: never read upstream. */
  readonly onlyIfCached?: boolean
}

/** How a record was obtained, from best to worst. `Cache-Status` reports the worst of an answer. */
export const outcomes = ['hit', 'stale', 'fwd=stale', 'fwd=miss'] as const
export type Outcome = (typeof outcomes)[number]

/** A record of at most this age is new enough for every request, `no-cache` included. */
const newEnoughMs = 1000

const ageMs = ({ readAt }: CacheEntry<unknown>, now: number) => now - readAt

/** The reads of one request: its deadline, the freshness it asks for, and how its records were obtained. */
export class ReadContext {
  /** The number of records by outcome. */
  readonly outcomeCounts: Record<Outcome, number> = { hit: 0, stale: 0, 'fwd=stale': 0, 'fwd=miss': 0 }

  /** The upstream calls that carried a record for this request, including those shared with others. */
  readonly calls = new Set<object>()

  /** @param deadline in the clock's `elapsed` ms */
  constructor(
    readonly caller: string,
    readonly deadline: number,
    readonly directives: Directives = {},
  ) {}

  /** The worst outcome of a record; undefined if none was read. */
  get outcome(): Outcome | undefined {
    return outcomes.findLast((outcome) => this.outcomeCounts[outcome] > 0)
  }

  /** Whether the entry may be served while upstream fails: not if it is older than `max-age` allows. */
  toleratesStale(entry: CacheEntry<unknown>, now: number): boolean {
    const { maxAgeMs = Number.POSITIVE_INFINITY } = this.directives
    return ageMs(entry, now) <= Math.max(maxAgeMs, newEnoughMs)
  }

  /** Whether to serve the entry, to serve it and refresh it in the background, or to read upstream. */
  decide(entry: CacheEntry<unknown> | undefined, now: number, policy: FreshnessPolicy): 'serve' | 'refresh' | 'read' {
    const { noCache, maxAgeMs = Number.POSITIVE_INFINITY, onlyIfCached } = this.directives
    if (entry === undefined) return 'read'
    const age = ageMs(entry, now)
    if (onlyIfCached) return age <= maxAgeMs ? 'serve' : 'read'
    if (age > newEnoughMs && (noCache || age > maxAgeMs)) return 'read'
    if (isFresh(entry, now)) return 'serve'
    return withinRevalidateWindow(entry, now, policy) ? 'refresh' : 'read'
  }

  /** The problem of a read of upstream that `only-if-cached` does not allow (RFC 9111, section 5.2.1.7). */
  onlyIfCachedProblem(): Problem | undefined {
    if (!this.directives.onlyIfCached) return undefined
    return problem(
      'not_cached',
      'No cached record is fresh enough, and only-if-cached does not allow a call to Trackstar',
    )
  }
}
