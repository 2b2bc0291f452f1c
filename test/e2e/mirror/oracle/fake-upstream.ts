import { Dispatcher } from 'undici'
import type { Json } from './join.js'
import type { Random } from './random.js'
import type { VirtualTime } from './virtual-time.js'

export type Resource = 'products' | 'inventory'

/** One state of a record, from one change to the next. Times are those of the virtual clock. */
export interface Version {
  /** Undefined: the record does not exist. */
  readonly record: Json | undefined
  /** When the change happened. Webhooks announce it from then on. */
  readonly since: number
  /** From when on lists and reads by id show it; later than `since` if upstream lists the change late. */
  listedSince: number
  /** `trackstar_updated_date`, epoch ms, as filters of a list see it; undefined without a date. */
  readonly dated: number | undefined
}

/**
 * What upstream does with a call instead of answering it properly:
 * - `empty`: a list without records, or 404 for a single record
 * - `html403`: the response of a gateway in between
 * - `lost`: the call takes effect, and its response never arrives
 */
export type Fault = 'empty' | '500' | '429' | 'html403' | 'reset' | 'lost' | 'garbage' | 'loop' | 'deep' | 'slow'

export interface ActiveFault {
  readonly fault: Fault
  /** The calls that are affected, by their path and query. */
  readonly fits: (path: string) => boolean
  /** It ends at this time, or after this many calls. */
  readonly until: number
  callsLeft: number
}

/** What the response to an adjustment contains besides the whole record. */
export type WriteReply = 'whole' | 'part' | 'nothing' | 'text'

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Record<string, string>
}

const json = (body: unknown, status = 200, headers?: Record<string, string>): Answer => ({
  status,
  body: JSON.stringify(body),
  ...(headers && { headers }),
})

/** Upstream in memory: records with a history, lists, and faults. */
export class FakeUpstream {
  readonly histories: Readonly<Record<Resource, Map<string, Version[]>>> = { products: new Map(), inventory: new Map() }
  /** When upstream returned no records although it had some. */
  readonly emptyAt: number[] = []
  readonly faults: ActiveFault[] = []
  /** The largest page, whatever the `limit`. */
  maxPage = 3
  /** How far upstream's clock is ahead of ours. */
  aheadMs = 0
  /** How far the `Date` of the next responses is ahead of upstream's clock. */
  dateAheadMs = 0
  writeReply: WriteReply = 'whole'
  /** When calls were sent, newest last, for the rate. */
  readonly readsAt: number[] = []
  /** Records that upstream cannot send, as `resource id`, and what it responds instead. */
  readonly unreadable = new Map<string, '500' | 'garbage' | 'slow'>()
  calls = 0
  /** Every call, with its time; recorded only while this is an array. */
  journal: string[] | undefined
  readonly #replies = new Map<string, Json>()

  constructor(
    private readonly time: VirtualTime,
    private readonly random: Random,
  ) {}

  readonly dispatcher = Object.assign<Dispatcher, Partial<Dispatcher>>(new Dispatcher(), {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
      this.#dispatch(options, handler),
    close: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  })

  /** Upstream's own time, epoch ms. */
  get now(): number {
    return this.time.elapsed() + this.aheadMs
  }

  /** The latest state of a record, listed or not. */
  latest(resource: Resource, id: string): Version | undefined {
    return this.histories[resource].get(id)?.at(-1)
  }

  /** The state of a record as upstream shows it at a time. */
  listed(resource: Resource, id: string, at = this.time.elapsed()): Json | undefined {
    return this.histories[resource].get(id)?.findLast(({ listedSince }) => listedSince <= at)?.record
  }

  /** All records as upstream shows them now. */
  *records(resource: Resource, at = this.time.elapsed()): Generator<Json> {
    for (const id of this.histories[resource].keys()) {
      const record = this.listed(resource, id, at)
      if (record !== undefined) yield record
    }
  }

  /** Ids of the records that exist. */
  ids(resource: Resource): string[] {
    return [...this.histories[resource].keys()].filter((id) => this.latest(resource, id)?.record !== undefined)
  }

  /** Changes, adds (or, with undefined, removes) a record. Lists show it after `lagMs`. */
  change(
    resource: Resource,
    id: string,
    record: Json | undefined,
    { lagMs = 0, dated = this.now }: { lagMs?: number; dated?: number | null } = {},
  ): Version {
    const history = this.histories[resource].get(id) ?? []
    const since = this.time.elapsed()
    const listedSince = Math.max(since + lagMs, history.at(-1)?.listedSince ?? 0)
    const version = {
      record,
      since,
      listedSince,
      dated: dated === null ? undefined : Math.floor(dated / 1000) * 1000,
    }
    history.push(version)
    this.histories[resource].set(id, history)
    return version
  }

