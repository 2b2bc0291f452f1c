import type { CatalogView } from '../../src/events/stock-index.js'
import { idOf, skuOf } from '../../src/records/fields.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import { type Product, referencedItemId, referencesOf } from '../../src/records/product.js'

/** A whole catalog that tests can change. */
export interface TestView extends CatalogView {
  readonly products: Map<string, Product>
  readonly items: Map<string, InventoryItem>
  product: (id: string) => Product | undefined
}

export function viewOf(products: readonly Product[], items: readonly InventoryItem[]): TestView {
  const byId = new Map(products.map((product) => [idOf(product), product]))
  const itemsById = new Map(items.map((item) => [idOf(item), item]))
  return {
    products: byId,
    items: itemsById,
    product: (id) => byId.get(id),
    item: (id) => itemsById.get(id),
    findProducts(sku) {
      const found = Array.from(byId.values()).filter((product) => skuOf(product) === sku)
      return { value: found.length === 0 ? undefined : found }
    },
    warehouses: () => new Map(),
    productIds: () => byId.keys(),
    productIdsOfItem: (id) =>
      Array.from(byId.values())
        .filter((product) => referencesOf(product).some((reference) => referencedItemId(reference) === id))
        .map(idOf),
  }
}

/** A plain product of one item with the same id. */
export const simple = (id: string, fields: Partial<Product> = {}): Product => ({
  id,
  sku: id.toUpperCase(),
  inventory_items: [{ inventory_item_id: id }],
  ...fields,
})

/** The parts of an event that do not matter to a test. */
export const change = (sku: string, available = 1) => ({
  productId: `prod ${sku}`,
  sku,
  name: null,
  warehouseCustomerId: null,
  available,
  quantities: {
    onhand: available,
    committed: null,
    unfulfillable: null,
    fulfillable: available,
    sellable: available,
    awaiting: null,
  },
  previousAvailable: null,
})
