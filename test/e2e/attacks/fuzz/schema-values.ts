import fc, { type Arbitrary } from 'fast-check'
import type { Document } from '../../../openapi/document.js'

/** The part of a JSON schema that is used here. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/** Values that exist in the sandbox, by the name of a field or parameter. */
export type Known = Readonly<Record<string, readonly string[]>>

/** `good`, or `odd` once in `n`. */
export type Mix = <A, B>(n: number, good: Arbitrary<A>, odd: Arbitrary<B>) => Arbitrary<A | B>

/** What requests are generated from. */
export interface FuzzContext {
  readonly document: Document
  readonly known: Known
  readonly mostly: Mix
}

/** One of each. */
export const listed = <T>(items: readonly Arbitrary<T>[]): Arbitrary<T[]> => fc.tuple(...items)

/** Resolves a reference. */
export function schemaOf({ components }: Document, schema: Schema = {}): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (components.schemas[name] ?? {})
}

/** Values that match a schema, mostly ones that exist in the sandbox. `name` is the name of the field. */
export function validValue(document: Document, given: Schema | undefined, known: Known, name = ''): Arbitrary<unknown> {
  const schema = schemaOf(document, given)
  const { anyOf, enum: allowed, examples = [], minimum = -10, maximum = 1e6, minItems = 0, maxItems = 5 } = schema
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  const within = (part: Schema | undefined, of = name) => validValue(document, part, known, of)
  if (anyOf) return fc.oneof(...anyOf.map((part) => within(part)))
  if (allowed) return fc.constantFrom(...allowed)
  switch (type) {
    case 'string': {
      const own = [...examples, ...(known[name] ?? known[name.replace(/s$/, '')] ?? [])]
      const any = fc.string({ unit: 'grapheme', minLength: schema.minLength ?? 0, maxLength: 12 })
      return own.length === 0 ? any : fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...own) }, any)
    }
    case 'integer':
      return fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 50) }) },
        fc.constant(maximum),
      )
    case 'number':
      return fc.oneof(fc.constantFrom(minimum, maximum), fc.integer({ min: minimum, max: Math.min(maximum, 1000) }))
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(within(schema.items), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) })
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(
        ([field, part]) => [field, within(part, field)] as const,
      )
      return fc.record(Object.fromEntries(fields), {
        requiredKeys: [...(schema.required ?? [])],
        noNullPrototype: true,
      })
    }
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

/** The JSON text of `value` with one part, counted from the outside in, replaced. */
export function withPartReplaced(value: unknown, which: number, text: string): string {
  let parts = 0
  const count = (part: unknown): void => {
    parts++
    if (typeof part === 'object' && part !== null) Object.values(part).forEach(count)
  }
  count(value)
  let next = which % parts
  const write = (part: unknown): string => {
    if (next-- === 0) return text
    if (Array.isArray(part)) return `[${part.map(write).join()}]`
    if (typeof part !== 'object' || part === null) return JSON.stringify(part) ?? 'null'
    return `{${Object.entries(part)
      .map(([key, inner]) => `${JSON.stringify(key)}:${write(inner)}`)
      .join()}}`
  }
  return write(value)
}
