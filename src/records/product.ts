import { type Static, Type } from 'typebox'
import { nullish } from '../schema.js'
import { recordSchema } from './record.js'

/**
 * A product's reference to an inventory item. `unit_quantity` is the number of units of the item that one unit of the product
 * needs; null or absent means 1. It accepts any type: an invalid value affects only this reference, which stock arithmetic
 * ignores and reports, and not the whole product.
 */
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
export type Product = Static<typeof Product>
