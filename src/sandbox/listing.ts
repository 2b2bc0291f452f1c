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
 * Returns one page of a store, in slot order. As upstream does, ignores every other filter when `ids` is given, even
 * malformed ones.
 *
 * The page token names only the slot to continue from, so the caller repeats the filters on each page. Records keep their
 * slots, so paging returns every record that exists and matches throughout exactly once.
 * @throws {ApiError} 422 for an invalid `limit`, `page_token` or filter
 */
export function listPage<R extends Storable>(
  store: RecordStore<R>,
  fields: FilterFields,
  query: URLSearchParams,
  tokens: PageTokens = new PageTokens(),
): ListBody<R> {
  const limit = parseLimit(query.get('limit'))
  const firstSlot = tokens.slotOf(query.get('page_token'))
  const ids = parseIds(query)
  const filters = ids ? [] : parseFilters(fields, query)
  const data: R[] = []
  for (const slot of candidateSlots(store, ids, filters, firstSlot)) {
    const record = store.at(slot)
    if (record === undefined || !filters.every((filter) => filter.matches(record))) continue
    if (data.length === limit) return { data, next_token: tokens.tokenOf(slot), total_count: limit }
    data.push(record)
  }
  return { data, next_token: null, total_count: data.length }
}

/** Narrows the slots to scan with the indexes of the store. */
function* candidateSlots<R extends Storable>(
  store: RecordStore<R>,
  ids: readonly string[] | undefined,
  filters: readonly Filter[],
  firstSlot: number,
): Generator<number> {
  const skuFilter = filters.find(({ field, operator }) => field === 'sku' && (operator === 'eq' || operator === 'in'))
  if (ids) yield* store.slotsOfIds(ids).filter((slot) => slot >= firstSlot)
  else if (skuFilter) yield* store.slotsOfSkus(skuFilter.values).filter((slot) => slot >= firstSlot)
  else for (let slot = firstSlot; slot < store.slots; slot++) yield slot
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

/** Determines how the values of a field are compared, and with which operators. */
type Kind = 'text' | 'time' | 'flag' | 'tags'

/** The fields that one list can be filtered by. */
export type FilterFields = ReadonlyMap<string, Kind>

const commonFields: [string, Kind][] = [
  ['trackstar_tags', 'tags'],
  ['created_date', 'time'],
  ['updated_date', 'time'],
  ['trackstar_created_date', 'time'],
  ['trackstar_updated_date', 'time'],
]

/** Filters of `/wms/warehouses`. */
export const warehouseFields: FilterFields = new Map(commonFields)
/** Filters of `/wms/products`. */
export const productFields: FilterFields = new Map([
  ...commonFields,
  ['sku', 'text'],
  ['warehouse_customer_id', 'text'],
])
/** Filters of `/wms/inventory`. */
export const inventoryFields: FilterFields = new Map([...productFields, ['active', 'flag']])

/** A parsed `field[op]=value`. */
export interface Filter {
  readonly field: string
  readonly operator: string
  /** The values as sent; a single one, except for `in` and `nin`. */
  readonly values: readonly string[]
  matches(record: object): boolean
}

const maxListed = 100
const isoTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/
const equality = ['eq', 'neq', 'in', 'nin']
const ordering = ['gt', 'gte', 'lt', 'lte']
const substring = ['contains', 'not_contains']
const operators: Record<Kind, ReadonlySet<string>> = {
  text: new Set([...equality, ...ordering, ...substring]),
  time: new Set([...equality, ...ordering]),
  flag: new Set(equality),
  tags: new Set([...equality, ...substring]),
}

type Comparable = string | number | undefined

/** Splits `field[op]` into field and operator. A bare field means `eq`. */
export function splitName(name: string): { field: string; operator: string } {
  const [, field = name, operator = 'eq'] = /^([^[\]]*)\[([^[\]]*)\]$/.exec(name) ?? []
  return { field, operator }
}

/** Splits a comma-separated list. Throws a 422 for more than 100 values. */
export function splitList(name: string, value: string): string[] {
  const values = value.split(',')
  if (values.length > maxListed) {
    throw new ApiError(422, `${name}: expected at most ${maxListed} values, but got: ${values.length}`)
  }
  return values
}

/**
 * Parses one filter of a list.
 * @throws {ApiError} 422 that names the field, for an unknown field or operator, more than 100 listed values, and a value
 * that is not a time or not a boolean
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
  const operand = values.map((value) => parseValue(kind, name, value))
  const listed = new Set<Comparable>(operand)
  const compare = comparison(operator, operand[0] as string | number)
  return (value: unknown): boolean => {
    const found = comparable(kind, value)
    if (operator === 'eq' || operator === 'in') return listed.has(found)
    if (operator === 'neq' || operator === 'nin') return !listed.has(found)
    if (operator === 'not_contains') return found === undefined || !compare(found)
    return found !== undefined && compare(found)
  }
}

function comparison(operator: string, operand: string | number): (found: string | number) => boolean {
  switch (operator) {
    case 'gt':
      return (found) => found > operand
    case 'gte':
      return (found) => found >= operand
    case 'lt':
      return (found) => found < operand
    case 'lte':
      return (found) => found <= operand
    default:
      return (found) => String(found).includes(String(operand))
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
  if (kind === 'text' && typeof value === 'number') return String(value)
  if (typeof value !== 'string') return undefined
  if (kind === 'text') return value
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

function tagTest(operator: string, values: readonly string[]) {
  const matchesTag = operator.endsWith('contains')
    ? (tag: string) => values.some((value) => tag.includes(value))
    : (tag: string) => values.includes(tag)
  const isPositive = operator === 'eq' || operator === 'in' || operator === 'contains'
  return (tags: unknown): boolean => tagNames(tags).some(matchesTag) === isPositive
}

/** A tag is a string or an object with one key; of an object, the key is compared. */
const tagNames = (tags: unknown): string[] =>
  Array.isArray(tags) ? tags.flatMap((tag: unknown) => (typeof tag === 'string' ? tag : Object.keys(Object(tag)))) : []

/** Page tokens. Each names the slot that a page starts at, and is valid until `expire` is called. */
export class PageTokens {
  #generation = 0

  /** Invalidates all tokens issued so far. */
  expire(): void {
    this.#generation++
  }

  /** The token of the page that starts at `slot`. */
  tokenOf(slot: number): string {
    return Buffer.from(`${this.#generation}:${slot}`).toString('base64url')
  }

  /** The slot that `token` names; 0 without one. Throws a 422 for an invalid or expired token. */
  slotOf(token: string | null): number {
    if (token === null) return 0
    const [, generation, slot] = /^(\d+):(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
    if (slot === undefined) throw new ApiError(422, 'page_token: expected the next_token of an earlier page')
    if (Number(generation) !== this.#generation) throw new ApiError(422, 'page_token: has expired')
    return Number(slot)
  }
}