  /** Lists show every pending change from now on. */
  listAll(resource: Resource, id: string): void {
    for (const version of this.histories[resource].get(id) ?? []) {
      version.listedSince = Math.min(version.listedSince, this.time.elapsed())
    }
  }

  #dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    let isOver = false
    const controller: Dispatcher.DispatchController = {
      aborted: false,
      paused: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      pause: () => {},
      resume: () => {},
      abort: (reason: Error) => {
        if (isOver) return
        isOver = true
        handler.onResponseError?.(controller, reason)
      },
    }
    handler.onRequestStart?.(controller, {})
    this.calls++
    if (options.method === 'GET') this.readsAt.push(this.time.elapsed())
    const { path } = options
    this.journal?.push(`${this.time.elapsed() % 1e8} ${options.method} ${decodeURIComponent(path)}`)
    const fault = this.#faultFor(path)
    const shown = fault === undefined ? this.#unreadableIn(options, path) : undefined
    const latencyMs =
      fault === 'slow' || shown === 'slow' ? 60_000 : this.random.int(5, this.random.chance(0.1) ? 2000 : 150)
    const sentDate = new Date(this.now + this.dateAheadMs).toUTCString()
    const respond = ({ status, body, headers = {} }: Answer) => {
      if (isOver) return
      isOver = true
      const all = { 'content-type': 'application/json', date: sentDate, ...headers }
      handler.onResponseStart?.(controller, status, all, '')
      handler.onResponseData?.(controller, Buffer.from(body))
      handler.onResponseEnd?.(controller, {})
    }
    // The records are read at some time between the arrival of the call and that of the response.
    this.time.set(() => {
      const answer = this.#answer(options, path, fault ?? shown)
      this.time.set(() => {
        if (fault === 'reset' || fault === 'lost') controller.abort(new Error('the connection was reset'))
        else respond(answer)
      }, latencyMs * this.random.next())
    }, latencyMs * this.random.next())
    return true
  }

  /** What is wrong with an answer that contains a record which cannot be sent; undefined for any other. */
  #unreadableIn({ method }: Dispatcher.DispatchOptions, path: string): '500' | 'garbage' | 'slow' | undefined {
    const { pathname, searchParams } = new URL(path, 'http://upstream')
    const [, , resource = '', id = ''] = pathname.split('/').map(decodeURIComponent)
    if (this.unreadable.size === 0 || method !== 'GET' || (resource !== 'products' && resource !== 'inventory'))
      return undefined
    const ids = id === '' ? this.#list(resource, searchParams).data.map((record) => String(record['id'])) : [id]
    return ids.map((shown) => this.unreadable.get(`${resource} ${shown}`)).find((fault) => fault !== undefined)
  }

  #faultFor(path: string): Fault | undefined {
    const now = this.time.elapsed()
    const active = this.faults.find(({ until, callsLeft, fits }) => now < until && callsLeft > 0 && fits(path))
    if (active) active.callsLeft--
    return active?.fault
  }

  #answer(options: Dispatcher.DispatchOptions, path: string, fault: Fault | undefined): Answer {
    const { pathname, searchParams } = new URL(path, 'http://upstream')
    const [, , resource = '', id = '', verb] = pathname.split('/').map(decodeURIComponent)
    switch (fault) {
      case 'empty':
        this.emptyAt.push(this.time.elapsed())
        return id === ''
          ? json({ data: [], next_token: null, total_count: 0 })
          : json({ error: 'no such record', origin: 'trackstar' }, 404)
      case '500':
        return json({ error: 'internal', origin: 'trackstar' }, 500)
      case '429':
        return json({ error: 'too many', origin: 'trackstar' }, 429, { 'retry-after': '1' })
      case 'html403':
        return { status: 403, body: '<html>forbidden</html>', headers: { 'content-type': 'text/html' } }
      case 'garbage':
        return { status: 200, body: '{"data": [{"id": "' }
    }
    if (options.method === 'PUT' && verb === 'adjust') return fault === 'reset' ? json({}) : this.#adjust(id, options)
    if (pathname.startsWith('/connections/')) {
      return json({ data: { id, historical_sync_completed: {}, sync_schedules: [], errors: [] } })
    }
    if (resource === 'warehouses') return json({ data: warehouses, next_token: null, total_count: warehouses.length })
    if (resource !== 'products' && resource !== 'inventory')
      return json({ error: 'no such path', origin: 'trackstar' }, 404)
    if (id !== '') {
      const data = this.listed(resource, id)
      return data ? json({ data }) : json({ error: 'no such record', origin: 'trackstar' }, 404)
    }
    const page = this.#list(resource, searchParams)
    if (fault === 'loop') return json({ ...page, next_token: '0' })
    return fault === 'deep' ? { status: 200, body: withDeepRecord(page) } : json(page)
  }

  #list(resource: Resource, query: URLSearchParams) {
    const all = [...this.records(resource)]
    const ids = query.get('ids[in]')?.split(',')
    const skus = query.get('sku[in]')?.split(',') ?? (query.has('sku') ? [query.get('sku')] : undefined)
    const since = query.get('trackstar_updated_date[gte]')
    const before = query.get('trackstar_updated_date[lt]') ?? '9999-12-31T00:00:00Z'
    const dates = ['trackstar_updated_date[gte]', 'trackstar_updated_date[lt]']
    const known = ['ids[in]', 'sku[in]', 'sku', ...dates, 'limit', 'page_token']
    const unknown = [...query.keys()].find((name) => !known.includes(name))
    if (unknown !== undefined) throw new Error(`the fake upstream does not know the filter ${unknown}`)
    const found = all.filter((record) => {
      if (ids) return ids.includes(String(record['id']))
      if (skus && !skus.includes(String(record['sku']))) return false
      if (since === null && !query.has('trackstar_updated_date[lt]')) return true
      const { dated } = this.histories[resource]
        .get(String(record['id']))
        ?.findLast(({ listedSince }) => listedSince <= this.time.elapsed()) ?? { dated: undefined }
      return dated !== undefined && dated >= Date.parse(since ?? '1900-01-01') && dated < Date.parse(before)
    })
    const from = Number(query.get('page_token') ?? 0)
    const to = from + Math.min(this.maxPage, Number(query.get('limit') ?? 1000))
    const data = found.slice(from, to)
    return { data, next_token: to < found.length ? String(to) : null, total_count: data.length }
  }

  #adjust(id: string, options: Dispatcher.DispatchOptions): Answer {
    const headers = options.headers as Record<string, string>
    const key = headers['idempotency-key'] ?? ''
    const earlier = this.#replies.get(key)
    if (earlier !== undefined) return json(this.#shown(earlier), 200, { 'idempotent-replayed': 'true' })
    const before = this.latest('inventory', id)?.record
    if (before === undefined) return json({ error: 'no such item', origin: 'trackstar' }, 404)
    const { quantity, adjustment_type, warehouse_id } = JSON.parse(String(options.body))
    const by = adjustment_type === 'increase' ? quantity : -quantity
    this.listAll('inventory', id)
    const after = { ...moved(before, by, warehouse_id), trackstar_updated_date: upstreamDate(this.now) }
    this.change('inventory', id, after)
    this.#replies.set(key, after)
    return json(this.#shown(after))
  }

  #shown(record: Json): unknown {
    const { id } = record
    const replies: Record<WriteReply, unknown> = {
      whole: { id, data: record, unused_fields: [] },
      part: { id, data: { id, trackstar_updated_date: record['trackstar_updated_date'] }, unused_fields: [] },
      nothing: { id, unused_fields: [] },
      text: 'OK',
    }
    return replies[this.writeReply]
  }
}

