import type { SyncStatus } from '../cache/sync-status.js'
import type { ListedPage } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { ChangePosition } from './change-position.js'
import { Comparison } from './comparison.js'
import { type DateRange, toUpstreamDate } from './date-range.js'
import { type Leadership, soleLeadership } from './leadership.js'
import { ListReader, type ListReaderOptions } from './list-reader.js'
import { LoadTurn, LoadTurns } from './load-turns.js'
import { type MirrorCopy, type MirrorPosition, noCopy } from './mirror-copy.js'
import { type MirroredResource, type MirrorState, type MirrorStore, mirroredResources } from './mirror-store.js'

/** Waits after a comparison that failed double up to the second one. */
const firstRetryMs = 1000
const maxRetryMs = 60_000

export interface MirrorOptions {
  readonly trackstar: ListReaderOptions['trackstar']
  readonly store: MirrorStore
  /** Which resources upstream has not finished copying from the warehouse system for the first time. */
  readonly syncStatus: Pick<SyncStatus, 'incomplete' | 'readIncomplete'>
  readonly clock: Clock
  /** How often changes are read. */
  readonly syncIntervalMs: number
  /** How far each incremental read looks back behind the newest date seen: upstream lists changes late. */
  readonly syncOverlapMs: number
  /** Within how long every record is read again. */
  readonly fullCompareMs: number
  /** Receives the ids of stored records that upstream cannot send, so that they may be outdated. */
  readonly onUnreadable: (resource: MirroredResource, id: string) => void
  /** Whether this process follows the catalog upstream, or takes over what another one publishes. Default: it does. */
  readonly leadership?: Leadership
  /** The copy that replicas share. Default: none. */
  readonly copy?: MirrorCopy
  /** Limits the first loads that run at a time. Default: no limit. */
  readonly loadTurns?: LoadTurns
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Resolves after `ms`, or rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** The progress of the mirror. */
export interface MirrorProgress {
  readonly state: MirrorState
  /** Pages read since the start. */
  readonly pages: number
  /**
   * Pages left of the running comparison, estimated from the previous one; 0 between comparisons. Null during the first
   * load, because upstream does not say how many pages a list has.
   */
  readonly pagesLeft: number | null
  /** When all records were last confirmed to be current, epoch ms. */
  readonly syncedAt: number | undefined
  /**
   * Resources whose records may be missing or outdated: the first sync is unfinished, the list is empty, most of it is
   * suddenly missing, or a change cannot be read.
   */
  readonly unreliableResources: readonly MirroredResource[]
  /** Resources with records that cannot be read, and that are therefore not mirrored. */
  readonly unreadResources: readonly MirroredResource[]
}

/** How soon a process that does not lead notices that it does, or that there is a copy. */
const leaderCheckMs = 250

/** Another process leads: what this one was doing ends there. */
class NotLeaderError extends Error {
  constructor() {
    super('another replica leads')
  }
}

/** The only error that ends the mirror. */
class CatalogTooLargeError extends Error {
  constructor() {
    super('the catalog is larger than CACHE_MAX_MB')
  }
}

/**
 * Loads the whole catalog into a {@link MirrorStore} and keeps it current, at a lower priority than every caller.
 *
 * - Load (`loading`): reads all lists, page by page.
 * - Follow (`live`): every `syncIntervalMs`, reads the records that changed since the previous incremental read.
 * - Compare (`live`): reads all lists again within each `fullCompareMs`, see {@link Comparison}. The first comparison
 *   follows the load at once: until it is complete, the store proves no absence.
 * - `off`: after {@link stop}, or if the catalog does not fit in memory. Anything else that fails is tried again from
 *   where it was, with growing waits.
 */
export class Mirror {
  readonly #abort = new AbortController()
  readonly #reader: ListReader
  readonly #comparison: Comparison
  readonly #positions = new Map<MirroredResource, ChangePosition>()
  #state: MirrorState = 'loading'
  #pages = 0
  /** When the latest incremental read began, in the clock's `elapsed` ms. */
  #incrementalReadAt = 0
  readonly #leadership: Leadership
  readonly #copy: MirrorCopy
  /** Where the latest leader was, while this process follows it. */
  #followed: MirrorPosition | undefined

