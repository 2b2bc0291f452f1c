import { isProblem } from '../errors.js'
import { InventoryItem } from '../records/inventory-item.js'
import { Product } from '../records/product.js'
import { createRecordParser, type MalformedRecord, type Page, type RecordParser } from '../records/record.js'
import { parseSyncState, type SyncState } from '../records/sync-state.js'
import { Warehouse } from '../records/warehouse.js'
import type { CallUpstream, Cause, Within } from './call.js'
import { paginate } from './pagination.js'
import { encode, type Filters, withFilters } from './query.js'
import type { PermitRequest } from './rate-limiter.js'
import type { UpstreamAnswer } from './transport.js'
import { invalidResponse, sentAt, toProblem } from './upstream-errors.js'

/** The lists that upstream has, and the records in them. */
export interface Resources {
  products: Product
  inventory: InventoryItem
  warehouses: Warehouse
}
export type Resource = keyof Resources

/** On whose behalf, and why, upstream is read. */
export interface CallOptions {
  readonly permitRequest: PermitRequest
  readonly cause: Cause
  /** Runs each attempt within the span it belongs to; default: that of whoever asks. */
  readonly within?: Within
}

/** What one batch brought: which keys were asked for in the end, and the records, to be matched by id or SKU. */
export interface Batch<R> {
  readonly asked: readonly string[]
  readonly records: readonly R[]
  readonly malformed: readonly MalformedRecord[]
}

/** Called when the permit is there: the keys to ask for, at most what one call can take; none: the permit goes back. */
export type PullKeys = () => readonly string[]

/** A page of a list, and the time upstream that it was given at (epoch ms), where upstream says so. */
export interface ListedPage<R extends Resource> extends Page<Resources[R]> {
  readonly date: number | undefined
}

/** The reads that this service makes of Trackstar. Each throws this service's own errors. */
export interface TrackstarClient {
  /** One page of upstream's own list. A record that is malformed is left out and told in `malformed`. */
  list<R extends Resource>(resource: R, filters: Filters, errand: CallOptions): Promise<ListedPage<R>>
  /** All warehouses; none where the connected system has no such function (501) or knows none (404). */
  warehouses(errand: CallOptions): Promise<readonly Warehouse[]>
  /** Products by SKU, all pages; undefined where there was nothing left to ask. */
  productsBySku(pull: PullKeys, errand: CallOptions): Promise<Batch<Product> | undefined>
  /** Inventory items by id; undefined where there was nothing left to ask. */
  inventoryByIds(pull: PullKeys, errand: CallOptions): Promise<Batch<InventoryItem> | undefined>
  /** What Trackstar says of the connection itself. */
  connection(id: string, errand: CallOptions): Promise<SyncState>
}

/** Most pages of one batch or of the warehouses: a guard against a token that never ends. */
const maxPages = 20

const readers: { readonly [R in Resource]: RecordParser<Resources[R]> } = {
  products: createRecordParser(Product),
  inventory: createRecordParser(InventoryItem),
  warehouses: createRecordParser(Warehouse),
}

