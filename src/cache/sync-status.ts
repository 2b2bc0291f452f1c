import { type StuckSync, type SyncState, stuckSchedules, withoutExcess } from '../records/sync-state.js'
import type { TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { RefreshedValue } from './refreshed-value.js'
import { StuckReports } from './stuck-reports.js'

/** The state changes about hourly; an unfinished first sync is checked more often. */
const ttlMs = 5 * 60_000
const retryMs = 60_000

export interface SyncStatusOptions {
  readonly trackstar: Pick<TrackstarClient, 'connection'>
  /** Without it, the state stays unknown and upstream is not called. */
  readonly connectionId: string | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onFailure: (name: string, error: unknown) => void
}

/** The state as upstream reports it, with the errors of the schedules that do not run. */
interface Reported {
  readonly state: SyncState
  readonly stuck: readonly StuckSync[]
}

/** A state with the errors of what webhooks reported, and what it was made from. */
interface Shown {
  readonly reported: Reported | undefined
  readonly reports: readonly StuckSync[]
  readonly state: SyncState
}

const unknown: Reported = { state: { syncedAt: null, errors: [], incomplete: [] }, stuck: [] }

const withStuck = (state: SyncState, stuck: readonly StuckSync[]): SyncState => ({
  ...state,
  errors: withoutExcess([...state.errors, ...stuck.map(({ error }) => error)]),
})

/** The reports about what is not known to be stuck anyway. */
const unlisted = (reports: readonly StuckSync[], stuck: readonly StuckSync[]) =>
  reports.filter(({ resource }) =>
    resource === undefined ? stuck.length === 0 : stuck.every((known) => known.resource !== resource),
  )

/**
 * Trackstar's own state of the connection: when it last copied the warehouse system, and what is wrong. Besides the errors
 * that it reports, schedules that do not run are errors: those that are paused or overdue, and those of which a webhook said
 * that they are stuck.
 */
export class SyncStatus {
  /** Undefined if the connection is not known. */
  readonly #reported: RefreshedValue<Reported> | undefined
  readonly #reports: StuckReports
  #shown: Shown | undefined

  constructor({ trackstar, connectionId, clock, timeoutMs, onFailure }: SyncStatusOptions) {
    this.#reports = new StuckReports(clock)
    if (connectionId === undefined) return
    this.#reported = new RefreshedValue({
      name: 'connection',
      read: async (options) => {
        const { schedules, date, ...state } = await trackstar.connection(connectionId, options)
        this.#reports.observe(schedules)
        // Upstream's dates are compared with upstream's clock, so that ours may be wrong.
        const stuck = stuckSchedules(schedules, date ?? clock.now())
        return {
          value: { state: withStuck(state, stuck), stuck },
          ttlMs: state.incomplete.length === 0 ? ttlMs : retryMs,
        }
      },
      retryMs,
      timeoutMs,
      clock,
      onFailure,
    })
  }

  /**
   * The latest state; undefined until it is known. It is the same object until something changes. Reads it again in the
   * background if it is due and `mayRead`.
   */
  get(mayRead = true): SyncState | undefined {
    if (mayRead && this.#reported?.isDue) void this.#reported.read()
    const reported = this.#reported?.value
    const reports = this.#reports.current
    if (reports.length === 0) return reported?.state
    if (this.#shown?.reported !== reported || this.#shown?.reports !== reports) {
      const { state, stuck } = reported ?? unknown
      this.#shown = { reported, reports, state: withStuck(state, unlisted(reports, stuck)) }
    }
    return this.#shown.state
  }

  /** The resources whose first sync was not finished, by the latest state. */
  get incomplete(): readonly string[] {
    return this.#reported?.value?.state.incomplete ?? []
  }

  /** Reads the state, then returns {@link incomplete}. */
  async readIncomplete(): Promise<readonly string[]> {
    await this.#reported?.read()
    return this.incomplete
  }

  /** A webhook says that a schedule is stuck; `data` tells which. */
  noteStuck(data: unknown): void {
    this.#reports.add(data)
    this.invalidate()
  }

  /** A webhook says that a sync was completed; `data` tells of what. */
  noteCompleted(data: unknown): void {
    this.#reports.complete(data)
    this.invalidate()
  }

  /** Reads the state again because it has changed. */
  invalidate(): void {
    this.#reported?.invalidate()
  }
}
