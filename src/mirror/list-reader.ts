import { isProblem } from '../errors.js'
import { parseDate } from '../records/dates.js'
import { idsIn } from '../records/record.js'
import type { CallOptions, ListedPage, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { noRecords } from '../trackstar/neutral-check.js'
import { ListWalk, PageSize } from '../trackstar/pagination.js'
import { type Filters, keyLists } from '../trackstar/query.js'
import { type ChangeRound, newestDate } from './change-position.js'
import { type DateRange, filtersOf, halvesOf, isIn, isWithin, rangesFrom, splitAround } from './date-range.js'
import type { MirroredResource } from './mirror-store.js'

/** Waits after keys that failed double up to the second one. */
const firstRetryMs = 1000
const maxRetryMs = 60_000
/** After so many failures that look like an outage, upstream is asked for something else: a record may be to blame. */
const failuresPerOutage = 3
/** Most ranges that are split while one list is read in ranges, in case upstream takes no notice of the filters. */
const maxSplits = 256
/** If our clock is further behind upstream's than this, it does not show the time at all. */
const maxBehindMs = 24 * 3600_000

export interface ListReaderOptions {
  readonly trackstar: Pick<TrackstarClient, 'list' | 'recordsByIds' | 'productsBySku'>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Uses the records of a page, which was begun at `begunAt` (`elapsed` ms). */
  readonly use: (resource: MirroredResource, page: ListedPage<MirroredResource>, begunAt: number) => Promise<void>
  /** Logs a failure that is going to be retried; throws one that is not. */
  readonly report: (error: unknown, message: string, fields: object) => void
}

/** How one list is read. */
export interface ListRequest {
  readonly filters?: Filters
  /** Waits before a page is read again. */
  readonly wait: (ms: number) => Promise<unknown>
  /** Runs before each page. Default: nothing. */
  readonly beforePage?: () => Promise<void>
  /** Receives the ids of each page, after its records are used. */
  readonly onPage?: (ids: readonly string[]) => void
  /** Whether a failure for which no record is to blame is thrown, instead of the page being read until it succeeds. */
  readonly throwsFailures?: boolean
}

/** One complete read of a list. */
export interface ListRead {
  /** When the list was first read, by our clock or upstream's, whichever is behind; epoch ms. */
  readonly startDate: number
  readonly round: ChangeRound
  /** The dates of which not all records could be read. */
  readonly unread: readonly DateRange[]
}

/**
 * Reads lists to their end, whatever becomes of single pages. A page that fails is read again, in halves if its size may be
 * to blame.
 *
 * Only the answer that holds a record has the token of the page after it. So where one record cannot be read, the list is
 * read around it: in ranges of dates, each of which is split as long as it fails, down to a second.
 */
export class ListReader {
  readonly #pageSizes = {
    products: { all: new PageSize(), changes: new PageSize() },
    inventory: { all: new PageSize(), changes: new PageSize() },
  }

  /** What could not be read of each list when it was last read. */
  readonly #unread: Record<MirroredResource, readonly DateRange[]> = { products: [], inventory: [] }

  /** Pages of each list that failed in a row as they do while upstream is down. */
  readonly #failures = { products: 0, inventory: 0 }

  constructor(private readonly options: ListReaderOptions) {}

  async read(resource: MirroredResource, request: ListRequest): Promise<ListRead> {
    const { clock } = this.options
    const begunAt = clock.elapsed()
    const pages = new PagesRead(clock.now())
    const since = parseDate(request.filters?.['trackstar_updated_date[gte]'])
    const known = this.#unread[resource]
    const isOlder = ({ to }: DateRange) => since !== undefined && to !== undefined && to <= since
    // Changes that could not be read a moment ago cannot be read now either. A whole list may have undated records as well.
    const isAround = since !== undefined && !known.every(isOlder)
    const isRead = !isAround && (await this.#readPages(resource, request, pages))
    const unread = isRead ? [] : await this.#readAround(resource, request, pages)
    this.#unread[resource] = [...known.filter(isOlder), ...unread]
    const { startDate, count, newest } = pages
    return { startDate, round: { begunAt, endedAt: clock.elapsed(), pages: count, newest }, unread }
  }

  /** Reads a list page by page. Returns false if it does not get past one of the pages. */
  async #readPages(resource: MirroredResource, request: ListRequest, pages: PagesRead): Promise<boolean> {
    const { report } = this.options
    const { filters = {}, beforePage = async () => {}, throwsFailures = false, wait } = request
    const sizes = this.#pageSizes[resource]
    const kind = request.filters === undefined ? 'all' : 'changes'
    const walk = this.#walk(resource, request, filters, sizes[kind], pages)
    while (!walk.isDone) {
      await beforePage()
      try {
        await walk.next()
        this.#failures[resource] = 0
      } catch (error) {
        const isOutage = isProblem(error, 'upstream_unavailable') && ++this.#failures[resource] > failuresPerOutage
        if (isOutage && (await this.#isAnswering(resource))) walk.blamePage()
        if (throwsFailures && !walk.isHalved && !walk.isAtOne) throw error
        report(error, 'could not read a page, retrying', { resource })
        if (walk.isStuck) {
          if (await this.#isAnswering(resource)) {
            sizes[kind] = new PageSize()
            return false
          }
          if (throwsFailures) throw error
        }
        await wait(walk.retryAfterMs)
      }
    }
    return true
  }

  /** Reads records by their ids. Resolves to the ids that upstream does not have, and those of records that it cannot send. */
  async readByIds(
    resource: MirroredResource,
    ids: Iterable<string>,
    wait: ListRequest['wait'],
  ): Promise<{ readonly absent: ReadonlySet<string>; readonly unread: ReadonlySet<string> }> {
    const absent = new Set<string>()
    const unread = await this.#readKeys(resource, ids, wait, async (keys) => {
      const { records, malformed } = await this.#readBatch(resource, (call) =>
        this.options.trackstar.recordsByIds(resource, keys, call),
      )
      // A malformed record without an id may be any of them.
      if (malformed.some(({ id }) => id === undefined)) return
      const present = new Set(idsIn({ records, malformed }))
      for (const id of keys) if (!present.has(id)) absent.add(id)
    })
    return { absent, unread }
  }

  /** Reads the products with these SKUs. */
  async readBySkus(skus: Iterable<string>, wait: ListRequest['wait']): Promise<void> {
    await this.#readKeys('products', skus, wait, async (keys) => {
      await this.#readBatch('products', (call) => this.options.trackstar.productsBySku(keys, call))
    })
  }

  /** Reads keys in as few calls as possible. If a call fails, its keys are read in halves; returns those that fail alone. */
  async #readKeys(
    resource: MirroredResource,
    keys: Iterable<string>,
    wait: ListRequest['wait'],
    read: (keys: readonly string[]) => Promise<void>,
  ): Promise<ReadonlySet<string>> {
    const unread = new Set<string>()
    const lists = [...keyLists(keys)]
    let failures = 0
    for (let list = lists.pop(); list; list = lists.pop()) {
      await wait(0)
      try {
        await read(list)
        failures = 0
      } catch (error) {
        this.options.report(error, 'could not read records, retrying', { resource })
        const middle = Math.ceil(list.length / 2)
        if (list.length > 1) lists.push(list.slice(middle), list.slice(0, middle))
        else for (const key of list) unread.add(key)
        await wait(Math.min(maxRetryMs, firstRetryMs * 2 ** failures++))
      }
    }
    return unread
  }

  async #readBatch<B extends Pick<ListedPage<MirroredResource>, 'records' | 'malformed'>>(
    resource: MirroredResource,
    read: (call: CallOptions) => Promise<B>,
  ): Promise<B> {
    const { clock, signal, use } = this.options
    const begunAt = clock.elapsed()
    const batch = await read(this.#callOptions)
    signal.throwIfAborted()
    await use(resource, { ...batch, nextToken: null, date: undefined }, begunAt)
    return batch
  }

  /** Reads a list in ranges of dates, because one of its records cannot be read. Returns the ranges that it cannot read. */
  async #readAround(resource: MirroredResource, request: ListRequest, pages: PagesRead): Promise<readonly DateRange[]> {
    const { filters = {}, beforePage = async () => {}, throwsFailures, wait } = request
    const since = parseDate(filters['trackstar_updated_date[gte]'])
    const known = this.#unread[resource]
    const ranges = splitAround(rangesFrom(since, this.options.clock.now()), known).toReversed()
    const unread: DateRange[] = []
    let splits = 0
    for (let range = ranges.pop(); range; range = ranges.pop()) {
      const halves = splits < maxSplits ? halvesOf(range) : undefined
      const pageSize = new PageSize(halves ? undefined : 1)
      const pagesBefore = pages.count
      const walk = this.#walk(resource, request, { ...filters, ...filtersOf(range) }, pageSize, pages, range)
      while (!walk.isDone) {
        await beforePage()
        try {
          await walk.next()
        } catch (error) {
          this.options.report(error, 'could not read a page, retrying', { resource })
          const isFirst = pages.count === pagesBefore
          if (error instanceof FilterIgnoredError || (isFirst && isProblem(error, 'upstream_rejected'))) {
            return [...unread, range, ...ranges]
          }
          const isAnswering = await this.#isAnswering(resource)
          if (!isAnswering && throwsFailures) throw error
          if (isAnswering && halves) {
            ranges.push(...halves.toReversed())
            splits++
            break
          }
          if (isAnswering && (walk.isStuck || isIn(range, known))) {
            unread.push(range)
            break
          }
          await wait(walk.retryAfterMs)
        }
      }
    }
    return unread
  }

  /** Whether upstream answers this list where no record can be to blame. */
  async #isAnswering(resource: MirroredResource): Promise<boolean> {
    const { trackstar, report, signal } = this.options
    try {
      await trackstar.list(resource, noRecords, this.#callOptions)
    } catch (error) {
      report(error, 'could not read a list without records', { resource })
      return isProblem(error, 'upstream_rejected')
    }
    signal.throwIfAborted()
    return true
  }

  #walk(
    resource: MirroredResource,
    { onPage }: ListRequest,
    filters: Filters,
    pageSize: PageSize,
    pages: PagesRead,
    range?: DateRange,
  ): ListWalk<ListedPage<MirroredResource>> {
    const { clock, signal, trackstar, use } = this.options
    const read = async (token: string | undefined, size: number) => {
      signal.throwIfAborted()
      const begunAt = clock.elapsed()
      const page: ListedPage<MirroredResource> = await trackstar
        .list(resource, { ...filters, limit: String(size), page_token: token }, this.#callOptions)
        .finally(() => signal.throwIfAborted())
      await use(resource, page, begunAt)
      if (range && !page.records.every(({ trackstar_updated_date: date }) => isWithin(range, parseDate(date)))) {
        throw new FilterIgnoredError()
      }
      pages.add(page, clock.now())
      onPage?.(idsIn(page))
      return page
    }
    return new ListWalk({ route: `/wms/${resource}`, read, pageSize })
  }

  get #callOptions(): CallOptions {
    const { signal } = this.options
    // Waits for a permit as long as it takes; once the mirror is stopped, not at all.
    const deadline = () => (signal.aborted ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
    return { permitRequest: { priority: 'mirror', caller: 'mirror', deadline }, cause: 'mirror' }
  }
}

/** Upstream returned records of other dates than the requested ones. */
class FilterIgnoredError extends Error {
  constructor() {
    super('upstream ignores filters by date')
  }
}

/** What the pages of one read have shown. */
class PagesRead {
  count = 0
  newest: number | undefined

  /** @param startDate our time when the read began, epoch ms */
  constructor(public startDate: number) {}

  add({ records, date }: ListedPage<MirroredResource>, now: number): void {
    if (this.count++ === 0) this.startDate = Math.min(this.startDate, date ?? this.startDate)
    // Upstream's time may be as wrong as the date of a record. It counts only if our clock has never been set.
    const latest = date !== undefined && date - now > maxBehindMs ? date : now
    const newest = newestDate(records, latest)
    if (newest !== undefined) this.newest = Math.max(newest, this.newest ?? newest)
  }
}
