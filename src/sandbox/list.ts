import { type Filter, type FilterFields, parseFilter, splitList, splitName } from './filters.js'
import { PageTokens } from './page-tokens.js'
import type { RecordStore, Storable } from './record-store.js'
import { ApiError } from './refusal.js'

const maxLimit = 1000

/** The body of a list. `total_count` counts this page alone, as upstream's does. */
export interface ListBody<R> {
  readonly data: readonly R[]
  readonly next_token: string | null
  readonly total_count: number
}

/**
 * One page of a store, in the order of its records. `ids` makes every other filter be ignored, badly made ones
 * included. Refuses a bad `limit`, `page_token` or filter with a 422.
 *
 * The token names the place to go on from and nothing else: a caller repeats the filters on each page. A record keeps
 * its place while it changes, so a walk meets each record once that is there all the while and fits all the while.
 */
export function listPage<R extends Storable>(
  store: RecordStore<R>,
  fields: FilterFields,
  query: URLSearchParams,
  tokens: PageTokens = new PageTokens(),
): ListBody<R> {
  const limit = parseLimit(query.get('limit'))
  const from = tokens.slotOf(query.get('page_token'))
  const ids = parseIds(query)
  const filters = ids ? [] : parseFilters(fields, query)
  const data: R[] = []
  for (const slot of candidates(store, ids, filters, from)) {
    const record = store.at(slot)
    if (record === undefined || !filters.every((filter) => filter.matches(record))) continue
    if (data.length === limit) return { data, next_token: tokens.tokenOf(slot), total_count: limit }
    data.push(record)
  }
  return { data, next_token: null, total_count: data.length }
}

function* candidates<R extends Storable>(
  store: RecordStore<R>,
  ids: readonly string[] | undefined,
  filters: readonly Filter[],
  from: number,
): Generator<number> {
  const bySku = filters.find(({ field, operator }) => field === 'sku' && (operator === 'eq' || operator === 'in'))
  if (ids) yield* store.slotsOfIds(ids).filter((slot) => slot >= from)
  else if (bySku) yield* store.slotsOfSkus(bySku.values).filter((slot) => slot >= from)
  else for (let slot = from; slot < store.slots; slot++) yield slot
}

function parseIds(query: URLSearchParams): string[] | undefined {
  for (const [name, value] of query) {
    const { field, operator } = splitName(name)
    if (field !== 'ids') continue
    if (name !== 'ids' && operator !== 'in') throw new ApiError(422, `Unknown operator for ids: ${operator}`)
    return splitList(name, value)
  }
  return undefined
}

function parseFilters(fields: FilterFields, query: URLSearchParams): Filter[] {
  return Array.from(query)
    .filter(([name]) => name !== 'limit' && name !== 'page_token')
    .map(([name, value]) => parseFilter(fields, name, value))
}

function parseLimit(value: string | null): number {
  if (value === null) return maxLimit
  const limit = /^\d+$/.test(value) ? Number(value) : 0
  if (limit < 1 || limit > maxLimit) {
    throw new ApiError(422, `limit: expected an integer from 1 to ${maxLimit}, but got: ${value}`)
  }
  return limit
}
