import { type Static, Type } from 'typebox'
import { nullish } from '../schema.js'
import { isObject, keyOf, quantityOf, type Raw } from './fields.js'
import { recordSchema } from './record.js'

/** A product's reference to an inventory item. */
export const ProductReference = Type.Object(
  {
    inventory_item_id: Type.String({ minLength: 1, description: 'The id of the inventory item' }),
    sku: nullish(Type.String({ description: 'SKU of the component' })),
    unit_quantity: Type.Optional(
      Type.Unknown({ description: 'Units of the item per unit of the product; null or absent means 1' }),
    ),
  },
  {
    title: 'ProductReference',
    description: 'A reference of a product to an inventory item',
    additionalProperties: true,
  },
)
export type ProductReference = Static<typeof ProductReference>

/** A product as Trackstar returns it (`/wms/products`). Many-to-many with inventory items; a kit lists its components. */
export const Product = recordSchema('Product', 'A product, as Trackstar returns it', {
  warehouse_customer_id: nullish(Type.String({ description: 'The merchant, if several share one warehouse system' })),
  name: nullish(Type.String({ description: 'Name of the product' })),
  sku: nullish(Type.String({ description: 'SKU of the product; several products may share it' })),
  gtin: nullish(Type.String({ description: 'GTIN of the product' })),
  unit_price: Type.Optional(Type.Unknown({ description: 'Price of a unit, a number or a decimal string' })),
  inventory_items: nullish(
    Type.Array(ProductReference, { description: 'The inventory items of the product; the components of a kit' }),
  ),
  is_kit: nullish(Type.Boolean({ description: 'Whether the product is assembled from components' })),
  active: nullish(Type.Boolean({ description: 'Whether the product is active' })),
})
/** A product with the documented types. */
export type DocumentedProduct = Static<typeof Product>
/** A product as received, with fields of any type. */
export type Product = Raw<DocumentedProduct>

/** The references of a product as received; none if `inventory_items` is no list. */
export const referencesOf = (product: Product): readonly unknown[] =>
  Array.isArray(product.inventory_items) ? product.inventory_items : []

/** The id of the item that a reference names; null if it names none. */
export const referencedItemId = (reference: unknown): string | null =>
  isObject(reference) ? keyOf(reference['inventory_item_id']) : null

/** The number of units of the item that one unit of the product needs: 1 if unstated, null if it is not a number above zero. */
export function unitsOf({ unit_quantity: units }: { readonly unit_quantity?: unknown }): number | null {
  if (units === undefined || units === null) return 1
  const quantity = quantityOf(units)
  return quantity !== null && quantity > 0 ? quantity : null
}
