import { type Static, type TSchema, type TSchemaOptions, Type } from 'typebox'

/**
 * `schema` or null, as one keyword (`type: ['string', 'null']`). The response serialiser writes that without running a
 * validator, which `anyOf` would need.
 */
export const nullable = <T extends TSchema & { type: string }>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, 'null'] })

/** A schema with an `$id`, or null. It is written out in place, because a reference cannot be null. */
export function nullableNoun<T extends TSchema & { type: string }>(noun: T) {
  const { $id: title, ...schema }: TSchema & { type: string; $id?: string } = noun
  return Type.Unsafe<Static<T> | null>({ ...nullable(schema), title })
}

/** `schema`, null or absent: Trackstar omits or nulls any descriptive field, depending on the integration. */
export const nullish = <T extends TSchema & { type: string }>(schema: T) => Type.Optional(nullable(schema))

/** One of these strings. */
export const enumOf = <const T extends string>(values: readonly T[], options: TSchemaOptions = {}) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], ...options })

/** A reference to the schema that the application knows by this `$id`; a named component in the OpenAPI document. */
export const ref = <T>($id: string) => Type.Unsafe<T>({ $ref: `${$id}#` })
