import { LossGuard } from '../cache/loss-guard.js'
import type { RecordCache, RecordKind } from '../cache/record-cache.js'
import { isProblem, problem } from '../errors.js'
import { idOf } from '../records/fields.js'
import type { MalformedRecord } from '../records/record.js'
import type { CallOptions, TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'
import { keyLists } from '../trackstar/query.js'

export interface RecordRefreshOptions {
  readonly trackstar: Pick<TrackstarClient, 'recordsByIds'>
  readonly cache: RecordCache
  readonly clock: Clock
  /** Limit of one read, its wait for a permit included. */
  readonly timeoutMs: number
  /** Whether a record that is absent from one answer is kept until a second one confirms it: in a mirror. */
  readonly confirmsAbsence: () => boolean
  /** The resources that may lack records upstream: their absences prove nothing. */
  readonly incomplete: () => readonly string[]
  readonly onMalformed: (resource: 'products' | 'inventory', malformed: MalformedRecord) => void
  readonly onFailure: (name: string, error: unknown) => void
  /** Runs `work` after `ms`. Default: a timer that does not keep the process alive. */
  readonly after?: (ms: number, work: () => void) => void
}

/** An absence is confirmed this long after the first answer, so that one hiccup of upstream is not seen twice. */
export const confirmAfterMs = 1000
/** Waits after reads that failed double up to this. */
const maxRetryMs = 60_000
/** Most calls in flight for records of one kind: meanwhile, further records collect for the next call. */
const maxCalls = 2
/** A read that fails this often in a row is abandoned, unless the record is cached and may be out of date. */
const maxAttempts = 5
/** A loss of at most this many records is believed when it is confirmed; a larger one, of most, needs a third answer. */
const plausibleLoss = 2

const resources = { product: 'products', item: 'inventory' } as const

interface PendingRefresh {
  readonly kind: RecordKind
  readonly id: string
  /** Reads that failed in a row. */
  failures: number
  /** Answers in a row that lacked the record. */
  absences: number
  isReading: boolean
  /** Whether another read was requested while one was in flight, which may not show the latest change. */
  isRequestedAgain: boolean
  /** Reads that were repeated because of that. */
  repeats: number
  /** Called when the current record is known, or the read was abandoned. */
  readonly onSettled: (() => void)[]
}

/**
 * Reads records by id in the background, where a delivery, a reply or a list does not settle what a record is now. Until
 * the read succeeds, the cached record is *unsettled*: it is served, but as stale.
 *
 * In a mirror, one answer is not enough to remove a record for all callers: an absence is confirmed by a second read.
 */
export class RecordRefresh {
  readonly #pending = new Map<string, PendingRefresh>()
  readonly #ready = new Set<PendingRefresh>()
  readonly #losses = new LossGuard(plausibleLoss)
  readonly #calls = { product: 0, item: 0 }
  #isScheduled = false
  #isStopped = false

  constructor(private readonly options: RecordRefreshOptions) {}

  /** Reads a record with a read that begins after now. */
  readonly refresh = (kind: RecordKind, id: string): void => {
    const pending = this.#pending.get(nameOf(kind, id))
    if (pending === undefined) this.#makeReady(this.#add(kind, id))
    else if (pending.isReading) pending.isRequestedAgain = true
    else {
      // What requests it now suggests that the record exists.
      pending.absences = 0
      this.#makeReady(pending)
    }
  }

  /** Reads records, or joins their pending reads, and resolves when it is known what they are now. Never rejects. */
  async refreshAll(kind: RecordKind, ids: readonly string[]): Promise<void> {
    const settled = ids.map((id) => {
      if (!this.#pending.has(nameOf(kind, id))) this.refresh(kind, id)
      return new Promise<void>((resolve) => {
        const pending = this.#pending.get(nameOf(kind, id))
        if (pending) pending.onSettled.push(resolve)
        else resolve()
      })
    })
    await Promise.all(settled)
  }

  /**
   * Reads a record that an answer lacked once more, a little later, and removes it if it is absent again. Returns false,
   * and does nothing, if one answer is enough.
   */
  readonly confirmAbsence = (kind: RecordKind, id: string): boolean => {
    if (!this.options.confirmsAbsence()) return false
    if (this.#pending.has(nameOf(kind, id))) return true
    const pending = this.#add(kind, id)
    pending.absences = 1
    this.#schedule(pending, confirmAfterMs)
    return true
  }

  /** Whether the cached record may not be the current one, because a read of it is pending. */
  readonly isUnsettled = (kind: RecordKind, id: string): boolean => this.#pending.has(nameOf(kind, id))

  /** Whether any record {@link isUnsettled}. */
  readonly hasUnsettled = (): boolean => this.#pending.size > 0

  stop(): void {
    this.#isStopped = true
    for (const { onSettled } of this.#pending.values()) for (const resolve of onSettled) resolve()
    this.#pending.clear()
    this.#ready.clear()
  }

  #add(kind: RecordKind, id: string): PendingRefresh {
    const pending: PendingRefresh = {
      kind,
      id,
      failures: 0,
      absences: 0,
      isReading: false,
      isRequestedAgain: false,
      repeats: 0,
      onSettled: [],
    }
    if (!this.#isStopped) this.#pending.set(nameOf(kind, id), pending)
    return pending
  }

  #schedule(pending: PendingRefresh, ms: number): void {
    const { after = afterTimeout } = this.options
    after(ms, () => {
      if (this.#isCurrent(pending) && !pending.isReading) this.#makeReady(pending)
    })
  }

  #makeReady(pending: PendingRefresh): void {
    if (this.#isStopped) return
    this.#ready.add(pending)
    this.#readSoon()
  }

  /** Records that become ready in one turn of the event loop, or while other calls are in flight, share a call. */
  #readSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#readReady('product')
      this.#readReady('item')
    })
  }

  #readReady(kind: RecordKind): void {
    const ready = Array.from(this.#ready).filter((pending) => pending.kind === kind)
    const byId = new Map(ready.filter(({ failures }) => failures === 0).map((pending) => [pending.id, pending]))
    const batches = Array.from(keyLists(byId.keys()), (ids) => ids.map((id) => byId.get(id) as PendingRefresh))
    // After a failed call, each record is read alone: only one of them may be to blame.
    for (const pending of ready) if (pending.failures > 0) batches.push([pending])
    for (const batch of batches.slice(0, maxCalls - this.#calls[kind])) {
      for (const pending of batch) {
        this.#ready.delete(pending)
        pending.isReading = true
      }
      this.#calls[kind]++
      void this.#read(kind, batch).finally(() => {
        this.#calls[kind]--
        if (this.#ready.size > 0) this.#readSoon()
      })
    }
  }

  /** Reads a batch and stores the result; never rejects. */
  async #read(kind: RecordKind, batch: readonly PendingRefresh[]): Promise<void> {
    const { trackstar, cache, clock, timeoutMs, onFailure, onMalformed } = this.options
    const deadline = clock.elapsed() + timeoutMs
    const permitRequest = { priority: 'refresh', caller: 'record refresh', deadline: () => deadline } as const
    const call: CallOptions = { permitRequest, cause: 'refresh' }
    const begunAt = clock.elapsed()
    try {
      const ids = batch.map(({ id }) => id)
      const { records, malformed } = await trackstar.recordsByIds(resources[kind], ids, call)
      if (this.#isStopped) return
      const times = { begunAt, readAt: clock.elapsed() }
      for (const record of malformed) onMalformed(resources[kind], record)
      for (const record of records) cache.store(kind, record, times)
      const presentIds = new Set(records.map(idOf))
      // An answer with other records than the requested ones says nothing about these.
      const isForeign = presentIds.size > 0 && !ids.some((id) => presentIds.has(id))
      const isUnreadable = (id: string) =>
        isForeign || malformed.some((record) => record.id === id || record.id === undefined)
      const absent: PendingRefresh[] = []
      for (const pending of batch) {
        if (presentIds.has(pending.id)) this.#settle(pending)
        else if (isUnreadable(pending.id)) this.#retry(pending, malformedRecord())
        else absent.push(pending)
      }
      this.#processAbsent(kind, absent, batch.length, times)
    } catch (error) {
      if (!isProblem(error)) onFailure('record', error)
      for (const pending of batch) this.#retry(pending, error)
    }
  }

  #processAbsent(
    kind: RecordKind,
    absent: readonly PendingRefresh[],
    known: number,
    times: { readonly begunAt: number; readonly readAt: number },
  ): void {
    const { cache, confirmsAbsence, incomplete } = this.options
    const confirmed: PendingRefresh[] = []
    for (const pending of absent) {
      pending.failures = 0
      pending.absences++
      if (incomplete().includes(resources[kind])) this.#settle(pending)
      else if (pending.absences < 2 && confirmsAbsence()) this.#again(pending, confirmAfterMs)
      else confirmed.push(pending)
    }
    const keys = confirmed.map(({ id }) => nameOf(kind, id))
    const isBelieved = this.#losses.believes({ missing: confirmed.length, known, keys })
    for (const pending of confirmed) {
      if (!isBelieved) {
        this.#again(pending, maxRetryMs)
        continue
      }
      cache.storeAbsence(kind, pending.id, times)
      this.#settle(pending)
    }
  }

  #settle(pending: PendingRefresh): void {
    this.#losses.clear(nameOf(pending.kind, pending.id))
    if (pending.isRequestedAgain && this.#isCurrent(pending)) {
      pending.absences = 0
      pending.isRequestedAgain = false
      // At once, but not without end: a record that changes all the time must not take the whole budget.
      this.#again(pending, pending.repeats++ === 0 ? 0 : confirmAfterMs)
      return
    }
    if (this.#isCurrent(pending)) this.#pending.delete(nameOf(pending.kind, pending.id))
    for (const resolve of pending.onSettled) resolve()
  }

  #retry(pending: PendingRefresh, error: unknown): void {
    const { cache, onFailure } = this.options
    pending.failures++
    if (pending.failures === 1) onFailure('record', error)
    const isCached = cache.peek(pending.kind, pending.id)?.value !== undefined
    if (pending.failures < maxAttempts || isCached) {
      this.#again(pending, Math.min(maxRetryMs, confirmAfterMs * 2 ** (pending.failures - 1)))
    } else this.#settle(pending)
  }

  #again(pending: PendingRefresh, ms: number): void {
    pending.isReading = false
    const isNow = ms === 0 || pending.isRequestedAgain
    pending.isRequestedAgain = false
    if (!this.#isCurrent(pending)) return
    if (isNow) this.#makeReady(pending)
    else this.#schedule(pending, ms)
  }

  #isCurrent(pending: PendingRefresh): boolean {
    return this.#pending.get(nameOf(pending.kind, pending.id)) === pending
  }
}

const malformedRecord = () => problem('upstream_invalid_response', 'Trackstar returned a malformed record')

const nameOf = (kind: RecordKind, id: string) => `${kind}:${id}`

const afterTimeout = (ms: number, work: () => void) => void setTimeout(work, ms).unref()
