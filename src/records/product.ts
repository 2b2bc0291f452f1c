import { type Static, Type } from 'typebox'
import { nullish } from '../schema.js'
import { recordSchema } from './record.js'

/**
 * One reference of a product to an inventory item. `unit_quantity` is how many units of the item one unit of the
 * product needs; null or absent is 1. It is deliberately of no fixed type: a value that is no number above zero is a
 * fault of this one reference, which the arithmetic sets aside and names, not of the whole product.
 */
export const ProductReference = Type.Object(
  {
    inventory_item_id: Type.String({ minLength: 1, description: 'The id of the inventory item' }),
    sku: nullish(Type.String({ description: 'The SKU of the component that the item serves as' })),
    unit_quantity: Type.Optional(
      Type.Unknown({ description: 'Units of the item that one unit of the product needs; null or absent is 1' }),
    ),
  },
  {
    title: 'ProductReference',
    description: 'One reference of a product to an inventory item',
    additionalProperties: true,
  },
)
export type ProductReference = Static<typeof ProductReference>

/** A product as Trackstar gives it (`/wms/products`). Many-to-many with inventory items; a kit lists its components. */
export const Product = recordSchema('Product', 'A product, as Trackstar gives it', {
  warehouse_customer_id: nullish(
    Type.String({ description: 'The merchant, where several share one warehouse system' }),
  ),
  name: nullish(Type.String({ description: 'Name of the product' })),
  sku: nullish(Type.String({ description: 'SKU of the product; several products may share it' })),
  gtin: nullish(Type.String({ description: 'GTIN of the product' })),
  unit_price: Type.Optional(Type.Unknown({ description: 'Price of a unit, a number or a decimal string' })),
  inventory_items: nullish(
    Type.Array(ProductReference, { description: 'The inventory items that it draws on; of a kit its components' }),
  ),
  is_kit: nullish(Type.Boolean({ description: 'Whether the product is assembled from components' })),
  active: nullish(Type.Boolean({ description: 'Whether the product is active' })),
})
export type Product = Static<typeof Product>