export function createTrackstarClient(upstream: CallUpstream): TrackstarClient {
  async function list<R extends Resource>(resource: R, filters: Filters, errand: CallOptions): Promise<ListedPage<R>> {
    const route = `/wms/${resource}`
    const answer = await upstream({ ...errand, route, request: () => get(withFilters(route, filters)) })
    return answer ? { ...readPage(resource, answer), date: sentAt(answer) } : { ...noRecords, date: undefined }
  }

  /** `first` and the pages after it. The filters go out with each: the token does not remember them. */
  async function allPages<R extends Resource>(
    resource: R,
    first: Page<Resources[R]>,
    filters: Filters,
    errand: CallOptions,
  ): Promise<Page<Resources[R]>> {
    const read = async (token: string | undefined) =>
      token === undefined ? first : list(resource, { ...filters, page_token: token }, errand)
    const pages: Page<Resources[R]>[] = []
    for await (const page of paginate(read, { route: `/wms/${resource}`, maxPages })) pages.push(page)
    return {
      records: pages.flatMap((page) => page.records),
      malformed: pages.flatMap((page) => page.malformed),
      nextToken: null,
    }
  }

  /** Asks for the keys that are there when the permit comes; `request` says how, `read` understands the answer. */
  async function batch<R>(
    route: string,
    pull: PullKeys,
    errand: CallOptions,
    request: (keys: readonly string[]) => string,
    read: (keys: readonly string[], answer: UpstreamAnswer) => Promise<Page<R>>,
  ): Promise<Batch<R> | undefined> {
    let asked: readonly string[] = []
    const answer = await upstream({
      ...errand,
      route,
      request: () => {
        asked = pull()
        return asked.length === 0 ? undefined : get(request(asked))
      },
    })
    return answer && { asked, ...(await read(asked, answer)) }
  }

  return {
    list,
    async warehouses(errand) {
      const answer = await upstream({
        ...errand,
        route: '/wms/warehouses',
        request: () => get('/wms/warehouses'),
      }).catch((error: unknown) => {
        if (isProblem(error, 'not_supported_by_integration')) return undefined
        throw error
      })
      if (answer === undefined || answer.status === 404) return []
      return (await allPages('warehouses', readPage('warehouses', answer), {}, errand)).records
    },
    productsBySku(pull, errand) {
      return batch(
        '/wms/products',
        pull,
        errand,
        (skus) => withFilters('/wms/products', skuFilters(skus)),
        (skus, answer) => allPages('products', readPage('products', answer), skuFilters(skus), errand),
      )
    },
    inventoryByIds(pull, errand) {
      return batch(
        '/wms/inventory',
        pull,
        errand,
        (ids) => (isAlone(ids) ? `/wms/inventory/${encode(ids[0])}` : withFilters('/wms/inventory', idFilters(ids))),
        async (ids, answer) =>
          isAlone(ids)
            ? readOne('inventory', answer)
            : allPages('inventory', readPage('inventory', answer), idFilters(ids), errand),
      )
    },
    async connection(id, errand) {
      const route = '/connections/{connection_id}'
      const request = { method: 'GET', path: `/connections/${encode(id)}`, organisationOnly: true } as const
      const answer = await upstream({ ...errand, route, request: () => request })
      const state = answer?.status === 200 ? parseSyncState(answer.body) : undefined
      if (state === undefined) throw invalidResponse(route, { path: '/data', message: 'must be a connection' })
      return state
    },
  }
}

const get = (path: string) => ({ method: 'GET', path }) as const
const noRecords = { records: [], malformed: [], nextToken: null }

/** Whether this is one key that cannot stand in a list, see {@link KeyList}. */
const isAlone = (keys: readonly string[]): keys is readonly [string] => keys.length === 1 && !!keys[0]?.includes(',')

const skuFilters = (skus: readonly string[]) => (isAlone(skus) ? { sku: skus[0] } : { 'sku[in]': skus.join(',') })
const idFilters = (ids: readonly string[]) => ({ 'ids[in]': ids.join(',') })

function readPage<R extends Resource>(resource: R, answer: UpstreamAnswer): Page<Resources[R]> {
  if (answer.status === 404) throw toProblem(answer)
  const page = readers[resource].parsePage(answer.body)
  if ('fault' in page) throw invalidResponse(`/wms/${resource}`, page.fault)
  return page
}

/** A read of one record, as a page of at most that one. */
function readOne<R extends Resource>(resource: R, answer: UpstreamAnswer): Page<Resources[R]> {
  if (answer.status === 404) return noRecords
  const result = readers[resource].parseRecord(answer.body)
  if ('fault' in result) throw invalidResponse(`/wms/${resource}/{id}`, result.fault)
  return { ...noRecords, records: [result.record] }
}
