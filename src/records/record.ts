import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { nullish } from '../schema.js'

/** A time as upstream writes it: ISO 8601 UTC, `YYYY-MM-DDTHH:MM:SSZ` or, for some lots, `YYYY-MM-DD`. Not validated. */
const timestamp = (description: string) => nullish(Type.String({ description }))

/** The fields that every upstream record has. Only `id` is required. */
const recordFields = {
  id: Type.String({ minLength: 1, description: "Trackstar's id of the record" }),
  created_date: timestamp('When the source system made the record'),
  updated_date: timestamp('When the source system last changed the record'),
  trackstar_created_date: timestamp('When Trackstar first copied the record'),
  trackstar_updated_date: timestamp("When Trackstar's copy of the record last changed"),
  trackstar_tags: nullish(Type.Array(Type.Unknown(), { description: 'Tags: strings or objects of one key' })),
}

/** The schema of one kind of upstream record. Fields that it does not name pass through unchanged. */
export const recordSchema = <P extends TProperties>($id: string, description: string, fields: P) =>
  Type.Object({ ...recordFields, ...fields }, { $id, description, additionalProperties: true })

/** Any record schema. */
export type RecordSchema = TObject<typeof recordFields>

/** The envelope of an upstream list. Records are validated one by one, so that a malformed one never fails the page. */
const Envelope = Type.Object(
  {
    data: Type.Array(Type.Unknown()),
    next_token: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: true },
)
const envelope = Compile(Envelope)

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
  readonly malformed: readonly MalformedRecord[]
  readonly nextToken: string | null
}

/** Parses response bodies with one kind of record. Returns a {@link RecordFault} for an invalid body. */
export interface RecordParser<R> {
  parsePage(body: unknown): Page<R> | { readonly fault: RecordFault }
  parseRecord(body: unknown): { readonly record: R } | { readonly fault: RecordFault }
}

/** Creates a parser for the records of `schema`. Compiles the schema: call it once, at start. */
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
  return { path: `${at}${first?.instancePath ?? ''}`, message: first?.message ?? 'is invalid' }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const stringField = (value: unknown, field: string): string | undefined => {
  const found = isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined
  return typeof found === 'string' ? found : undefined
}
