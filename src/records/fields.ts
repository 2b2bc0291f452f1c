/**
 * Trackstar's records are kept as received, and any field of them may have any type, depending on the integration. These
 * functions are the only way to read one: they say what a value of an unexpected type counts as.
 */

/** An object of any kind whose fields may have any type. `T` documents which fields to expect. */
export type Raw<T> = { readonly [K in keyof T]: unknown }

/** Whether a value is an object with fields: neither null nor an array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The elements of a list that are objects; none if the value is no list. */
export const objectsIn = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : []

/** An id or a SKU: a string that is not empty, or a finite number, which is its decimal text. Null for any other value. */
export function keyOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  return typeof value === 'number' && Number.isFinite(value) ? decimalText(value) : null
}

/** The id of a record. A parsed record always has one. */
export const idOf = (record: { readonly id: unknown }): string => keyOf(record.id) ?? ''

/** The SKU of a product, an item or a reference; null if it has none. */
export const skuOf = (record: { readonly sku?: unknown }): string | null => keyOf(record.sku)

/** The id of the merchant that owns a product or an item; null if it says none. */
export const merchantOf = (record: { readonly warehouse_customer_id?: unknown }): string | null =>
  keyOf(record.warehouse_customer_id)

/** A descriptive field as text: a string as it is, any other scalar as text. Null for null, lists and objects. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'boolean' ? String(value) : keyOf(value)
}

/** A boolean; null, which means unstated, for any other value. */
export const flagOf = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null)

const decimal = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee][+-]?\d+)?\s*$/

/**
 * A quantity: a finite number, or the number that a string states in decimal digits, with or without a sign, a fraction, an
 * exponent and surrounding space. Null, which means unstated, for any other value. Never -0.
 */
export function quantityOf(value: unknown): number | null {
  const number = typeof value === 'string' && decimal.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number + 0 : null
}

/** All digits, where `String` would use an exponent for an integer. */
const decimalText = (value: number): string => (Number.isInteger(value) ? BigInt(value).toString() : String(value))

/**
 * Whether two parsed JSON values are equal, whatever the order of their fields. Several times faster than
 * `isDeepStrictEqual`, which also compares prototypes and what JSON does not have.
 */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const fields = Object.keys(a)
  if (fields.length !== Object.keys(b).length) return false
  for (const field of fields) {
    if (!Object.hasOwn(b, field)) return false
    if (!isSameJson((a as Record<string, unknown>)[field], (b as Record<string, unknown>)[field])) return false
  }
  return true
}
