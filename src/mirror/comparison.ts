import { LossGuard } from '../cache/loss-guard.js'
import type { SyncStatus } from '../cache/sync-status.js'
import type { Clock } from '../trackstar/clock.js'
import type { DateRange } from './date-range.js'
import type { ListReader } from './list-reader.js'
import { type MirroredResource, type MirrorStore, mirroredResources } from './mirror-store.js'

/** While a first sync is unfinished, or a loss is suspected, comparisons follow each other this closely. */
const recheckMs = 5 * 60_000
/** The same while a change cannot be read: until the comparison has found the records that may be outdated, all may be. */
const doubtedRecheckMs = 60_000
/** The pages of a comparison are spread over this part of its interval, so that slow ones do not delay the next one. */
const spread = 0.9

export interface ComparisonOptions {
  readonly reader: ListReader
  readonly store: MirrorStore
  readonly syncStatus: Pick<SyncStatus, 'incomplete' | 'readIncomplete'>
  readonly clock: Clock
  /** Within how long every record is read again. */
  readonly intervalMs: number
  /** Receives the ids of stored records that upstream cannot send, so that they may be outdated. */
  readonly onUnreadable: (resource: MirroredResource, id: string) => void
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Waits until `time()` (`elapsed` ms), and reads changes meanwhile, and before, whenever they are due. */
  readonly followUntil: (time: () => number) => Promise<void>
}

/**
 * Reads all lists again, and removes the records that are missing from them: upstream announces no deletions, and a read of
 * changes can miss one. The pages are spread evenly over the interval, unless something may be missing or wrong. Records
 * that an unreadable record keeps out of the lists are read by the keys that other records refer to.
 */
export class Comparison {
  readonly #losses = new LossGuard()
  /** What could not be read of each list when it was last read as a whole. */
  readonly #unread = new Map<MirroredResource, readonly DateRange[]>()
  /** How many changes of each list could not be read since then: any record of the list may be outdated. */
  readonly #doubts = new Map<MirroredResource, number>()
  /** When the latest comparison began and ended, in the clock's `elapsed` ms. */
  #begunAt = 0
  #endedAt: number | undefined
  /** Whether the running comparison is not spread over its interval. */
  #isHurried = false
  #isRunning = false
  /** The pages of the latest load or comparison, and those that the running comparison has read. */
  #pagesBefore = 0
  #pages = 0
  /** Whether a first sync was unfinished when the latest load or comparison began: there may be more records now. */
  #wasIncomplete = false

  constructor(private readonly options: ComparisonOptions) {}

  /** Pages left of the running comparison, estimated from the previous one; 0 between comparisons. */
  get pagesLeft(): number {
    return this.#isRunning ? Math.max(1, this.#pagesBefore - this.#pages) : 0
  }

  /** Whether records of a list may be missing or outdated, without anything that says which. */
  isDoubtful(resource: MirroredResource): boolean {
    const { store, syncStatus } = this.options
    const isIncomplete = syncStatus.incomplete.includes(resource) || store.count(resource) === 0
    return isIncomplete || this.#losses.isSuspected(resource) || this.#doubts.has(resource)
  }

