import { type Static, Type } from 'typebox'
import { nullish } from '../schema.js'
import { isObject, objectsIn, type Raw } from './fields.js'
import { recordSchema } from './record.js'

const quantity = (description: string) => nullish(Type.Number({ description }))

const quantityFields = {
  onhand: quantity(
    'Units in the warehouse: committed + unfulfillable + fulfillable, unless substitute SKUs are involved',
  ),
  committed: quantity('Allocated to orders'),
  unfulfillable: quantity('Damaged, quarantined or otherwise held back'),
  fulfillable: quantity('Can be picked and shipped for orders; below zero when oversold'),
  sellable: quantity('Offered in sales channels'),
  awaiting: quantity('Expected to arrive'),
}

/** The quantities of an item, in all or in one warehouse. Usually integers; null, absent and fractional ones occur. */
export const ItemQuantities = Type.Object(quantityFields, {
  title: 'ItemQuantities',
  description: 'Quantities of an item; null or absent if Trackstar states none',
  additionalProperties: true,
})
export type ItemQuantities = Static<typeof ItemQuantities>

/** One lot of an item. `expiration_date` is a time or a plain date. */
export const Lot = Type.Object(
  {
    lot_id: nullish(Type.String({ description: 'Id of the lot' })),
    onhand: quantity('Units of the lot'),
    expiration_date: nullish(Type.String({ description: '`YYYY-MM-DD` or a time in UTC' })),
    warehouse_id: nullish(Type.String({ description: 'The warehouse of the lot' })),
  },
  { title: 'Lot', description: 'One lot of an item', additionalProperties: true },
)
export type Lot = Static<typeof Lot>

/** One location of an item in a warehouse. */
export const ItemLocation = Type.Object(
  {
    location_id: nullish(Type.String({ description: 'Id of the location' })),
    quantity: quantity('Units at the location'),
    warehouse_id: nullish(Type.String({ description: 'The warehouse of the location' })),
  },
  { title: 'ItemLocation', description: 'One location of an item', additionalProperties: true },
)
export type ItemLocation = Static<typeof ItemLocation>

/** The default key pattern of `Type.Record`, `^.*$`, skips the values of keys that contain a line break. */
const anyKey = Type.String({ pattern: '^' })

/**
 * An inventory item as Trackstar returns it (`/wms/inventory`). The keys of the breakdown are warehouse ids, which may be any
 * string, `constructor` included: look them up with `Object.hasOwn`.
 */
export const InventoryItem = recordSchema('InventoryItem', 'An inventory item, as Trackstar returns it', {
  warehouse_customer_id: nullish(Type.String({ description: 'The merchant, if several share one warehouse system' })),
  name: nullish(Type.String({ description: 'Name of the item' })),
  sku: nullish(Type.String({ description: 'SKU of the item; may differ from the SKU of the product' })),
  active: nullish(Type.Boolean({ description: 'Whether the item is active' })),
  ...quantityFields,
  substitute_skus: nullish(Type.Array(Type.Unknown(), { description: 'SKUs that can be shipped instead' })),
  inventory_by_warehouse_id: nullish(
    Type.Record(anyKey, Type.Union([ItemQuantities, Type.Null()]), {
      description: 'The same quantities for each warehouse, by warehouse id',
    }),
  ),
  lots: nullish(Type.Array(Lot, { description: 'Its lots' })),
  locations: nullish(Type.Array(ItemLocation, { description: 'Its locations' })),
})
/** An item with the documented types. */
export type DocumentedItem = Static<typeof InventoryItem>
/** An item as received, with fields of any type. */
export type InventoryItem = Raw<DocumentedItem>

/** The quantities of an item by warehouse id, as received; empty if there is no breakdown. An entry may be no object. */
export const breakdownOf = (item: InventoryItem): Readonly<Record<string, unknown>> =>
  isObject(item.inventory_by_warehouse_id) ? item.inventory_by_warehouse_id : {}

/** The lots of an item. */
export const lotsOf = (item: InventoryItem): readonly Raw<Lot>[] => objectsIn(item.lots)

/** The locations of an item. */
export const locationsOf = (item: InventoryItem): readonly Raw<ItemLocation>[] => objectsIn(item.locations)

/** Whether substitute SKUs are involved, so that the quantities of the item need not add up. */
export function hasSubstitutes({ substitute_skus: substitutes }: InventoryItem): boolean {
  if (typeof substitutes === 'object' && substitutes !== null) return Object.keys(substitutes).length > 0
  return Boolean(substitutes)
}
