import { ApiError } from './api-error.js'
import type { RecordStore, Storable } from './record-store.js'

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

/** How the values of a field compare, and which operators it knows. */
type Kind = 'text' | 'time' | 'flag' | 'tags'

/** The fields that one list can be filtered by. */
export type FilterFields = ReadonlyMap<string, Kind>

const common: [string, Kind][] = [
  ['trackstar_tags', 'tags'],
  ['created_date', 'time'],
  ['updated_date', 'time'],
  ['trackstar_created_date', 'time'],
  ['trackstar_updated_date', 'time'],
]

/** What `/wms/warehouses` filters by. */
export const warehouseFields: FilterFields = new Map(common)
/** What `/wms/products` filters by. */
export const productFields: FilterFields = new Map([...common, ['sku', 'text'], ['warehouse_customer_id', 'text']])
/** What `/wms/inventory` filters by. */
export const inventoryFields: FilterFields = new Map([...productFields, ['active', 'flag']])

/** A parsed `field[op]=value`. */
export interface Filter {
  readonly field: string
  readonly operator: string
  /** The wanted values as they were sent; one, except for `in` and `nin`. */
  readonly values: readonly string[]
  matches(record: object): boolean
}

const maxListed = 100
const isoTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/
const equality = ['eq', 'neq', 'in', 'nin']
const order = ['gt', 'gte', 'lt', 'lte']
const parts = ['contains', 'not_contains']
const operators: Record<Kind, ReadonlySet<string>> = {
  text: new Set([...equality, ...order, ...parts]),
  time: new Set([...equality, ...order]),
  flag: new Set(equality),
  tags: new Set([...equality, ...parts]),
}

type Comparable = string | number | undefined

/** Splits `field[op]` into its two halves; a bare field means `eq`. */
export function splitName(name: string): { field: string; operator: string } {
  const [, field = name, operator = 'eq'] = /^([^[\]]*)\[([^[\]]*)\]$/.exec(name) ?? []
  return { field, operator }
}

/** Splits a comma-separated list. Refuses more than 100 values with a 422. */
export function splitList(name: string, value: string): string[] {
  const values = value.split(',')
  if (values.length > maxListed) {
    throw new ApiError(422, `${name}: expected at most ${maxListed} values, but got: ${values.length}`)
  }
  return values
}

/**
 * Parses one filter of a list. Refuses with a 422 that names it: a field that the list cannot be filtered by, an
 * operator that the field does not know, more than 100 listed values, and a value that is no time or no boolean.
 */
export function parseFilter(fields: FilterFields, name: string, value: string): Filter {
  const { field, operator } = splitName(name)
  const kind = fields.get(field)
  if (kind === undefined) throw new ApiError(422, `Unknown filter field: ${field}`)
  if (!operators[kind].has(operator)) throw new ApiError(422, `Unknown operator for ${field}: ${operator}`)
  const values = operator === 'in' || operator === 'nin' ? splitList(name, value) : [value]
  const test = kind === 'tags' ? tagTest(operator, values) : valueTest(kind, name, operator, values)
  return { field, operator, values, matches: (record) => test(Reflect.get(record, field)) }
}

function valueTest(kind: Exclude<Kind, 'tags'>, name: string, operator: string, values: readonly string[]) {
  const wanted = values.map((value) => parseValue(kind, name, value))
  const listed = new Set<Comparable>(wanted)
  const compare = comparison(operator, wanted[0] as string | number)
  return (value: unknown): boolean => {
    const found = comparable(kind, value)
    if (operator === 'eq' || operator === 'in') return listed.has(found)
    if (operator === 'neq' || operator === 'nin') return !listed.has(found)
    if (operator === 'not_contains') return found === undefined || !compare(found)
    return found !== undefined && compare(found)
  }
}

function comparison(operator: string, wanted: string | number): (found: string | number) => boolean {
  switch (operator) {
    case 'gt':
      return (found) => found > wanted
    case 'gte':
      return (found) => found >= wanted
    case 'lt':
      return (found) => found < wanted
    case 'lte':
      return (found) => found <= wanted
    default:
      return (found) => String(found).includes(String(wanted))
  }
}

function parseValue(kind: Kind, name: string, value: string): string | number {
  if (kind === 'text') return value
  if (kind === 'flag') {
    if (value !== 'true' && value !== 'false') {
      throw new ApiError(422, `${name}: expected true or false, but got: ${value}`)
    }
    return Number(value === 'true')
  }
  const time = isoTime.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) throw new ApiError(422, `${name}: expected an ISO 8601 time, but got: ${value}`)
  return time
}

function comparable(kind: Kind, value: unknown): Comparable {
  if (kind === 'flag') return typeof value === 'boolean' ? Number(value) : undefined
  if (typeof value !== 'string') return undefined
  if (kind === 'text') return value
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

function tagTest(operator: string, values: readonly string[]) {
  const holds = operator.endsWith('contains')
    ? (tag: string) => values.some((value) => tag.includes(value))
    : (tag: string) => values.includes(tag)
  const wanted = operator === 'eq' || operator === 'in' || operator === 'contains'
  return (tags: unknown): boolean => tagTexts(tags).some(holds) === wanted
}

/** A tag is a string or an object of one key; the key is what is compared then. */
const tagTexts = (tags: unknown): string[] =>
  Array.isArray(tags) ? tags.flatMap((tag: unknown) => (typeof tag === 'string' ? tag : Object.keys(Object(tag)))) : []

/** The tokens that pages are walked by. Each is good until they are made to expire. */
export class PageTokens {
  #generation = 0

  /** Makes every token that was given so far be refused. */
  expire(): void {
    this.#generation++
  }

  /** The token of the page that goes on from a slot. */
  tokenOf(slot: number): string {
    return Buffer.from(`${this.#generation}:${slot}`).toString('base64url')
  }

  /** Where a token goes on from; 0 where there is none. Refuses one that was never given, or has expired, with a 422. */
  slotOf(token: string | null): number {
    if (token === null) return 0
    const [, generation, slot] = /^(\d+):(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
    if (slot === undefined) throw new ApiError(422, 'page_token: expected the next_token of an earlier page')
    if (Number(generation) !== this.#generation) throw new ApiError(422, 'page_token: has expired')
    return Number(slot)
  }
}
