import { ApiError } from './refusal.js'

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
