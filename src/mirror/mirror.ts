import { LossGuard } from '../cache/loss-guard.js'
import type { SyncStatus } from '../cache/sync-status.js'
import { idsIn } from '../records/record.js'
import type { CallOptions, ListedPage, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { ListWalk, PageSize } from '../trackstar/pagination.js'
import { type Filters, keyLists } from '../trackstar/query.js'
import { ChangePosition, type ChangeRound, newestDate } from './change-position.js'
import { type MirroredResource, type MirrorState, type MirrorStore, mirroredResources } from './mirror-store.js'

/** While a first copy is unfinished, or a loss is suspected, comparisons follow each other this closely. */
const recheckMs = 5 * 60_000
/** The pages of a comparison are spread over this part of its interval, so that slow ones do not delay the next one. */
const comparisonSpread = 0.9
/** Waits after a comparison that failed double up to the second one. */
const firstRetryMs = 1000
const maxRetryMs = 60_000

export interface MirrorOptions {
  readonly trackstar: Pick<TrackstarClient, 'list' | 'productsByIds' | 'inventoryByIds'>
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

/** The only error that ends the mirror. */
class CatalogTooLargeError extends Error {
  constructor() {
    super('the catalog is larger than CACHE_MAX_MB')
  }
}

/** The records of a list, and the dates that they have shown. */
interface ListRead {
  readonly walk: ListWalk<ListedPage<MirroredResource>>
  /** When the list was first read, by our clock or upstream's, whichever is behind; epoch ms. */
  readonly startDate: number
  readonly round: ChangeRound
}

/**
 * Loads the whole catalog into a {@link MirrorStore} and keeps it current, at a lower priority than every caller.
 *
 * - Load (`loading`): reads all lists, page by page.
 * - Follow (`live`): every `syncIntervalMs`, reads the records that changed since the previous incremental read.
 * - Compare (`live`): reads all lists again within each `fullCompareMs`, its pages spread evenly, and removes the records
 *   that are missing, because upstream announces no deletions and an incremental read can miss a change. The first
 *   comparison follows the load at once: until it is through, the store proves no absence.
 * - `off`: after {@link stop}, or if the catalog does not fit in memory. Anything else that fails is tried again from
 *   where it was, with growing waits.
 */
export class Mirror {
  readonly #abort = new AbortController()
  readonly #losses = new LossGuard()
  readonly #positions = new Map<MirroredResource, ChangePosition>()
  readonly #pageSizes = {
    products: { all: new PageSize(), changes: new PageSize() },
    inventory: { all: new PageSize(), changes: new PageSize() },
  }
  #state: MirrorState = 'loading'
  #pages = 0

  /** When the latest incremental read began, in the clock's `elapsed` ms. */
  #incrementalReadAt = 0
  /** When the latest comparison began, in the clock's `elapsed` ms. */
  #comparedAt = 0
  #comparisonEndedAt = 0
  /** Whether the running comparison is not spread over its interval. */
  #isHurried = false
  /** The pages of the latest load or comparison. */
  #pagesPerComparison = 0
  /** The pages that the running comparison has read. */
  #comparisonPages = 0
  #isComparing = false
  /** Whether a first copy was unfinished when the latest load or comparison began: there may be more records now. */
  #wasIncomplete = false

  constructor(private readonly options: MirrorOptions) {}

  get progress(): MirrorProgress {
    const { store, syncStatus } = this.options
    const isUnreliable = (resource: MirroredResource) =>
      syncStatus.incomplete.includes(resource) || this.#losses.isSuspected(resource) || store.count(resource) === 0
    return {
      state: this.#state,
      pages: this.#pages,
      pagesLeft: this.#state === 'loading' ? null : this.#pagesLeft,
      syncedAt: store.syncedAt,
      unreliableResources: this.#state === 'live' ? mirroredResources.filter(isUnreliable) : [],
    }
  }

  get #pagesLeft(): number {
    return this.#isComparing ? Math.max(1, this.#pagesPerComparison - this.#comparisonPages) : 0
  }

  /** Loads the catalog, then follows changes until {@link stop}. Resolves when the mirror is off; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#load()
      for (let failures = 0; ; ) {
        try {
          await this.#compare()
          failures = 0
          await this.#followUntil(() => this.#nextComparisonAt)
        } catch (error) {
          this.#report(error, 'comparison failed, retrying')
          await this.#followFor(backoffMs(failures++))
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

  async #load(): Promise<void> {
    const { clock, log, syncOverlapMs, syncStatus, store } = this.options
    const begunAt = clock.elapsed()
    const incomplete = syncStatus.readIncomplete()
    await Promise.all(
      mirroredResources.map(async (resource) => {
        const list = this.#startList(resource, {}, this.#pageSizes[resource].all)
        while (!list.walk.isDone) await this.#nextPage(resource, list.walk, (ms) => this.#sleep(ms))
        this.#positions.set(resource, new ChangePosition(syncOverlapMs, list.startDate, list.round))
      }),
    )
    this.#pagesPerComparison = this.#pages
    // The status from before the lists were read: a first copy that finished meanwhile may have been read in part.
    this.#wasIncomplete = (await incomplete).length > 0
    store.confirm(begunAt)
    this.#isComparing = true
    // What changed during the load comes before the mirror is live.
    await this.#sync(false)
    this.#setState('live')
    log.info({ ...this.#counts(), ms: Math.round(clock.elapsed() - begunAt) }, 'catalog mirrored')
  }

  /** Waits until `time()` (`elapsed` ms), and reads changes meanwhile, and before, whenever they are due. */
  async #followUntil(time: () => number): Promise<void> {
    const { clock, syncIntervalMs } = this.options
    for (;;) {
      if (clock.elapsed() >= this.#incrementalReadAt + syncIntervalMs) await this.#sync(true)
      const now = clock.elapsed()
      const until = time()
      if (now >= until) return
      await this.#sleep(Math.max(0, Math.min(until, this.#incrementalReadAt + syncIntervalMs) - now))
    }
  }

  async #followFor(ms: number): Promise<void> {
    const until = this.options.clock.elapsed() + ms
    await this.#followUntil(() => until)
  }

  /** Reads the changes, and empty lists as a whole: their first records may be dated long before upstream lists them. */
  async #sync(readsEmptyLists: boolean): Promise<void> {
    const { clock, store } = this.options
    this.#incrementalReadAt = clock.elapsed()
    try {
      await this.#readChanges()
      for (const resource of mirroredResources) {
        if (!readsEmptyLists || store.count(resource) > 0) continue
        await this.#readList(resource, this.#startList(resource, {}, this.#pageSizes[resource].all))
      }
    } catch (error) {
      this.#report(error, 'sync failed, retrying at the next interval')
    }
  }

  /** Reads what has changed since the previous incremental read, and confirms all records. */
  async #readChanges(): Promise<void> {
    const begunAt = this.#incrementalReadAt
    for (const resource of mirroredResources) {
      const position = this.#positions.get(resource)
      if (position === undefined) continue
      const since = new Date(position.since).toISOString().replace(/\.\d+Z$/, 'Z')
      const filters = { 'trackstar_updated_date[gte]': since }
      const list = this.#startList(resource, filters, this.#pageSizes[resource].changes)
      await this.#readList(resource, list)
      // Only after the last page, so that a read that fails half-way is repeated from its beginning.
      position.advance(list.round)
    }
    this.options.store.confirm(begunAt)
  }

  /** When the next comparison is due; sooner after an unfinished first copy or while a loss is suspected. */
  get #nextComparisonAt(): number {
    const { fullCompareMs, syncStatus } = this.options
    if (this.#wasIncomplete && syncStatus.incomplete.length === 0) return Number.NEGATIVE_INFINITY
    const dueAt = this.#comparedAt + fullCompareMs
    return this.#isUrgent ? Math.min(dueAt, this.#comparisonEndedAt + recheckMs) : dueAt
  }

  /** Whether comparisons are not to be spread over their interval: something may be missing or wrong. */
  get #isUrgent(): boolean {
    const { store } = this.options
    const isFirst = !mirroredResources.every((resource) => store.isCompared(resource))
    return isFirst || this.#wasIncomplete || this.#losses.hasSuspected
  }

  /** Reads all lists again and removes the records that are missing from them. */
  async #compare(): Promise<void> {
    this.#isComparing = true
    this.#comparisonPages = 0
    this.#comparedAt = this.options.clock.elapsed()
    this.#isHurried = this.#isUrgent
    this.#wasIncomplete = (await this.options.syncStatus.readIncomplete()).length > 0
    for (const resource of mirroredResources) await this.#compareList(resource)
    this.#pagesPerComparison = this.#comparisonPages
    this.#comparisonEndedAt = this.options.clock.elapsed()
    this.#isComparing = false
  }

  /** When the next page of the running comparison is due. */
  get #nextPageAt(): number {
    if (this.#isHurried || this.#isUrgent) return Number.NEGATIVE_INFINITY
    const part = this.#comparisonPages / Math.max(1, this.#pagesPerComparison)
    return this.#comparedAt + this.options.fullCompareMs * comparisonSpread * Math.min(1, part)
  }

  async #compareList(resource: MirroredResource): Promise<void> {
    const { clock, log, store, syncStatus } = this.options
    const begunAt = clock.elapsed()
    const seenIds = new Set<string>()
    const missingIds = async () => (await store.idsReadBefore(resource, begunAt)).filter((id) => !seenIds.has(id))
    const { walk } = this.#startList(resource, {}, this.#pageSizes[resource].all, seenIds)
    while (!walk.isDone) {
      await this.#followUntil(() => this.#nextPageAt)
      if (await this.#nextPage(resource, walk, (ms) => this.#followFor(ms))) this.#comparisonPages++
    }
    let missing = await missingIds()
    if (!syncStatus.incomplete.includes(resource)) {
      const loss = { missing: missing.length, known: store.count(resource), keys: [resource] }
      if (!this.#losses.believes(loss)) {
        log.warn({ resource, missing: missing.length }, 'most records are missing upstream, keeping them for now')
        missing = []
      } else if (this.#losses.isPlausible(loss)) {
        // A deletion during the comparison shifts later records to pages that were already read. Their ids settle it.
        const absentIds = await this.#readAbsentIds(resource, missing)
        missing = (await missingIds()).filter((id) => absentIds.has(id))
      }
      for (const id of missing) store.remove(resource, id)
      if (missing.length > 0) log.info({ resource, removed: missing.length }, 'removed records deleted upstream')
    }
    store.setCompared(resource)
  }

  /** Reads records by their ids, and returns the ids that upstream does not have. */
  async #readAbsentIds(resource: MirroredResource, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const absentIds = new Set<string>()
    const lists = [...keyLists(ids)]
    let failures = 0
    for (let keys = lists.pop(); keys; keys = lists.pop()) {
      await this.#followFor(0)
      try {
        const presentIds = await this.#readByIds(resource, keys)
        for (const id of keys) if (!presentIds.has(id)) absentIds.add(id)
        failures = 0
      } catch (error) {
        this.#report(error, 'could not read records, retrying', { resource })
        // One of them may be to blame. If it is the only one, it is kept until the next comparison.
        const middle = Math.ceil(keys.length / 2)
        if (keys.length > 1) lists.push(keys.slice(middle), keys.slice(0, middle))
        await this.#followFor(backoffMs(failures++))
      }
    }
    return absentIds
  }

  /** Reads records by their ids, and returns the ids that upstream has, or may have: those of malformed records. */
  async #readByIds(resource: MirroredResource, ids: readonly string[]): Promise<ReadonlySet<string | undefined>> {
    const { clock, trackstar } = this.options
    const begunAt = clock.elapsed()
    const call = this.#callOptions()
    const batch = await (resource === 'products'
      ? trackstar.productsByIds(ids, call)
      : trackstar.inventoryByIds(ids, call))
    this.#abort.signal.throwIfAborted()
    await this.#storePage(resource, { ...batch, nextToken: null, date: undefined }, begunAt)
    const isUnclear = batch.malformed.some(({ id }) => id === undefined)
    return new Set(isUnclear ? ids : idsIn(batch))
  }

  /** Begins a walk over a list that stores all its records, and adds their ids to `seenIds`. */
  #startList(resource: MirroredResource, filters: Filters, pageSize: PageSize, seenIds?: Set<string>): ListRead {
    const { clock } = this.options
    const begunAt = clock.elapsed()
    let startDate = clock.now()
    let pages = 0
    let newest: number | undefined
    const read = async (token: string | undefined, size: number) => {
      const page = await this.#readPage(resource, { ...filters, limit: String(size), page_token: token })
      if (pages++ === 0) startDate = Math.min(startDate, page.date ?? startDate)
      newest = maxOf(newest, newestDate(page.records, Math.max(clock.now(), page.date ?? 0)))
      for (const id of idsIn(page)) seenIds?.add(id)
      return page
    }
    return {
      walk: new ListWalk({ route: `/wms/${resource}`, read, pageSize }),
      get startDate() {
        return startDate
      },
      get round() {
        return { begunAt, endedAt: clock.elapsed(), pages, newest }
      },
    }
  }

  /** Reads a list to its end. A page that fails is read in halves if its size may be to blame; else the error is thrown. */
  async #readList(resource: MirroredResource, { walk }: ListRead): Promise<void> {
    while (!walk.isDone) {
      try {
        await walk.next()
      } catch (error) {
        if (!walk.isHalved) throw error
        this.#report(error, 'could not read a page, retrying', { resource })
        await this.#sleep(walk.retryAfterMs)
      }
    }
  }

  /** Reads the next page of a list, and returns whether it succeeded. If not, it waits; the next call tries it again. */
  async #nextPage(
    resource: MirroredResource,
    walk: ListRead['walk'],
    wait: (ms: number) => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await walk.next()
      return true
    } catch (error) {
      this.#report(error, 'could not read a page, retrying', { resource })
      await wait(walk.retryAfterMs)
      return false
    }
  }

  async #readPage(resource: MirroredResource, filters: Filters): Promise<ListedPage<MirroredResource>> {
    const { clock, trackstar } = this.options
    const { signal } = this.#abort
    signal.throwIfAborted()
    const begunAt = clock.elapsed()
    const page: ListedPage<MirroredResource> = await trackstar
      .list(resource, filters, this.#callOptions())
      .finally(() => signal.throwIfAborted())
    await this.#storePage(resource, page, begunAt)
    return page
  }

  #callOptions(): CallOptions {
    const { signal } = this.#abort
    // Waits for a permit as long as it takes; once the mirror is stopped, not at all.
    const deadline = () => (signal.aborted ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
    return { permitRequest: { priority: 'mirror', caller: 'mirror', deadline }, cause: 'mirror' }
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

  /** Logs a failure that is going to be retried; throws one that is not. */
  #report(error: unknown, message: string, fields: object = {}): void {
    this.#throwIfFinal(error)
    this.options.log.warn({ err: error, ...fields }, message)
  }

  /** The mirror ends only when it is stopped or cannot fit. */
  #throwIfFinal(error: unknown): void {
    if (this.#abort.signal.aborted || error instanceof CatalogTooLargeError) throw error
  }

  #sleep(ms: number): Promise<unknown> {
    return this.options.sleep(ms, this.#abort.signal)
  }

  #setState(state: MirrorState): void {
    this.#state = state
    this.options.store.setState(state)
  }
}

const backoffMs = (failures: number) => Math.min(maxRetryMs, firstRetryMs * 2 ** failures)

const maxOf = (a: number | undefined, b: number | undefined) => (a === undefined || (b ?? a) > a ? b : a)
