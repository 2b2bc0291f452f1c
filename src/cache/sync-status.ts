import type { SyncState } from '../records/sync-state.js'
import type { TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'

/** It moves about hourly; a first copy that is being made is looked at more often. */
const keptMs = 5 * 60_000
const retryMs = 60_000

/** What Trackstar says of its own copy: read when somebody wants to know, behind his answer, and seldom. */
export class SyncStatus {
  #state: SyncState | undefined
  #askAgainAt = Number.NEGATIVE_INFINITY
  #isReading = false
  #isOutdated = false

  constructor(
    private readonly trackstar: Pick<TrackstarClient, 'connection'>,
    private readonly connectionId: string | undefined,
    private readonly clock: Pick<Clock, 'elapsed'>,
    private readonly timeoutMs: number,
    private readonly onFailure: (what: string, error: unknown) => void,
  ) {}

  /** What was last read; undefined while that is nothing. Where upstream may not be asked, no read is begun. */
  get(mayAsk = true): SyncState | undefined {
    const now = this.clock.elapsed()
    if (mayAsk && this.connectionId !== undefined && now >= this.#askAgainAt && !this.#isReading) {
      this.#askAgainAt = now + retryMs
      void this.#read(this.connectionId, now + this.timeoutMs)
    }
    return this.#state
  }

  /** The resources whose first copy is not finished, by what was last read. */
  get incomplete(): readonly string[] {
    return this.#state?.incomplete ?? []
  }

  /** Reads it now, and gives the resources whose first copy is not finished, as far as that is known. */
  async readIncomplete(): Promise<readonly string[]> {
    if (this.connectionId !== undefined) await this.#read(this.connectionId, this.clock.elapsed() + this.timeoutMs)
    return this.incomplete
  }

  /** Something is said to have happened: what is known is read again, after a read that is under way. */
  askAgain(): void {
    this.#isOutdated = this.#isReading
    this.#askAgainAt = Number.NEGATIVE_INFINITY
    this.get()
  }

  async #read(connectionId: string, deadline: number): Promise<void> {
    const bid = { priority: 'refresh', caller: 'connection', deadline: () => deadline } as const
    this.#isReading = true
    try {
      this.#state = await this.trackstar.connection(connectionId, { permitRequest: bid, cause: 'refresh' })
      if (this.#state.incomplete.length === 0) this.#askAgainAt = this.clock.elapsed() + keptMs
    } catch (error) {
      this.onFailure('connection', error)
    }
    this.#isReading = false
    if (this.#isOutdated) this.askAgain()
  }
}