  /** Whether a list has records that cannot be read. */
  hasUnread(resource: MirroredResource): boolean {
    return (this.#unread.get(resource) ?? []).length > 0 || this.#doubts.has(resource)
  }

  /** When the next comparison is due; sooner after an unfinished first sync, or while something may be missing. */
  get nextAt(): number {
    const { intervalMs, syncStatus } = this.options
    if (this.#wasIncomplete && syncStatus.incomplete.length === 0) return Number.NEGATIVE_INFINITY
    const dueAt = this.#begunAt + intervalMs
    const recheckAfterMs = this.#doubts.size > 0 ? doubtedRecheckMs : recheckMs
    return this.#isUrgent ? Math.min(dueAt, (this.#endedAt ?? 0) + recheckAfterMs) : dueAt
  }

  /** Notes that the lists have been loaded, so that a comparison comes next. */
  loaded(pages: number, isIncomplete: boolean, unread: ReadonlyMap<MirroredResource, readonly DateRange[]>): void {
    this.#pagesBefore = pages
    this.#wasIncomplete = isIncomplete
    this.#isRunning = true
    for (const [resource, ranges] of unread) this.#setUnread(resource, ranges)
  }

  /** Notes of which dates the latest changes of a list could not be read. */
  changesRead(resource: MirroredResource, unread: readonly DateRange[]): void {
    const known = this.#unread.get(resource) ?? []
    const fresh = unread.filter(({ from }) => !known.some((range) => range.from === from))
    if (fresh.length === 0) return
    this.#warn(resource, fresh)
    this.#doubts.set(resource, (this.#doubts.get(resource) ?? 0) + 1)
    this.options.store.setCompared(resource, false)
  }

  /** Reads all lists again and removes the records that are missing from them. */
  async run(): Promise<void> {
    const { clock, syncStatus } = this.options
    this.#isRunning = true
    this.#pages = 0
    this.#begunAt = clock.elapsed()
    this.#isHurried = this.#isUrgent
    this.#wasIncomplete = (await syncStatus.readIncomplete()).length > 0
    for (const resource of mirroredResources) await this.#compare(resource)
    await this.readReferenced((ms) => this.#followFor(ms))
    this.#pagesBefore = this.#pages
    this.#endedAt = clock.elapsed()
    this.#isRunning = false
  }

  /** Reads what the lists did not show, as far as the records of the other list refer to it. */
  async readReferenced(wait: (ms: number) => Promise<unknown>): Promise<void> {
    const { reader, store } = this.options
    if (this.hasUnread('inventory')) await reader.readByIds('inventory', await store.missingItemIds(), wait)
    if (this.hasUnread('products')) await reader.readBySkus(await store.skusWithoutProduct(), wait)
  }

  /** Whether the comparison is not to be spread over its interval: something may be missing or wrong. */
  get #isUrgent(): boolean {
    const isFirst = this.#endedAt === undefined
    return isFirst || this.#wasIncomplete || this.#losses.hasSuspected || this.#doubts.size > 0
  }

  /** When the next page of the running comparison is due. */
  get #nextPageAt(): number {
    if (this.#isHurried || this.#isUrgent) return Number.NEGATIVE_INFINITY
    const part = this.#pages / Math.max(1, this.#pagesBefore)
    return this.#begunAt + this.options.intervalMs * spread * Math.min(1, part)
  }

  async #compare(resource: MirroredResource): Promise<void> {
    const { clock, followUntil, log, onUnreadable, reader, store, syncStatus } = this.options
    const begunAt = clock.elapsed()
    const seenIds = new Set<string>()
    const missingIds = async () => (await store.idsReadBefore(resource, begunAt)).filter((id) => !seenIds.has(id))
    const wait = (ms: number) => this.#followFor(ms)
    const doubts = this.#doubts.get(resource)
    const { unread } = await reader.read(resource, {
      wait,
      beforePage: () => followUntil(() => this.#nextPageAt),
      onPage: (ids) => {
        this.#pages++
        for (const id of ids) seenIds.add(id)
      },
    })
    let missing = await missingIds()
    if (!syncStatus.incomplete.includes(resource)) {
      const loss = { missing: missing.length, known: store.count(resource), keys: [resource] }
      if (!this.#losses.believes(loss)) {
        log.warn({ resource, missing: missing.length }, 'most records are missing upstream, keeping them for now')
        missing = []
      } else if (this.#losses.isPlausible(loss)) {
        // A deletion during the comparison shifts later records to pages that were already read. Their ids settle it.
        const found = await reader.readByIds(resource, missing, wait)
        for (const id of found.unread) onUnreadable(resource, id)
        missing = (await missingIds()).filter((id) => found.absent.has(id))
      }
      for (const id of missing) store.remove(resource, id)
      if (missing.length > 0) log.info({ resource, removed: missing.length }, 'removed records deleted upstream')
    }
    this.#setUnread(resource, unread)
    // Changes that could not be read meanwhile may be of a later state than what this comparison has shown.
    if (this.#doubts.get(resource) === doubts) this.#doubts.delete(resource)
    store.setCompared(resource, !this.hasUnread(resource))
  }

  #setUnread(resource: MirroredResource, ranges: readonly DateRange[]): void {
    this.#unread.set(resource, ranges)
    this.#warn(resource, ranges)
  }

  #warn(resource: MirroredResource, ranges: readonly DateRange[]): void {
    if (ranges.length === 0) return
    const unread = ranges.map(({ from, to }) => [from, to].map((ms) => ms && new Date(ms).toISOString()))
    this.options.log.warn({ resource, unread }, 'records of these dates cannot be read, going on without them')
  }

  async #followFor(ms: number): Promise<void> {
    const until = this.options.clock.elapsed() + ms
    await this.options.followUntil(() => until)
  }
}
