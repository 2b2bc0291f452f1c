import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parse } from 'yaml'

interface Reference {
  readonly $ref?: string
}
/** A value that an example names, in the document itself or among its components. */
export interface Example extends Reference {
  readonly value?: unknown
}
export interface Content {
  readonly schema: object
  readonly examples?: Readonly<Record<string, Example>>
}
export interface Header extends Reference {
  readonly schema?: { readonly examples?: readonly unknown[] }
}
export interface Parameter extends Reference {
  readonly name: string
  readonly schema: object
  readonly example?: unknown
}
export interface Response extends Reference {
  readonly headers: Readonly<Record<string, Header>>
  readonly content: Readonly<Record<string, Content>>
}
export interface Operation {
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, Response>>
}

const file = join(import.meta.dirname, '..', '..', '..', 'openapi', 'trackstar.yaml')

/** What we rely on upstream: `openapi/trackstar.yaml`. */
export const trackstarDocument: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
} = parse(readFileSync(file, 'utf8'))

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(trackstarDocument, 'trackstar.yaml')

/** A part of the document, or what it refers to. */
export function resolved<T extends Reference>(part: T): T {
  if (part.$ref === undefined) return part
  let found: unknown = trackstarDocument
  for (const name of part.$ref.split('/').slice(1)) found = (found as Record<string, unknown>)[name]
  return found as T
}

const validators = new Map<object, ValidateFunction>()

/** A schema that finds what it refers to from outside the document, too. */
const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"trackstar.yaml#/components'))

/** What is wrong with `value` by `schema`, a part of the document; null if nothing is. */
export function faultsOf(schema: object, value: unknown): string | null {
  const validate = validators.get(schema) ?? ajv.compile(absolute(schema))
  validators.set(schema, validate)
  return validate(value) ? null : JSON.stringify(validate.errors)
}
