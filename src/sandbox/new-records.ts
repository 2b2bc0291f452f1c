import type { InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import type { Product, ProductReference } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'

/** The merchant that owns a record where nothing else is said. */
export const firstMerchant = 'cust_aurora'
/** The other merchant in the same warehouse system. */
export const secondMerchant = 'cust_borealis'

const dates = {
  created_date: '2025-02-10T07:30:00Z',
  updated_date: '2025-10-20T06:15:00Z',
  trackstar_created_date: '2025-02-11T01:00:00Z',
  trackstar_updated_date: '2025-10-20T07:00:00Z',
}

// Fields that upstream documents and nobody here reads. Functions, so that no two records share an array.
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

/** Quantities that agree: what is fulfillable is what is left of `onhand`, and all of it is offered. */
export function counts(onhand: number, committed = 0, unfulfillable = 0, awaiting = 0): ItemQuantities {
  const fulfillable = onhand - committed - unfulfillable
  const sellable = Math.max(0, fulfillable)
  return Object.assign({ onhand, committed, unfulfillable, fulfillable, sellable, awaiting }, { unsellable: 0 })
}

/**
 * An inventory item that holds the given quantities in each warehouse; its own are their sums. `changes` goes over the
 * rest, for the records that are meant to be wrong.
 */
export function newItem(
  id: string,
  sku: string,
  name: string,
  places: readonly (readonly [warehouseId: string, ItemQuantities])[],
  changes: Partial<InventoryItem> = {},
): InventoryItem {
  // No prototype, so that `__proto__` is a warehouse id like any other.
  const breakdown: Record<string, ItemQuantities> = Object.create(null)
  for (const [warehouseId, quantities] of places) breakdown[warehouseId] = quantities
  const sum = (field: 'onhand' | 'committed' | 'unfulfillable' | 'fulfillable' | 'awaiting') =>
    places.reduce((total, [, quantities]) => total + (quantities[field] ?? 0), 0)
  return {
    id,
    warehouse_customer_id: firstMerchant,
    name,
    sku,
    ...itemDetails(),
    active: true,
    ...counts(sum('onhand'), sum('committed'), sum('unfulfillable'), sum('awaiting')),
    substitute_skus: [],
    inventory_by_warehouse_id: breakdown,
    lots: [],
    locations: [],
    ...dates,
    ...changes,
  }
}

/** A reference to an item: the id, the SKU it serves as, and how many units are needed. */
export const needs = (inventory_item_id: string, sku: string, unit_quantity: unknown = 1): ProductReference => ({
  inventory_item_id,
  sku,
  unit_quantity,
})

/** A product that draws on the given items. A kit says so in `changes`. */
export function newProduct(
  id: string,
  sku: string,
  name: string,
  inventory_items: ProductReference[],
  changes: Partial<Product> = {},
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
    ...changes,
  }
}

/** A warehouse. */
export const newWarehouse = (id: string, name: string | null, code: string | null, city: string): Warehouse => ({
  id,
  name,
  code,
  address: { address1: 'Quay 1', address2: null, address3: null, city, state: null, postal_code: null, country: null },
  ...dates,
  trackstar_tags: [],
})
