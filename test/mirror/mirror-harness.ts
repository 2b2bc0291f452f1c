import { createCacheMemory, RecordCache } from '../../src/cache/record-cache.js'
import { problem } from '../../src/errors.js'
import { Mirror } from '../../src/mirror/mirror.js'
import { type MirroredResource, type MirrorState, MirrorStore } from '../../src/mirror/mirror-store.js'
import { parseDate } from '../../src/records/dates.js'
import { idOf } from '../../src/records/fields.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { MalformedRecord } from '../../src/records/record.js'
import type { CallOptions, TrackstarClient } from '../../src/trackstar/client.js'
import type { Filters } from '../../src/trackstar/query.js'
import { settle, TestClock } from '../harness.js'

export const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }

/** A time in upstream's format, without milliseconds. */
export const toUpstreamDate = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export interface ListCall {
  readonly resource: MirroredResource
  readonly filters: Filters
  readonly options: CallOptions
}

/** Upstream's two lists, paged by position, two records per page by default. */
export class UpstreamLists {
  products: Product[] = []
  inventory: InventoryItem[] = []
  malformed: MalformedRecord[] = []
  pageSize = 2
  /** How far upstream's clock is ahead of ours; undefined: its responses have no date. */
  aheadMs: number | undefined = 0
  readonly calls: ListCall[] = []
  /** Whether a page that contains the record takes longer than the timeout. */
  cannotSend: (record: Product | InventoryItem) => boolean = () => false
  /** Called before each answer. What it returns or throws replaces the answer. */
  beforeAnswer: (call: ListCall) => unknown = () => {}

  constructor(private readonly clock: TestClock) {}

  readonly list = (async (resource: MirroredResource, filters: Filters, options: CallOptions) => {
    const call = { resource, filters, options }
    this.calls.push(call)
    const override = await this.beforeAnswer(call)
    if (override !== undefined) return override
    const ids = filters['ids[in]']?.split(',')
    const since = Date.parse(filters['trackstar_updated_date[gte]'] ?? '1970-01-01T00:00:00Z')
    const before = Date.parse(filters['trackstar_updated_date[lt]'] ?? '9999-12-31T00:00:00Z')
    const fits = (record: Product | InventoryItem) => {
      const date = parseDate(record.trackstar_updated_date) ?? 0
      return ids ? ids.includes(idOf(record)) : date >= since && date < before
    }
    const all = (resource === 'products' ? this.products : this.inventory).filter(fits)
    const from = Number(filters.page_token ?? 0)
    const next = from + Math.min(this.pageSize, Number(filters.limit ?? 1000))
    if (all.slice(from, next).some(this.cannotSend)) throw problem('upstream_timeout', 'too slow')
    return {
      records: structuredClone(all.slice(from, next)),
      malformed: from === 0 && resource === 'products' ? this.malformed : [],
      nextToken: next < all.length ? String(next) : null,
      date: this.aheadMs === undefined ? undefined : this.clock.now() + this.aheadMs,
    }
  }) as TrackstarClient['list']

  readonly recordsByIds: TrackstarClient['recordsByIds'] = (resource, ids, options) =>
    this.list(resource, { 'ids[in]': ids.join(',') }, options)

  readonly productsBySku: TrackstarClient['productsBySku'] = async (skus, options) => {
    const { products } = this
    await this.beforeAnswer({ resource: 'products', filters: { 'sku[in]': skus.join(',') }, options })
    return { records: structuredClone(products.filter(({ sku }) => skus.includes(String(sku)))), malformed: [] }
  }

  /** Removes and returns the calls so far, each as the resource and the requested page, ids or changes. */
  takeCalls(): string[] {
    return this.calls.splice(0).map(({ resource, filters }) => {
      const since = filters['trackstar_updated_date[gte]']
      const words = [
        since?.startsWith('9999') ? 'check' : since && 'changes',
        filters['ids[in]'],
        filters.page_token && `@${filters.page_token}`,
      ]
      return [resource, ...words.filter(Boolean)].join(' ')
    })
  }
}

/** A mirror with a real store and cache, reading {@link UpstreamLists}. Its waits last until the test ends them. */
export function createMirrorHarness({ maxBytes = 1_000_000, fullCompareMs = 3_600_000 } = {}) {
  const clock = new TestClock()
  const upstream = new UpstreamLists(clock)
  const cache = new RecordCache(createCacheMemory(maxBytes), policy, clock)
  const affected: string[][] = []
  const sharedSkus: string[][] = []
  const states: MirrorState[] = []
  const warnings: string[] = []
  const infos: { fields: object; text: string }[] = []
  const malformed: string[] = []
  const unreadable: string[] = []
  /** Resources whose first sync upstream has not finished. */
  const incomplete: string[] = []
  const waits: { ms: number; end: () => void }[] = []
  const log = {
    info: (fields: object, text: string) => void infos.push({ fields, text }),
    warn: (_fields: object, text: string) => void warnings.push(text),
  }
  const store: MirrorStore = new MirrorStore({
    cache,
    policy,
    clock,
    warehouses: () => new Map(),
    onRecordsChanged({ productIds, itemIds }) {
      const users = Array.from(itemIds).flatMap((id) => store.productIdsOfItem(id))
      const all = new Set([...productIds, ...users])
      if (all.size > 0) affected.push([...all].toSorted())
    },
    onStateChange: (state) => states.push(state),
    onSharedSku: (ids) => sharedSkus.push([...ids]),
    onMalformed: (resource, { path }) => malformed.push(`${resource} ${path}`),
    log,
  })
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        waits.splice(0)
        reject(signal.reason)
      }
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort)
      const end = () => {
        signal.removeEventListener('abort', abort)
        resolve(undefined)
      }
      if (!signal.aborted) waits.push({ ms, end })
    })
  const mirror = new Mirror({
    trackstar: upstream,
    store,
    clock,
    syncIntervalMs: 30_000,
    syncOverlapMs: 300_000,
    fullCompareMs,
    onUnreadable: (resource, id) => unreadable.push(`${resource} ${id}`),
    log,
    sleep,
    syncStatus: { incomplete, readIncomplete: async () => incomplete },
  })
  /** Advances the clock to the end of the next wait, ends it, and returns its length. */
  async function finishWait(): Promise<number> {
    await settle()
    const [wait] = waits.splice(0, 1)
    if (wait === undefined) throw new Error('expected a wait, but there is none')
    clock.advance(wait.ms)
    wait.end()
    await settle()
    return wait.ms
  }
  /** Ends waits until `ms` have passed. */
  async function passTime(ms: number): Promise<void> {
    for (const until = clock.now() + ms; clock.now() < until; ) await finishWait()
  }
  /** Passes time until the comparison that runs, or is due next, is complete. */
  async function finishComparison(): Promise<void> {
    while (mirror.progress.pagesLeft === 0) await finishWait()
    while (mirror.progress.pagesLeft !== 0) await finishWait()
  }
  /** Runs the mirror until it is live and has compared the catalog once, and clears the calls. */
  async function startLive(): Promise<{ readonly run: Promise<void> }> {
    const run = mirror.run()
    await settle()
    upstream.takeCalls()
    return { run }
  }
  return {
    incomplete,
    clock,
    upstream,
    cache,
    store,
    mirror,
    affected,
    sharedSkus,
    states,
    warnings,
    infos,
    malformed,
    unreadable,
    waits,
    finishWait,
    passTime,
    finishComparison,
    startLive,
  }
}
