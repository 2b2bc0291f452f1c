import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { nullish } from '../schema.js'

/** A time as upstream writes it: ISO 8601 UTC, `YYYY-MM-DDTHH:MM:SSZ` or, for some lots, `YYYY-MM-DD`. Not checked. */
const timestamp = (description: string) => nullish(Type.String({ description }))

/** What every upstream record carries beside its own fields. `id` alone is certain. */
const recordFields = {
  id: Type.String({ minLength: 1, description: "Trackstar's id of the record" }),
  created_date: timestamp('When the source system made the record'),
  updated_date: timestamp('When the source system last changed the record'),
  trackstar_created_date: timestamp('When Trackstar first copied the record'),
  trackstar_updated_date: timestamp("When Trackstar's copy of the record last changed"),
  trackstar_tags: nullish(Type.Array(Type.Unknown(), { description: 'Tags: strings or objects of one key' })),
}

/** The schema of one kind of upstream record. Fields that it does not name pass through untouched. */
export const recordSchema = <P extends TProperties>($id: string, description: string, fields: P) =>
  Type.Object({ ...recordFields, ...fields }, { $id, description, additionalProperties: true })

/** Any record schema: what the reading of pages needs to know of one. */
export type RecordSchema = TObject<typeof recordFields>

/** The envelope of upstream's lists. The records are checked one by one, so that a malformed one never costs a page. */
const Envelope = Type.Object(
  {
    data: Type.Array(Type.Unknown()),
    next_token: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: true },
)
const envelope = Compile(Envelope)

/** What is wrong with an answer: where (a JSON pointer into it) and why. Never a value, which may be anybody's data. */
export interface RecordFault {
  readonly path: string
  readonly message: string
}

/** A record that was left out of a page, with what could still be read of its identity. */
export interface MalformedRecord extends RecordFault {
  readonly id: string | undefined
  readonly sku: string | undefined
}

/** One page of upstream's list: the sound records, the ones left out, and the token of the next page, if any. */
export interface Page<R> {
  readonly records: readonly R[]
  readonly malformed: readonly MalformedRecord[]
  readonly nextToken: string | null
}

/** Reads bodies of one kind of record. `page` and `one` give a {@link RecordFault} where the body cannot be what it claims. */
export interface RecordParser<R> {
  parsePage(body: unknown): Page<R> | { readonly fault: RecordFault }
  parseRecord(body: unknown): { readonly record: R } | { readonly fault: RecordFault }
}

/** A reader for the records of `schema`; compiled once, at start. */
export function createRecordParser<S extends RecordSchema>(schema: S): RecordParser<Static<S>> {
  const check = Compile(schema)
  const read = (value: unknown, at: string): { record: Static<S> } | { fault: RecordFault } =>
    check.Check(value) ? { record: value } : { fault: firstFault(check, value, at) }
  return {
    parseRecord(body) {
      return isObject(body) ? read(body.data, '/data') : { fault: { path: '', message: 'must be object' } }
    },
    parsePage(body) {
      if (!envelope.Check(body)) return { fault: firstFault(envelope, body, '') }
      const records: Static<S>[] = []
      const malformed: MalformedRecord[] = []
      body.data.forEach((value, index) => {
        const result = read(value, `/data/${index}`)
        if ('record' in result) records.push(result.record)
        else malformed.push({ ...result.fault, id: stringField(value, 'id'), sku: stringField(value, 'sku') })
      })
      return { records, malformed, nextToken: body.next_token || null }
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the validator's own generics; only `Errors` is used
function firstFault(check: Pick<Validator<any, any>, 'Errors'>, value: unknown, at: string): RecordFault {
  const first = check.Errors(value)[0]
  return { path: `${at}${first?.instancePath ?? ''}`, message: first?.message ?? 'is not what it claims to be' }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const stringField = (value: unknown, field: string): string | undefined => {
  const found = isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined
  return typeof found === 'string' ? found : undefined
}