  constructor(private readonly options: MirrorOptions) {
    const { clock, fullCompareMs, log, onUnreadable, store, syncStatus, trackstar } = options
    this.#leadership = options.leadership ?? soleLeadership
    this.#copy = options.copy ?? noCopy
    this.#copy.follow((position) => this.#take(position))
    const reader = new ListReader({
      trackstar,
      clock,
      signal: this.#abort.signal,
      use: (resource, page, begunAt) => this.#storePage(resource, page, begunAt),
      report: (error, message, fields) => this.#report(error, message, fields),
    })
    this.#reader = reader
    const followUntil = (time: () => number) => this.#followUntil(time)
    const intervalMs = fullCompareMs
    this.#comparison = new Comparison({ reader, store, syncStatus, clock, intervalMs, onUnreadable, log, followUntil })
  }

  /** Whether records of a list may be missing or outdated, without anything that says which. Cheaper than {@link progress}. */
  isDoubtful(resource: MirroredResource): boolean {
    return this.#state === 'live' && this.#comparison.isDoubtful(resource)
  }

  get progress(): MirrorProgress {
    const isLive = this.#state === 'live'
    const comparison = this.#comparison
    return {
      state: this.#state,
      pages: this.#pages,
      pagesLeft: this.#state === 'loading' ? null : comparison.pagesLeft,
      syncedAt: this.options.store.syncedAt,
      unreliableResources: mirroredResources.filter((resource) => this.isDoubtful(resource)),
      unreadResources: isLive ? mirroredResources.filter((resource) => comparison.hasUnread(resource)) : [],
    }
  }

  /** Loads the catalog, then follows changes until {@link stop}. Resolves when the mirror is off; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#begin()
      for (let failures = 0; ; ) {
        try {
          await this.#untilLeader()
          await this.#comparison.run()
          failures = 0
          await this.#followUntil(() => this.#comparison.nextAt)
        } catch (error) {
          if (error instanceof NotLeaderError) continue
          this.#report(error, 'comparison failed, retrying')
          const until = this.options.clock.elapsed() + Math.min(maxRetryMs, firstRetryMs * 2 ** failures++)
          await this.#followUntil(() => until).catch((reason: unknown) => {
            if (!(reason instanceof NotLeaderError)) throw reason
          })
        }
      }
    } catch (error) {
      const isStopped = this.#abort.signal.aborted
      if (!isStopped) this.options.log.warn({ err: error }, 'mirror stopped, falling back to read-through')
      // The other list may still be loading.
      this.#abort.abort()
      this.#setState('off')
    }
  }

  stop(): void {
    this.#abort.abort()
  }

  /** Goes live with the copy of the others; without one, the leader loads the catalog. */
  async #begin(): Promise<void> {
    const { clock, log } = this.options
    const begunAt = clock.elapsed()
    for (;;) {
      const position = await this.#copy.load()
      this.#abort.signal.throwIfAborted()
      if (position !== undefined) {
        this.#take(position)
        this.#setState('live')
        log.info(
          { ...this.#counts(), ms: Math.round(clock.elapsed() - begunAt) },
          'catalog taken over from other replicas',
        )
        return
      }
      if (this.#leadership.isLeader) {
        await this.#load()
        return
      }
      await this.#sleep(leaderCheckMs)
    }
  }

  /** Follows what the leader publishes, until this process leads. */
  async #untilLeader(): Promise<void> {
    while (!this.#leadership.isLeader) await this.#sleep(leaderCheckMs)
    const position = this.#followed
    if (position === undefined) return
    this.#followed = undefined
    for (const resource of mirroredResources) {
      const round = position.changes[resource]
      if (round) this.#positions.set(resource, new ChangePosition(this.options.syncOverlapMs, round.newest ?? 0, round))
    }
  }

  #take(position: MirrorPosition): void {
    const { store } = this.options
    this.#followed = position
    store.confirm(position.confirmedAt)
    for (const resource of mirroredResources) store.setCompared(resource, position.compared.includes(resource))
  }

