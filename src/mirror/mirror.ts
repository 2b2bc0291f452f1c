import { LossGuard } from '../cache/loss-guard.js'
import type { SyncStatus } from '../cache/sync-status.js'
import { isProblem } from '../errors.js'
import type { CallOptions, ListedPage, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { type PageRetry, paginate } from '../trackstar/pagination.js'
import { type Filters, keyLists } from '../trackstar/query.js'
import { type MirroredResource, type MirrorState, type MirrorStore, mirroredResources } from './mirror-store.js'

/** Records per page of a list. */
const pageLimit = '1000'
/** Each incremental read starts this long before the previous one: upstream may date a record before it lists it. */
const overlapMs = 60_000
/** The first comparison follows the load this soon, to find records that the load missed or that were deleted during it. */
const firstComparisonMs = 10 * 60_000
/** While a first copy is unfinished, or a loss is suspected, comparisons follow each other this closely. */
const recheckMs = 5 * 60_000

export interface MirrorOptions {
  readonly trackstar: Pick<TrackstarClient, 'list'>
  readonly store: MirrorStore
  /** Which resources upstream has not finished copying from the warehouse system for the first time. */
  readonly syncStatus: Pick<SyncStatus, 'incomplete' | 'readIncomplete'>
  readonly clock: Clock
  /** How often changes are read. */
  readonly syncIntervalMs: number
  /** How often all records are compared. */
  readonly fullCompareMs: number
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Resolves after `ms`, or rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** How far the mirror has come. */
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
  /** Resources that may be incomplete: the first copy is unfinished, the list is empty, or most of it is suddenly missing. */
  readonly unreliableResources: readonly MirroredResource[]
}

/**
 * Loads the whole catalog into a {@link MirrorStore} and keeps it current, at a lower priority than every caller.
 *
 * - Load (`loading`): reads all lists, page by page. A page that fails is read again until it succeeds.
 * - Follow (`live`): every `syncIntervalMs`, reads the records that changed since the previous incremental read.
 * - Compare (`live`): every `fullCompareMs`, reads all lists again and removes the records that are missing, because
 *   upstream announces no deletions and an incremental read can miss a change.
 * - `off`: after {@link stop}, if the catalog does not fit in memory, or after an error that no retry can fix.
 */
export class Mirror {
  readonly #abort = new AbortController()
  #state: MirrorState = 'loading'
  #pages = 0

  /** When the latest incremental read began, in the clock's `elapsed` ms. */
  #incrementalReadAt = 0
  /** Upstream's time, epoch ms, up to which all changes have been read. */
  #changesReadUntil = 0

  /** When the latest comparison, or the load, began, in the clock's `elapsed` ms. */
  #comparedAt = 0
  /** The time from then until the next comparison. */
  #compareAfterMs = 0
  /** The pages of the latest load or comparison. */
  #pagesPerComparison = 0
  /** The value of `#pages` at which the running comparison is expected to end. */
  #comparisonEnd = 0
  /** Whether a first copy was unfinished when the latest load or comparison began: there may be more records now. */
  #wasIncomplete = false
  readonly #losses = new LossGuard()

  constructor(private readonly options: MirrorOptions) {}

  get progress(): MirrorProgress {
    const { store, syncStatus } = this.options
    const isUnreliable = (resource: MirroredResource) =>
      syncStatus.incomplete.includes(resource) || this.#losses.isSuspected(resource) || store.count(resource) === 0
    return {
      state: this.#state,
      pages: this.#pages,
      pagesLeft: this.#state === 'loading' ? null : Math.max(0, this.#comparisonEnd - this.#pages),
      syncedAt: store.syncedAt,
      unreliableResources: this.#state === 'live' ? mirroredResources.filter(isUnreliable) : [],
    }
  }

  /** Loads the catalog, then follows changes until {@link stop}. Resolves when the mirror is off; never rejects. */
  async run(): Promise<void> {
    const { clock, log, syncIntervalMs } = this.options
    try {
      await this.#load()
      while (this.#state === 'live') {
        await this.#sleep(Math.max(0, this.#incrementalReadAt + syncIntervalMs - clock.elapsed()))
        await this.#follow()
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) log.warn({ err: error }, 'mirror stopped, falling back to read-through')
      // The other list may still be loading.
      this.#abort.abort()
      this.#setState('off')
    }
  }

  stop(): void {
    this.#abort.abort()
  }

  async #load(): Promise<void> {
    const { clock, log, fullCompareMs, syncStatus } = this.options
    const begunAt = clock.elapsed()
    const incomplete = syncStatus.readIncomplete()
    const startDates = await Promise.all(mirroredResources.map((resource) => this.#readWholeList(resource)))
    this.#pagesPerComparison = this.#pages
    this.#changesReadUntil = Math.min(...startDates)
    this.#comparedAt = begunAt
    this.#compareAfterMs = Math.min(fullCompareMs, firstComparisonMs)
    // The status from before the lists were read: a first copy that finished meanwhile may have been read in part.
    this.#wasIncomplete = (await incomplete).length > 0
    this.#incrementalReadAt = clock.elapsed()
    this.options.store.confirm(begunAt)
    // From `live` on, records that are not in the store count as absent, so those added during the load come first.
    await this.#withRetryNextInterval(() => this.#readChanges())
    this.#setState('live')
    log.info({ ...this.#counts(), ms: Math.round(clock.elapsed() - begunAt) }, 'catalog mirrored')
  }

  async #follow(): Promise<void> {
    await this.#withRetryNextInterval(async () => {
      await this.#readChanges()
      await this.#readEmptyLists()
      if (this.#isComparisonDue()) await this.#compare()
    })
  }

  async #withRetryNextInterval(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#abort.signal.aborted || !isProblem(error)) throw error
      this.options.log.warn({ err: error }, 'sync failed, retrying at the next interval')
    }
  }

  /** Reads what has changed since the previous incremental read, and confirms all records. */
  async #readChanges(): Promise<void> {
    const { clock } = this.options
    const begunAt = clock.elapsed()
    this.#incrementalReadAt = begunAt
    const since = new Date(this.#changesReadUntil - overlapMs).toISOString().replace(/\.\d+Z$/, 'Z')
    const startDates: number[] = []
    for (const resource of mirroredResources) {
      startDates.push(await this.#readList(resource, { 'trackstar_updated_date[gte]': since }))
    }
    // Only after the last page, so that a read that fails half-way is repeated from its beginning.
    this.#changesReadUntil = Math.min(...startDates)
    this.options.store.confirm(begunAt)
  }

  /** Reads empty lists as a whole: their first records may be dated long before upstream lists them. */
  async #readEmptyLists(): Promise<void> {
    for (const resource of mirroredResources) {
      if (this.options.store.count(resource) === 0) await this.#readWholeList(resource)
    }
  }

  /** Due by the interval; sooner after an unfinished first copy or while a loss is suspected. */
  #isComparisonDue(): boolean {
    const { clock, syncStatus } = this.options
    const sinceMs = clock.elapsed() - this.#comparedAt
    if (sinceMs >= this.#compareAfterMs) return true
    const isFirstCopyFinished = this.#wasIncomplete && syncStatus.incomplete.length === 0
    return isFirstCopyFinished || ((this.#losses.hasSuspected || this.#wasIncomplete) && sinceMs >= recheckMs)
  }

  /** Reads all lists again and removes the records that are missing from them. */
  async #compare(): Promise<void> {
    const begunAt = this.options.clock.elapsed()
    this.#wasIncomplete = (await this.options.syncStatus.readIncomplete()).length > 0
    const pagesBefore = this.#pages
    this.#comparisonEnd = pagesBefore + this.#pagesPerComparison
    try {
      for (const resource of mirroredResources) await this.#compareList(resource, begunAt)
    } finally {
      this.#comparisonEnd = this.#pages
    }
    this.#pagesPerComparison = this.#pages - pagesBefore
    this.#comparedAt = begunAt
    this.#compareAfterMs = this.options.fullCompareMs
  }

  async #compareList(resource: MirroredResource, begunAt: number): Promise<void> {
    const { log, store, syncStatus } = this.options
    const seenIds = new Set<string>()
    const missingIds = () => store.idsReadBefore(resource, begunAt).filter((id) => !seenIds.has(id))
    await this.#readWholeList(resource, {}, seenIds)
    let missing = missingIds()
    if (syncStatus.incomplete.includes(resource)) return
    const loss = { missing: missing.length, known: store.count(resource), keys: [resource] }
    if (!this.#losses.believes(loss)) {
      log.warn({ resource, missing: missing.length }, 'most records are missing upstream, keeping them for now')
      return
    }
    if (this.#losses.isPlausible(loss) && missing.length > 0) {
      // A deletion during the comparison shifts later records to pages that were already read. Their ids settle it.
      for (const keys of keyLists(missing)) await this.#readWholeList(resource, { 'ids[in]': keys.join(',') }, seenIds)
      missing = missingIds()
    }
    for (const id of missing) store.remove(resource, id)
    if (missing.length > 0) log.info({ resource, removed: missing.length }, 'removed records deleted upstream')
  }

  /** Reads a list until all its pages have succeeded, and changes meanwhile. Returns upstream's time at its start. */
  #readWholeList(resource: MirroredResource, filters: Filters = {}, seenIds?: Set<string>): Promise<number> {
    const { log } = this.options
    return this.#readList(resource, filters, {
      seenIds,
      beforePage: () => this.#readChangesIfDue(),
      retry: {
        onFailure: (error) => log.warn({ err: error, resource }, 'could not read a page, retrying'),
        sleep: (ms) => this.#sleep(ms),
      },
    })
  }

  /** Keeps a comparison that is long, or waits for upstream to recover, from delaying the incremental reads. */
  async #readChangesIfDue(): Promise<void> {
    const { clock, syncIntervalMs } = this.options
    if (this.#state !== 'live' || clock.elapsed() - this.#incrementalReadAt < syncIntervalMs) return
    await this.#withRetryNextInterval(() => this.#readChanges())
  }

  /** Stores all pages of a list and adds their ids to `seenIds`. Returns upstream's time at its start, epoch ms. */
  async #readList(
    resource: MirroredResource,
    filters: Filters,
    {
      seenIds,
      beforePage,
      retry,
    }: { seenIds?: Set<string> | undefined; beforePage?: () => Promise<void>; retry?: PageRetry } = {},
  ): Promise<number> {
    const read = async (token: string | undefined) => {
      await beforePage?.()
      return this.#readPage(resource, { ...filters, limit: pageLimit, page_token: token })
    }
    let startedAt = Number.POSITIVE_INFINITY
    for await (const page of paginate(read, { route: `/wms/${resource}`, retry })) {
      startedAt = Math.min(startedAt, page.date)
      this.#storePage(resource, page)
      for (const { id } of [...page.records, ...page.malformed]) if (id !== undefined) seenIds?.add(id)
    }
    return startedAt
  }

  async #readPage(resource: MirroredResource, filters: Filters) {
    const { clock, trackstar } = this.options
    const { signal } = this.#abort
    signal.throwIfAborted()
    const begunAt = clock.elapsed()
    const begunWallTime = clock.now()
    // Waits for a permit as long as it takes; once the mirror is stopped, not at all.
    const deadline = () => (signal.aborted ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
    const call: CallOptions = { permitRequest: { priority: 'mirror', caller: 'mirror', deadline }, cause: 'mirror' }
    const page: ListedPage<MirroredResource> = await trackstar
      .list(resource, filters, call)
      .finally(() => signal.throwIfAborted())
    return { ...page, begunAt, date: page.date ?? begunWallTime }
  }

  #storePage(resource: MirroredResource, page: ListedPage<MirroredResource> & { readonly begunAt: number }): void {
    const { log, store } = this.options
    store.storePage(resource, page, page.begunAt)
    this.#pages++
    if (this.#state === 'loading' && this.#pages % 20 === 0) log.info(this.#counts(), 'loading catalog')
    if (!store.fitsInMemory) throw new Error('the catalog is larger than CACHE_MAX_MB')
  }

  #counts() {
    const { store } = this.options
    return { products: store.count('products'), inventory: store.count('inventory'), pages: this.#pages }
  }

  #sleep(ms: number): Promise<unknown> {
    return this.options.sleep(ms, this.#abort.signal)
  }

  #setState(state: MirrorState): void {
    this.#state = state
    this.options.store.setState(state)
  }
}
