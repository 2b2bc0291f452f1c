import { isProblem } from '../errors.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import { type MalformedRecord, type Page, parsePage, parseRecord } from '../records/record.js'
import { parseSyncState, type ReportedSyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import type { CallUpstream, Cause, RunInSpan } from './call.js'
import { paginate } from './pagination.js'
import { encode, type Filters, withFilters } from './query.js'
import type { Permit, PermitRequest } from './rate-limiter.js'
import { sentAt } from './retry-after.js'
import type { UpstreamAnswer } from './transport.js'
import { invalidResponse, toProblem } from './upstream-errors.js'

/** Trackstar's lists, and the records in them. */
export interface Resources {
  products: Product
  inventory: InventoryItem
  warehouses: Warehouse
}
export type Resource = keyof Resources

/** How and why upstream is called. */
export interface CallOptions {
  readonly cause: Cause
  /** How permits are requested. */
  readonly permitRequest: PermitRequest
  /**
   * A permit for the first attempt of the first page; it is used or released. Default: one is requested. Retries and
   * further pages always request permits of their own.
   */
  readonly permit?: Permit
  /** Runs each attempt within a span. Default: the active one. */
  readonly runInSpan?: RunInSpan
  /** How often a call may be retried. Default: 2. */
  readonly maxRetries?: number
}

/** The records of a batch of keys. Match them by id or SKU, never by position. */
export interface Batch<R> {
  readonly records: readonly R[]
  readonly malformed: readonly MalformedRecord[]
}

/** A page of a list, and upstream's time when it was sent (epoch ms), if upstream says so. */
export interface ListedPage<R extends Resource> extends Page<Resources[R]> {
  readonly date: number | undefined
}

/** The state of a connection, and upstream's time when it was sent (epoch ms), if upstream says so. */
export interface ReadConnection extends ReportedSyncState {
  readonly date: number | undefined
}

/** The reads that this service makes of Trackstar. Each throws this service's own problems. */
export interface TrackstarClient {
  /** One page of a list. Malformed records are omitted and reported in `malformed`. */
  list<R extends Resource>(resource: R, filters: Filters, options: CallOptions): Promise<ListedPage<R>>
  /** All warehouses; none if the connected system does not support them (501) or has none (404). */
  warehouses(options: CallOptions): Promise<readonly Warehouse[]>
  /** All products with one of these SKUs. At most as many keys as fit in a {@link KeyList}. */
  productsBySku(skus: readonly string[], options: CallOptions): Promise<Batch<Product>>
  /** The records with one of these ids. At most as many keys as fit in a {@link KeyList}. */
  recordsByIds<R extends Resource>(
    resource: R,
    ids: readonly string[],
    options: CallOptions,
  ): Promise<Batch<Resources[R]>>
  /** Trackstar's own state of a connection. */
  connection(id: string, options: CallOptions): Promise<ReadConnection>
}

/** Most pages of one batch, or of the warehouses. */
const maxPages = 20

export function createTrackstarClient(callUpstream: CallUpstream): TrackstarClient {
  async function list<R extends Resource>(resource: R, filters: Filters, options: CallOptions): Promise<ListedPage<R>> {
    const route = `/wms/${resource}`
    const request = get(withFilters(route, filters))
    const answer = await callUpstream({ ...options, route, request, takesDeep: true })
    return { ...readPage(resource, answer), date: sentAt(answer) }
  }

  /**
   * All pages. Each request repeats the filters: upstream's token does not include them.
   * @param first the first page, if it was read already
   */
  async function listAll<R extends Resource>(
    resource: R,
    filters: Filters,
    options: CallOptions,
    first?: Page<Resources[R]>,
  ): Promise<Batch<Resources[R]>> {
    const { permit: _used, ...withoutPermit } = options
    const read = async (token: string | undefined): Promise<Page<Resources[R]>> => {
      if (token === undefined) return first ?? list(resource, filters, options)
      return list(resource, { ...filters, page_token: token }, withoutPermit)
    }
    const pages: Page<Resources[R]>[] = []
    for await (const page of paginate(read, { route: `/wms/${resource}`, maxPages })) pages.push(page)
    return {
      records: pages.flatMap((page) => page.records),
      malformed: pages.flatMap((page) => page.malformed),
    }
  }

  /** An id with a comma would be two ids in a list, so it is read by its path. */
  async function recordsByIds<R extends Resource>(
    resource: R,
    ids: readonly string[],
    options: CallOptions,
  ): Promise<Batch<Resources[R]>> {
    if (!isSingle(ids)) return listAll(resource, { 'ids[in]': ids.join(',') }, options)
    const route = `/wms/${resource}`
    return readOne(resource, await callUpstream({ ...options, route, request: get(`${route}/${encode(ids[0])}`) }))
  }

  return {
    list,
    async warehouses(options) {
      const route = '/wms/warehouses'
      const answer = await callUpstream({ ...options, route, request: get(route), takesDeep: true }).catch(
        (error: unknown) => {
          if (isProblem(error, 'not_supported_by_integration')) return undefined
          throw error
        },
      )
      if (answer === undefined || answer.status === 404) return []
      return (await listAll('warehouses', {}, options, readPage('warehouses', answer))).records
    },
    productsBySku(skus, options) {
      return listAll('products', isSingle(skus) ? { sku: skus[0] } : { 'sku[in]': skus.join(',') }, options)
    },
    recordsByIds,
    async connection(id, options) {
      const route = '/connections/{connection_id}'
      const request = { method: 'GET', path: `/connections/${encode(id)}`, organisationOnly: true } as const
      const answer = await callUpstream({ ...options, route, request })
      const state = answer.status === 200 ? parseSyncState(answer.body) : undefined
      if (state === undefined) throw invalidResponse(route, { path: '/data', message: 'must be a connection' })
      return { ...state, date: sentAt(answer) }
    },
  }
}

const get = (path: string) => ({ method: 'GET', path }) as const

/** Whether this is a single key that cannot be part of a list, see {@link KeyList}. */
const isSingle = (keys: readonly string[]): keys is readonly [string] => keys.length === 1 && !!keys[0]?.includes(',')

function readPage<R extends Resource>(resource: R, answer: UpstreamAnswer): Page<Resources[R]> {
  if (answer.status === 404) throw toProblem(answer)
  const page = parsePage<Resources[R]>(answer.body, answer)
  if ('fault' in page) throw invalidResponse(`/wms/${resource}`, page.fault)
  return page
}

/** A read of one record, as a batch of at most one. */
function readOne<R extends Resource>(resource: R, answer: UpstreamAnswer): Batch<Resources[R]> {
  if (answer.status === 404) return { records: [], malformed: [] }
  const result = parseRecord<Resources[R]>(answer.body)
  if ('fault' in result) throw invalidResponse(`/wms/${resource}/{id}`, result.fault)
  return { records: [result.record], malformed: [] }
}