  #savePosition(confirmedAt: number): void {
    const compared = mirroredResources.filter((resource) => this.options.store.isCompared(resource))
    const changes = Object.fromEntries(Array.from(this.#positions, ([resource, { round }]) => [resource, round]))
    this.#copy.save({ confirmedAt, compared, changes })
  }

  #throwIfFollowing(): void {
    if (this.#state === 'live' && !this.#leadership.isLeader) throw new NotLeaderError()
  }

  async #load(): Promise<void> {
    const { clock, log, syncOverlapMs, syncStatus, store } = this.options
    const begunAt = clock.elapsed()
    const incomplete = syncStatus.readIncomplete()
    const turn = new LoadTurn(this.options.loadTurns ?? new LoadTurns(1), this.#abort.signal)
    const unread = new Map<MirroredResource, readonly DateRange[]>()
    await Promise.all(
      mirroredResources.map(async (resource) => {
        const list = await turn.read((pause) =>
          this.#reader.read(resource, { wait: (ms) => pause(() => this.#sleep(ms)) }),
        )
        unread.set(resource, list.unread)
        this.#positions.set(resource, new ChangePosition(syncOverlapMs, list.startDate, list.round))
      }),
    )
    // The status from before the lists were read: a first sync that finished meanwhile may have been read in part.
    this.#comparison.loaded(this.#pages, (await incomplete).length > 0, unread)
    store.confirm(begunAt)
    // What changed during the load comes before the mirror is live.
    await this.#sync(false)
    this.#setState('live')
    log.info({ ...this.#counts(), ms: Math.round(clock.elapsed() - begunAt) }, 'catalog mirrored')
  }

  /** Waits until `time()` (`elapsed` ms), and reads changes meanwhile, and before, whenever they are due. */
  async #followUntil(time: () => number): Promise<void> {
    const { clock, syncIntervalMs } = this.options
    for (;;) {
      this.#throwIfFollowing()
      if (clock.elapsed() >= this.#incrementalReadAt + syncIntervalMs) await this.#sync(true)
      const now = clock.elapsed()
      const until = time()
      if (now >= until) return
      await this.#sleep(Math.max(0, Math.min(until, this.#incrementalReadAt + syncIntervalMs) - now))
    }
  }

  /** Reads the changes, and empty lists as a whole: their first records may be dated long before upstream lists them. */
  async #sync(readsEmptyLists: boolean): Promise<void> {
    const { clock, store } = this.options
    this.#incrementalReadAt = clock.elapsed()
    try {
      await this.#readChanges()
      this.#throwIfFollowing()
      this.#savePosition(this.#incrementalReadAt)
      for (const resource of mirroredResources) {
        if (!readsEmptyLists || store.count(resource) > 0) continue
        await this.#reader.read(resource, { wait: (ms) => this.#sleep(ms), throwsFailures: true })
      }
    } catch (error) {
      if (error instanceof NotLeaderError) throw error
      this.#report(error, 'sync failed, retrying at the next interval')
    }
  }

  /** Reads what has changed since the previous incremental read, and confirms all records. */
  async #readChanges(): Promise<void> {
    const begunAt = this.#incrementalReadAt
    for (const resource of mirroredResources) {
      const position = this.#positions.get(resource)
      if (position === undefined) continue
      const { round, unread } = await this.#reader.read(resource, {
        filters: { 'trackstar_updated_date[gte]': toUpstreamDate(position.since) },
        wait: (ms) => this.#sleep(ms),
        throwsFailures: true,
      })
      // Only after the last page, so that a read that fails half-way is repeated from its beginning.
      position.advance(round)
      this.#comparison.changesRead(resource, unread)
    }
    this.options.store.confirm(begunAt)
  }

  async #storePage(resource: MirroredResource, page: ListedPage<MirroredResource>, begunAt: number): Promise<void> {
    const { log, store } = this.options
    await store.storePage(resource, page, begunAt)
    this.#abort.signal.throwIfAborted()
    this.#pages++
    if (this.#state === 'loading' && this.#pages % 20 === 0) log.info(this.#counts(), 'loading catalog')
    if (!store.fitsInMemory) throw new CatalogTooLargeError()
  }

  #counts() {
    const { store } = this.options
    return { products: store.count('products'), inventory: store.count('inventory'), pages: this.#pages }
  }

  /** Logs a failure that is going to be retried; throws one that is not: the mirror ends when it is stopped or cannot fit. */
  #report(error: unknown, message: string, fields: object = {}): void {
    if (this.#abort.signal.aborted || error instanceof CatalogTooLargeError) throw error
    this.options.log.warn({ err: error, ...fields }, message)
  }

  #sleep(ms: number): Promise<unknown> {
    return this.options.sleep(ms, this.#abort.signal)
  }

  #setState(state: MirrorState): void {
    this.#state = state
    this.options.store.setState(state)
  }
}
