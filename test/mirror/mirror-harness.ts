import { RecordCache } from '../../src/cache/record-cache.js'
import type { Followed, MirrorState } from '../../src/mirror/mirror.js'
import { Mirror } from '../../src/mirror/mirror.js'
import { MirrorStore } from '../../src/mirror/mirror-store.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { MalformedRecord } from '../../src/records/record.js'
import type { CallOptions, TrackstarClient } from '../../src/trackstar/client.js'
import type { Filters } from '../../src/trackstar/query.js'
import { settle, TestClock } from '../harness.js'

export const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }

/** Upstream's time as it writes it. */
export const written = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** One call that the mirror made. */
export interface ListCall {
  readonly resource: Followed
  readonly filters: Filters
  readonly errand: CallOptions
}

/** Upstream's two lists, paged by position: two records a page unless told otherwise. */
export class UpstreamLists {
  products: Product[] = []
  inventory: InventoryItem[] = []
  malformed: MalformedRecord[] = []
  pageSize = 2
  /** How far upstream's clock is ahead of ours; undefined: it does not say what time it is. */
  aheadMs: number | undefined = 0
  readonly calls: ListCall[] = []
  /** Comes before each answer: what it throws is the answer. */
  before: (call: ListCall) => unknown = () => {}

  constructor(private readonly clock: TestClock) {}

  readonly list = (async (resource: Followed, filters: Filters, errand: CallOptions) => {
    const call = { resource, filters, errand }
    this.calls.push(call)
    const prescribed = await this.before(call)
    if (prescribed !== undefined) return prescribed
    const ids = filters['ids[in]']?.split(',')
    const since = Date.parse(filters['trackstar_updated_date[gte]'] ?? '1970-01-01T00:00:00Z')
    const fits = ({ id, trackstar_updated_date: date }: Product | InventoryItem) =>
      ids ? ids.includes(id) : Date.parse(date ?? '1970-01-01T00:00:00Z') >= since
    const all = (resource === 'products' ? this.products : this.inventory).filter(fits)
    const from = Number(filters.page_token ?? 0)
    const next = from + this.pageSize
    return {
      records: structuredClone(all.slice(from, next)),
      malformed: from === 0 && resource === 'products' ? this.malformed : [],
      nextToken: next < all.length ? String(next) : null,
      date: this.aheadMs === undefined ? undefined : this.clock.now() + this.aheadMs,
    }
  }) as TrackstarClient['list']

  /** Takes the calls so far, a word for each: the resource, and what page, ids or changes were asked for. */
  taken(): string[] {
    return this.calls.splice(0).map(({ resource, filters }) => {
      const since = filters['trackstar_updated_date[gte]']
      const words = [since && 'changes', filters['ids[in]'], filters.page_token && `@${filters.page_token}`]
      return [resource, ...words.filter(Boolean)].join(' ')
    })
  }
}

/** A mirror over real holdings, in front of {@link UpstreamLists}. Its waits end when they are told to. */
export function mirrorStage({ maxBytes = 1_000_000, fullCompareMs = 3_600_000 } = {}) {
  const clock = new TestClock()
  const upstream = new UpstreamLists(clock)
  const holdings = new RecordCache(maxBytes, policy, clock.now)
  const touched: string[][] = []
  const states: MirrorState[] = []
  const warned: string[] = []
  const told: { fields: object; text: string }[] = []
  const malformed: string[] = []
  /** Resources whose first copy upstream says is not finished. */
  const incomplete: string[] = []
  const waits: { ms: number; end: () => void }[] = []
  const log = {
    info: (fields: object, text: string) => void told.push({ fields, text }),
    warn: (_fields: object, text: string) => void warned.push(text),
  }
  const target = new MirrorStore({
    holdings,
    policy,
    now: clock.now,
    warehouses: () => new Map(),
    onTouched: (ids) => touched.push([...ids]),
    onState: (state) => states.push(state),
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
    target,
    clock,
    syncIntervalMs: 30_000,
    fullCompareMs,
    log,
    sleep,
    incomplete: () => incomplete,
    readIncomplete: async () => incomplete,
  })
  /** Ends the next wait, after the time it takes, and gives how long that was. */
  async function pass(): Promise<number> {
    await settle()
    const [wait] = waits.splice(0, 1)
    if (wait === undefined) throw new Error('nobody is waiting')
    clock.advance(wait.ms)
    wait.end()
    await settle()
    return wait.ms
  }
  /** Lets this much time go by, wait after wait. */
  async function passFor(ms: number): Promise<void> {
    for (const until = clock.now() + ms; clock.now() < until; ) await pass()
  }
  /** Runs the mirror until it is live, and forgets what that took. */
  async function live(): Promise<{ readonly run: Promise<void> }> {
    const run = mirror.run()
    await settle()
    upstream.taken()
    return { run }
  }
  return {
    incomplete,
    clock,
    upstream,
    holdings,
    target,
    mirror,
    touched,
    states,
    warned,
    told,
    malformed,
    waits,
    pass,
    passFor,
    live,
  }
}
