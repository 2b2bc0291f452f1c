import { parseDate } from '../records/dates.js'

/** One complete read of a list, or of its changes. Times in the clock's `elapsed` ms. */
export interface ChangeRound {
  readonly begunAt: number
  readonly endedAt: number
  readonly pages: number
  /** The newest date that a record has shown, epoch ms. */
  readonly newest: number | undefined
}

/**
 * How far the changes of one list have been read: up to the newest `trackstar_updated_date` that its records have shown.
 * Neither our clock nor upstream's `Date` is the clock of these dates, so neither says where to go on.
 *
 * Upstream lists changes late, so each read looks back `overlapMs` behind that date, and further by the duration of the
 * previous read: a record that changed after its page was read may be older than the newest one seen.
 */
export class ChangePosition {
  #newest: number
  /** When the newest date was first seen, in the clock's `elapsed` ms. */
  #newestSeenAt: number
  #roundMs = 0
  #floor = Number.NEGATIVE_INFINITY

  /**
   * @param start where to begin if no record has a date, epoch ms
   * @param load the read of the whole list that came before
   */
  constructor(
    private readonly overlapMs: number,
    start: number,
    load: ChangeRound,
  ) {
    this.#newest = load.newest ?? start
    this.#newestSeenAt = load.endedAt
    this.#roundMs = load.endedAt - load.begunAt
  }

  /** The date from which changes are to be read next, epoch ms. */
  get since(): number {
    return Math.max(this.#newest - this.overlapMs - this.#roundMs, this.#floor)
  }

  /** The latest read, from which another process can go on. */
  get round(): ChangeRound {
    const endedAt = this.#newestSeenAt
    return { begunAt: endedAt - this.#roundMs, endedAt, pages: 1, newest: this.#newest }
  }

  /** Moves on after a read of the changes that was complete. */
  advance({ begunAt, endedAt, pages, newest = Number.NEGATIVE_INFINITY }: ChangeRound): void {
    this.#roundMs = endedAt - begunAt
    if (newest > this.#newest) {
      this.#newest = newest
      this.#newestSeenAt = endedAt
    }
    // Upstream may have dated most of the catalog alike: with many records within the overlap, every read would be as long
    // as this one. Upstream's clock has moved on since the newest date by as much as ours.
    if (pages > 1) this.#floor = Math.max(this.#floor, this.#newest + begunAt - this.#newestSeenAt - this.overlapMs)
  }
}

/**
 * The newest date of the records, epoch ms; undefined if none has one.
 * @param latest dates after this are ignored: one wrong date must not skip the changes before it
 */
export function newestDate(
  records: readonly { readonly trackstar_updated_date?: unknown }[],
  latest: number,
): number | undefined {
  const dates = records.map((record) => parseDate(record.trackstar_updated_date) ?? Number.NEGATIVE_INFINITY)
  const newest = Math.max(...dates.filter((date) => date <= latest))
  return Number.isFinite(newest) ? newest : undefined
}
