import type { SyncState } from '../records/sync-state.js'
import type { TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { RefreshedValue } from './refreshed-value.js'

/** The state changes about hourly; an unfinished first sync is checked more often. */
const ttlMs = 5 * 60_000
const retryMs = 60_000

export interface SyncStatusOptions {
  readonly trackstar: Pick<TrackstarClient, 'connection'>
  /** Without it, the state stays unknown and upstream is not called. */
  readonly connectionId: string | undefined
  readonly clock: Pick<Clock, 'elapsed'>
  readonly timeoutMs: number
  readonly onFailure: (name: string, error: unknown) => void
}

/** Trackstar's own state of the connection: when it last copied the warehouse system, and what is wrong. */
export class SyncStatus {
  /** Undefined if the connection is not known. */
  readonly #state: RefreshedValue<SyncState> | undefined

  constructor({ trackstar, connectionId, clock, timeoutMs, onFailure }: SyncStatusOptions) {
    if (connectionId === undefined) return
    this.#state = new RefreshedValue({
      name: 'connection',
      async read(options) {
        const value = await trackstar.connection(connectionId, options)
        return { value, ttlMs: value.incomplete.length === 0 ? ttlMs : retryMs }
      },
      retryMs,
      timeoutMs,
      clock,
      onFailure,
    })
  }

  /** The latest state; undefined until it is known. Reads it again in the background if it is due and `mayRead`. */
  get(mayRead = true): SyncState | undefined {
    if (mayRead && this.#state?.isDue) void this.#state.read()
    return this.#state?.value
  }

  /** The resources whose first sync was not finished, by the latest state. */
  get incomplete(): readonly string[] {
    return this.#state?.value?.incomplete ?? []
  }

  /** Reads the state, then returns {@link incomplete}. */
  async readIncomplete(): Promise<readonly string[]> {
    await this.#state?.read()
    return this.incomplete
  }

  /** Reads the state again because it has changed. */
  invalidate(): void {
    this.#state?.invalidate()
  }
}
