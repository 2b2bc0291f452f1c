import { isObject } from './fields.js'

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
