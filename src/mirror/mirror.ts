import { LossGuard } from '../cache/loss-guard.js'
import { isProblem } from '../errors.js'
import type { CallOptions, ListedPage, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { type PageRetry, paginate } from '../trackstar/pagination.js'
import { type Filters, keyLists } from '../trackstar/query.js'

/**
 * Keeps the whole catalog here and up to date: reads it once, page by page and behind every caller, then reads what has
 * changed at an interval, and compares all ids once in a while, because upstream never announces a deletion.
 */
export class Mirror {
  readonly #abort = new AbortController()
  readonly #losses = new LossGuard()
  /** Whether a first copy was unfinished when the lists were last read: they may hold more now than is known. */
  #wasIncomplete = false
  #state: MirrorState = 'loading'
  #pages = 0
  /** How many pages the last walk had, and the count at which the one under way should end. */
  #walkPages = 0
  #walkEnd = 0
  #syncedAt: number | undefined
  /** Upstream's time, epoch ms, up to which its changes are known. */
  #seenUntil = 0
  #comparedAt = 0
  /** How long after that the next comparison is due. */
  #compareAfterMs = 0
  /** When the last round began, in `elapsed` ms. */
  #roundAt = 0

  constructor(private readonly parts: MirrorOptions) {}

  get progress(): MirrorProgress {
    const { incomplete, target } = this.parts
    const isDoubtful = (resource: Followed) =>
      incomplete().includes(resource) || this.#losses.isSuspected(resource) || target.count(resource) === 0
    return {
      state: this.#state,
      pages: this.#pages,
      pagesLeft: this.#state === 'loading' ? null : Math.max(0, this.#walkEnd - this.#pages),
      syncedAt: this.#syncedAt,
      doubtful: this.#state === 'live' ? followed.filter(isDoubtful) : [],
    }
  }

  /** Loads, and then follows until {@link stop}. Resolves when it has stopped; never rejects. */
  async run(): Promise<void> {
    const { clock, log, syncIntervalMs } = this.parts
    try {
      await this.#load()
      while (this.#state === 'live') {
        await this.#sleep(Math.max(0, this.#roundAt + syncIntervalMs - clock.elapsed()))
        await this.#follow()
      }
    } catch (error) {
      if (!this.#abort.signal.aborted)
        log.warn({ err: error }, 'the mirror has stopped; records are read when asked for')
      // Ends what else is under way: the walk of the other list.
      this.#abort.abort()
      this.#become('off')
    }
  }

  stop(): void {
    this.#abort.abort()
  }

  async #load(): Promise<void> {
    const { clock, log } = this.parts
    const begunAt = clock.now()
    const incomplete = this.parts.readIncomplete()
    const dates = await Promise.all(followed.map((resource) => this.#walk(resource)))
    this.#walkPages = this.#pages
    this.#seenUntil = Math.min(...dates)
    this.#comparedAt = begunAt
    this.#compareAfterMs = Math.min(this.parts.fullCompareMs, rules.firstCompareMs)
    // As it was when the lists were begun: a copy that was finished meanwhile may have been missed in part.
    this.#wasIncomplete = (await incomplete).length > 0
    this.#roundAt = clock.elapsed()
    this.#confirm(begunAt)
    // What came while the lists were read, lest it be taken for absent.
    await this.#attempt(() => this.#readChanges())
    this.#become('live')
    log.info({ ...this.#counts(), ms: clock.now() - begunAt }, 'the catalog is mirrored')
  }

  /** One round: changes, and where it is time, the comparison. What fails is tried again with the next round. */
  async #follow(): Promise<void> {
    await this.#attempt(async () => {
      await this.#readChanges()
      await this.#readEmpty()
      if (this.#isCompareDue()) await this.#compare()
    })
  }

  /** By the interval; sooner where a loss is not believed yet, or a first copy was unfinished: as soon as it is done. */
  #isCompareDue(): boolean {
    const { clock, incomplete } = this.parts
    const sinceMs = clock.now() - this.#comparedAt
    if (sinceMs >= this.#compareAfterMs) return true
    const isFinishedNow = this.#wasIncomplete && incomplete().length === 0
    return isFinishedNow || ((this.#losses.hasSuspected || this.#wasIncomplete) && sinceMs >= rules.recheckMs)
  }

  /** A list that was empty is looked at with every round: its records may be dated before they appear in it. */
  async #readEmpty(): Promise<void> {
    for (const resource of followed) if (this.parts.target.count(resource) === 0) await this.#walk(resource)
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#abort.signal.aborted || !isProblem(error)) throw error
      this.parts.log.warn({ err: error }, 'could not follow Trackstar; trying again with the next interval')
    }
  }

  async #readChanges(): Promise<void> {
    const { clock } = this.parts
    const begunAt = clock.now()
    this.#roundAt = clock.elapsed()
    const since = new Date(this.#seenUntil - rules.overlapMs).toISOString().replace(/\.\d+Z$/, 'Z')
    const dates: number[] = []
    for (const resource of followed) {
      dates.push(await this.#readList(resource, { 'trackstar_updated_date[gte]': since }))
    }
    // Only now: a round that fails half-way is read again from the beginning.
    this.#seenUntil = Math.min(...dates)
    this.#confirm(begunAt)
  }

  /** Reads everything again and takes out what is no longer there. */
  async #compare(): Promise<void> {
    const begunAt = this.parts.clock.now()
    this.#wasIncomplete = (await this.parts.readIncomplete()).length > 0
    const pagesBefore = this.#pages
    this.#walkEnd = pagesBefore + this.#walkPages
    try {
      for (const resource of followed) await this.#removeGone(resource, begunAt)
    } finally {
      this.#walkEnd = this.#pages
    }
    this.#walkPages = this.#pages - pagesBefore
    this.#comparedAt = begunAt
    this.#compareAfterMs = this.parts.fullCompareMs
  }

  async #removeGone(resource: Followed, begunAt: number): Promise<void> {
    const { log, target } = this.parts
    const seen = new Set<string>()
    const unseen = () => target.idsBefore(resource, begunAt).filter((id) => !seen.has(id))
    await this.#walk(resource, {}, seen)
    let gone = unseen()
    if (this.parts.incomplete().includes(resource)) return
    const loss = { missing: gone.length, known: target.count(resource), keys: [resource] }
    if (!this.#losses.believes(loss)) {
      const text = 'most records are missing upstream; not believed until it says so twice'
      log.warn({ resource, gone: gone.length }, text)
      return
    }
    if (this.#losses.isPlausible(loss) && gone.length > 0) {
      // Where pages go by position, a record that goes hides another from the walk: these are asked for by id.
      for (const keys of keyLists(gone)) await this.#walk(resource, { 'ids[in]': keys.join(',') }, seen)
      gone = unseen()
    }
    for (const id of gone) target.remove(resource, id)
    if (gone.length > 0) log.info({ resource, gone: gone.length }, 'records are gone upstream')
  }

  /** Reads a whole list, whatever fails on the way, and keeps up with changes meanwhile. Gives when it began. */
  #walk(resource: Followed, filters: Filters = {}, seen?: Set<string>): Promise<number> {
    const { log } = this.parts
    return this.#readList(resource, filters, {
      seen,
      beforePage: () => this.#keepUp(),
      retry: {
        onFailure: (error) =>
          log.warn({ err: error, resource }, 'could not read a page of the catalog; trying it again'),
        sleep: (ms) => this.#sleep(ms),
      },
    })
  }

  /** Reads all pages of a list into the store, and their ids into `seen`. Gives upstream's time when it began. */
  async #readList(
    resource: Followed,
    filters: Filters,
    {
      seen,
      beforePage,
      retry,
    }: { seen?: Set<string> | undefined; beforePage?: () => Promise<void>; retry?: PageRetry } = {},
  ): Promise<number> {
    const read = async (token: string | undefined) => {
      await beforePage?.()
      return this.#page(resource, { ...filters, limit: rules.pageLimit, page_token: token })
    }
    let startedAt = Number.POSITIVE_INFINITY
    for await (const page of paginate(read, { route: `/wms/${resource}`, retry })) {
      startedAt = Math.min(startedAt, page.date)
      this.#take(resource, page)
      for (const { id } of [...page.records, ...page.malformed]) if (id !== undefined) seen?.add(id)
    }
    return startedAt
  }

  /** A long comparison, or one that is held up, is no reason to be late with what changes. */
  async #keepUp(): Promise<void> {
    const { clock, syncIntervalMs } = this.parts
    if (this.#state !== 'live' || clock.elapsed() - this.#roundAt < syncIntervalMs) return
    await this.#attempt(() => this.#readChanges())
  }

  async #page(resource: Followed, filters: Filters) {
    const { clock, trackstar } = this.parts
    const { signal } = this.#abort
    signal.throwIfAborted()
    const begunAt = clock.now()
    // Behind every caller, and with all the time that takes; what still waits when the mirror stops is of no use.
    const deadline = () => (signal.aborted ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
    const errand: CallOptions = { permitRequest: { priority: 'mirror', caller: 'mirror', deadline }, cause: 'mirror' }
    const page: ListedPage<Followed> = await trackstar
      .list(resource, filters, errand)
      .finally(() => signal.throwIfAborted())
    return { ...page, begunAt, date: page.date ?? begunAt }
  }

  #take(resource: Followed, page: ListedPage<Followed> & { readonly begunAt: number }): void {
    const { log, target } = this.parts
    target.take(resource, page, page.begunAt)
    this.#pages++
    if (this.#state === 'loading' && this.#pages % 20 === 0) log.info(this.#counts(), 'mirroring')
    if (!target.fits) throw new Error('the catalog is larger than CACHE_MAX_MB')
  }

  #counts() {
    const { target } = this.parts
    return { products: target.count('products'), inventory: target.count('inventory'), pages: this.#pages }
  }

  #sleep(ms: number): Promise<unknown> {
    return this.parts.sleep(ms, this.#abort.signal)
  }

  #confirm(time: number): void {
    this.#syncedAt = time
    this.parts.target.confirm(time)
  }

  #become(state: MirrorState): void {
    this.#state = state
    this.parts.target.stateChanged(state)
  }
}

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
} as const

/** What the mirror follows, in the order in which it is read. Warehouses are few, and kept by a list of their own. */
export const followed = ['products', 'inventory'] as const
export type Followed = (typeof followed)[number]

/** `loading` and `off`: callers are served by read-through. `live`: what is held is the whole truth. */
export type MirrorState = 'loading' | 'live' | 'off'

/** What the mirror does with what it reads: its side of the holdings. */
export interface MirrorTarget {
  /** Takes a page in; `begunAt` in epoch ms. */
  take<R extends Followed>(resource: R, page: ListedPage<R>, begunAt: number): void
  /** The ids held of a resource that were there before `time` (epoch ms). */
  idsBefore(resource: Followed, time: number): string[]
  remove(resource: Followed, id: string): void
  count(resource: Followed): number
  /** Whether all that was taken in is still there: false once the bound on what is held has put something out. */
  readonly fits: boolean
  /** Everything held is confirmed as of `time` (epoch ms): nothing has changed upstream that is not known here. */
  confirm(time: number): void
  stateChanged(state: MirrorState): void
}
