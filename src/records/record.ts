import { type TProperties, Type } from 'typebox'
import { nullish } from '../schema.js'
import { idOf, isObject, keyOf } from './fields.js'

/** A time as Trackstar writes it: ISO 8601 UTC, `YYYY-MM-DDTHH:MM:SSZ` or, for some lots, `YYYY-MM-DD`. */
const timestamp = (description: string) => nullish(Type.String({ description }))

/** The fields that every upstream record has. */
const recordFields = {
  id: Type.String({ minLength: 1, description: "Trackstar's id of the record" }),
  created_date: timestamp('When the source system made the record'),
  updated_date: timestamp('When the source system last changed the record'),
  trackstar_created_date: timestamp('When Trackstar first copied the record'),
  trackstar_updated_date: timestamp("When Trackstar's copy of the record last changed"),
  trackstar_tags: nullish(Type.Array(Type.Unknown(), { description: 'Tags: strings or objects of one key' })),
}

/**
 * The schema of one kind of upstream record. It documents the fields as Trackstar does. Nothing is validated by it: fields of
 * other types occur, and are read by `fields.ts`.
 */
export const recordSchema = <P extends TProperties>($id: string, description: string, fields: P) =>
  Type.Object(
    { ...recordFields, ...fields },
    {
      $id,
      description: `${description}. Fields pass through unchanged: any of them may be missing or have another type`,
      additionalProperties: true,
    },
  )

/** Why a body is invalid: a JSON pointer and a message. Never a value, which may be personal data. */
export interface RecordFault {
  readonly path: string
  readonly message: string
}

/** A record that was omitted from a page, with its id and SKU if they are readable. */
export interface MalformedRecord extends RecordFault {
  readonly id: string | undefined
  readonly sku: string | undefined
}

/** One page of an upstream list: the valid records, the malformed ones, and the token of the next page, if any. */
export interface Page<R> {
  readonly records: readonly R[]
  /** The size of each record as JSON, in bytes, if it is known. */
  readonly bytes?: readonly number[] | undefined
  readonly malformed: readonly MalformedRecord[]
  readonly nextToken: string | null
}

/** The ids of all records of a page, as far as they are readable. */
export const idsIn = ({ records, malformed }: Pick<Page<Identified>, 'records' | 'malformed'>): string[] => [
  ...records.map(idOf),
  ...malformed.flatMap(({ id }) => id ?? []),
]

/** What every record has. */
interface Identified {
  readonly id: unknown
}

/** What is known of the body of a page before it is parsed. */
export interface PageText {
  /** Whether the body nests too deeply for one of its records. Default: true, so that each record is checked. */
  readonly isDeep?: boolean | undefined
  /** The size of each element of `data` as JSON, in bytes. */
  readonly dataBytes?: readonly number[] | undefined
}

/** Parses one page of a list of `R`. A malformed record is omitted and never fails the page. */
export function parsePage<R extends Identified>(
  body: unknown,
  { isDeep = true, dataBytes }: PageText = {},
): Page<R> | { readonly fault: RecordFault } {
  if (!isObject(body)) return { fault: { path: '', message: 'must be object' } }
  const { data, next_token: nextToken = null } = body
  if (!Array.isArray(data)) return { fault: { path: '/data', message: 'must be array' } }
  if (nextToken !== null && typeof nextToken !== 'string') {
    return { fault: { path: '/next_token', message: 'must be string or null' } }
  }
  const records: R[] = []
  const malformed: MalformedRecord[] = []
  const bytes: number[] = []
  for (const [index, value] of data.entries()) {
    const fault = faultOf(value, `/data/${index}`, isDeep)
    if (fault === undefined) {
      records.push(value as R)
      bytes.push(dataBytes?.[index] ?? 0)
    } else malformed.push({ ...fault, ...keysOf(value) })
  }
  return { records, malformed, nextToken: nextToken || null, ...(dataBytes && { bytes }) }
}

/** Parses a body whose `data` is one record of the kind `R`. */
export function parseRecord<R extends Identified>(
  body: unknown,
): { readonly record: R } | { readonly fault: RecordFault } {
  if (!isObject(body)) return { fault: { path: '', message: 'must be object' } }
  const fault = faultOf(body['data'], '/data')
  return fault === undefined ? { record: body['data'] as R } : { fault }
}

/** Levels of objects and lists that a record may nest. Serialising one that nests some thousands would overflow the stack. */
const maxDepth = 100

/** A record is malformed only if nothing can be done with it: it is no object, has no id, or is nested too deeply. */
function faultOf(value: unknown, path: string, isDeep = true): RecordFault | undefined {
  if (!isObject(value)) return { path, message: 'must be object' }
  if (keyOf(value['id']) === null)
    return { path: `${path}/id`, message: 'must be a string that is not empty, or a number' }
  if (isDeep && isDeeper(value, maxDepth))
    return { path, message: `must not have more than ${maxDepth} levels of nesting` }
  return undefined
}

/** Whether a value nests more than `levels` objects and lists. Recursion ends there. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((element) => isDeeper(element, levels - 1))
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

const keysOf = (value: unknown) => ({
  id: (isObject(value) && keyOf(value['id'])) || undefined,
  sku: (isObject(value) && keyOf(value['sku'])) || undefined,
})

/** A record that did not come from a read, but in a webhook or in the reply to a write. */
type Received = Readonly<Record<string, unknown>>

/** The fields that a record of each kind has at least: all fields of one of the groups. */
const essentials = {
  product: [['inventory_items']],
  item: [['fulfillable'], ['onhand', 'committed', 'unfulfillable'], ['inventory_by_warehouse_id']],
  warehouse: [['name'], ['code'], ['address']],
} as const

/** Nested objects are compared down to this level: quantities by warehouse, and fields that integrations add. */
const maxLevels = 3

/**
 * Whether a record is only a part of what upstream has, so that it must not replace a whole one: it lacks what every record
 * of its kind has, or a field that the known copy has. A field that is null is there.
 */
export function isPartial(kind: keyof typeof essentials, record: object, known: object | undefined): boolean {
  const isWhole = essentials[kind].some((fields) => fields.every((field) => Object.hasOwn(record, field)))
  return !isWhole || (known !== undefined && lacksField(record as Received, known as Received, maxLevels))
}

function lacksField(record: Received, known: Received, levels: number): boolean {
  return Object.entries(known).some(([field, value]) => {
    if (!Object.hasOwn(record, field)) return true
    const received = record[field]
    return levels > 1 && isObject(value) && isObject(received) && lacksField(received, value, levels - 1)
  })
}