/** The page with one more record, nested several thousand levels deep. */
const withDeepRecord = (page: { readonly data: readonly Json[] }): string =>
  JSON.stringify({ ...page, data: [...page.data, { id: 'deep', sku: 'DEEP', nested: 'NESTED' }] }).replace(
    '"NESTED"',
    `${'['.repeat(3000)}${']'.repeat(3000)}`,
  )

/** In upstream's format: UTC, whole seconds. */
export const upstreamDate = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export const warehouses = [
  { id: 'wh_1', name: 'One', code: 'W1' },
  { id: 'wh_2', name: 'Two', code: null },
]

/** An item after a change of stock in one of its warehouses, or in none if it has no breakdown. */
export function moved(item: Json, by: number, warehouseId?: string): Json {
  const add = (quantities: Json): Json => {
    const sum = (name: string) => (typeof quantities[name] === 'number' ? { [name]: quantities[name] + by } : {})
    return { ...quantities, ...sum('onhand'), ...sum('fulfillable'), ...sum('sellable') }
  }
  const breakdown = item['inventory_by_warehouse_id'] as Json | null | undefined
  const id = warehouseId ?? Object.keys(breakdown ?? {})[0]
  const part = id === undefined ? undefined : breakdown?.[id]
  if (id === undefined || typeof part !== 'object' || part === null) return add(item)
  return { ...add(item), inventory_by_warehouse_id: { ...breakdown, [id]: add(part as Json) } }
}
