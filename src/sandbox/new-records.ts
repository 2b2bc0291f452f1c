import type { DocumentedItem as InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import type { DocumentedProduct as Product, ProductReference } from '../records/product.js'
import type { DocumentedWarehouse as Warehouse } from '../records/warehouse.js'

/** The merchant of a new record by default. */
export const firstMerchant = 'cust_aurora'
/** The other merchant in the same warehouse system. */
export const secondMerchant = 'cust_borealis'

const dates = {
  created_date: '2025-02-10T07:30:00Z',
  updated_date: '2025-10-20T06:15:00Z',
  trackstar_created_date: '2025-02-11T01:00:00Z',
  trackstar_updated_date: '2025-10-20T07:00:00Z',
}

// Fields that upstream documents and the service does not read. Functions, so that records do not share arrays.
const recordDetails = () => ({ external_system_url: null, trackstar_tags: [], additional_fields: {} })
const itemDetails = () => ({
  ...recordDetails(),
  unit_cost: null,
  measurements: { length: 20, width: 15, height: 10, unit: 'cm', weight: 250, weight_unit: 'g' },
})
const productDetails = () => ({
  ...recordDetails(),
  supplier: null,
  supplier_object: null,
  country_of_origin: null,
  harmonized_code: null,
  supplier_products: [],
})

/** Consistent quantities: the units on hand that are neither committed nor unfulfillable are fulfillable and sellable. */
export function counts(onhand: number, committed = 0, unfulfillable = 0, awaiting = 0): ItemQuantities {
  const fulfillable = onhand - committed - unfulfillable
  const sellable = Math.max(0, fulfillable)
  return Object.assign({ onhand, committed, unfulfillable, fulfillable, sellable, awaiting }, { unsellable: 0 })
}

/**
 * An inventory item with the given quantities in each warehouse, and their sums as totals. `overrides` replaces any field,
 * for records that are inconsistent on purpose.
 */
export function newItem(
  id: string,
  sku: string,
  name: string,
  breakdown: readonly (readonly [warehouseId: string, ItemQuantities])[],
  overrides: Partial<InventoryItem> = {},
): InventoryItem {
  // Without a prototype, `__proto__` is an ordinary warehouse id.
  const byWarehouseId: Record<string, ItemQuantities> = Object.create(null)
  for (const [warehouseId, quantities] of breakdown) byWarehouseId[warehouseId] = quantities
  const sum = (field: 'onhand' | 'committed' | 'unfulfillable' | 'fulfillable' | 'awaiting') =>
    breakdown.reduce((total, [, quantities]) => total + (quantities[field] ?? 0), 0)
  return {
    id,
    warehouse_customer_id: firstMerchant,
    name,
    sku,
    ...itemDetails(),
    active: true,
    ...counts(sum('onhand'), sum('committed'), sum('unfulfillable'), sum('awaiting')),
    substitute_skus: [],
    inventory_by_warehouse_id: byWarehouseId,
    lots: [],
    locations: [],
    ...dates,
    ...overrides,
  }
}

/** A product's reference to an inventory item. `unit_quantity` is the number of units in one unit of the product. */
export const needs = (inventory_item_id: string, sku: string, unit_quantity: unknown = 1): ProductReference => ({
  inventory_item_id,
  sku,
  unit_quantity,
})

/** A product made of the given items. For a kit, set `is_kit` in `overrides`. */
export function newProduct(
  id: string,
  sku: string,
  name: string,
  inventory_items: ProductReference[],
  overrides: Partial<Product> = {},
): Product {
  return {
    id,
    warehouse_customer_id: firstMerchant,
    name,
    sku,
    gtin: null,
    unit_price: '12.50',
    inventory_items,
    is_kit: false,
    active: true,
    ...productDetails(),
    ...dates,
    ...overrides,
  }
}

/** A warehouse; its address has only a city. */
export const newWarehouse = (id: string, name: string | null, code: string | null, city: string): Warehouse => ({
  id,
  name,
  code,
  address: { address1: 'Quay 1', address2: null, address3: null, city, state: null, postal_code: null, country: null },
  ...dates,
  trackstar_tags: [],
})
