import type { Clock } from '../trackstar/clock.js'
import type { TrackstarClient } from '../trackstar/trackstar.js'
import type { Followed, MirrorState, MirrorTarget } from './mirror-target.js'

/** What a mirror is made of. */
export interface MirrorOptions {
  readonly trackstar: Pick<TrackstarClient, 'list'>
  readonly target: MirrorTarget
  readonly clock: Clock
  readonly syncIntervalMs: number
  readonly fullCompareMs: number
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  /** Resources whose first copy upstream is known not to have finished. */
  readonly incomplete: () => readonly string[]
  /** Asks upstream for the same. */
  readonly readIncomplete: () => Promise<readonly string[]>
  /** Resolves after `ms`, or rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** How far the mirror is. */
export interface MirrorProgress {
  readonly state: MirrorState
  /** Pages read since the start. */
  readonly pages: number
  /** Pages still to come of a comparison, going by the walk before; null for a first load: upstream gives no total. */
  readonly pagesLeft: number | null
  /** When everything held was last confirmed, epoch ms. */
  readonly syncedAt: number | undefined
  /** Resources whose first copy is unfinished, whose list is empty, or has suddenly lost most of its records. */
  readonly doubtful: readonly Followed[]
}

/** What the mirror goes by. */
export const rules = {
  /** Records a page of a list has at most. */
  pageLimit: '1000',
  /** Changes are read from this long before the last look: upstream may date a record before it shows it. */
  overlapMs: 60_000,
  /** Records that were hidden from the first load, or went during it, are found by a comparison this long after it. */
  firstCompareMs: 10 * 60_000,
  /** While a first copy is unfinished, or a loss is not believed, the lists are read again after this long. */
  recheckMs: 5 * 60_000,
  /** A list that has lost more than this part of its records is not believed until it says so twice. */
  believableLoss: 0.5,
} as const
