import { type Problem, problem } from '../errors.js'
import { type CacheEntry, type FreshnessPolicy, isFresh, withinRevalidateWindow } from './freshness.js'

/** What a caller asks of freshness, by his `Cache-Control` (RFC 9111, 5.2.1). */
export interface Directives {
  /** `no-cache`: upstream is to be read, whatever is held. */
  readonly noCache?: boolean
  /** `max-age`: nothing older than this. */
  readonly maxAgeMs?: number
  /** `only-if-cached`: upstream is never to be read. */
  readonly onlyIfCached?: boolean
}

/** How a record came, from the best to the worst; the worst of an answer is what `Cache-Status` tells. */
export const outcomes = ['hit', 'stale', 'fwd=stale', 'fwd=miss'] as const
export type Outcome = (typeof outcomes)[number]

/** What was read less than this ago is new enough for anyone, `no-cache` included. */
const newEnoughMs = 1000

/** In ms. What was read in the future, by a clock that was set back since, is of any age. */
const ageOf = ({ readAt }: CacheEntry<unknown>, now: number) =>
  readAt <= now ? now - readAt : Number.POSITIVE_INFINITY

/** One caller's request: until when and how fresh he wants his answer, and what the records for it cost. */
export class ReadContext {
  /** How many records came in each way. */
  readonly outcomeCounts: Record<Outcome, number> = { hit: 0, stale: 0, 'fwd=stale': 0, 'fwd=miss': 0 }

  /** The calls upstream that carried something for it, whoever else they served. */
  readonly calls = new Set<object>()

  /** @param deadline in the clock's `elapsed` ms */
  constructor(
    readonly caller: string,
    readonly deadline: number,
    readonly directives: Directives = {},
  ) {}

  /** The worst way in which a record came; undefined where none was read. */
  get outcome(): Outcome | undefined {
    return outcomes.findLast((outcome) => this.outcomeCounts[outcome] > 0)
  }

  /** Whether what is held may stand in for an upstream that fails: not where it is older than `max-age` takes. */
  toleratesStale(held: CacheEntry<unknown>, now: number): boolean {
    const { maxAgeMs = Number.POSITIVE_INFINITY } = this.directives
    return ageOf(held, now) <= Math.max(maxAgeMs, newEnoughMs)
  }

  /** What is to be done with what is held: serve it, serve it and refresh it behind the answer, or read upstream. */
  decide(held: CacheEntry<unknown> | undefined, now: number, policy: FreshnessPolicy): 'serve' | 'refresh' | 'read' {
    const { noCache, maxAgeMs = Number.POSITIVE_INFINITY, onlyIfCached } = this.directives
    if (held === undefined) return 'read'
    const age = ageOf(held, now)
    if (onlyIfCached) return age <= maxAgeMs ? 'serve' : 'read'
    if (age > newEnoughMs && (noCache || age > maxAgeMs)) return 'read'
    if (isFresh(held, now)) return 'serve'
    return withinRevalidateWindow(held, now, policy) ? 'refresh' : 'read'
  }

  /** What `only-if-cached` gets where nothing is held (RFC 9111, 5.2.1.7). */
  onlyIfCachedProblem(): Problem | undefined {
    if (!this.directives.onlyIfCached) return undefined
    return problem('not_cached', 'Nothing is held that is fresh enough, and only-if-cached forbids to ask Trackstar')
  }
}
