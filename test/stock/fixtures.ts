import { idOf } from '../../src/records/fields.js'
import type { DocumentedItem, InventoryItem } from '../../src/records/inventory-item.js'
import type { DocumentedProduct, Product } from '../../src/records/product.js'
import type { DocumentedWarehouse, Warehouse } from '../../src/records/warehouse.js'
import { composeStock, type StockInput } from '../../src/stock/compose.js'
import type { Stock, StockIssue } from '../../src/stock/stock.js'

/** A reference of a product to an item. Without `units` its unit quantity is absent. */
export const reference = (inventory_item_id: string, sku?: string | null, units?: unknown) => ({
  inventory_item_id,
  ...(sku !== undefined && { sku }),
  ...(units !== undefined && { unit_quantity: units }),
})

/** An item with only the given fields. */
export const item = (id: string, fields: Partial<DocumentedItem> = {}): DocumentedItem => ({ id, ...fields })

/** A plain product that refers to these items, or that has these `references`. */
export const plain = (...references: ReturnType<typeof reference>[]): DocumentedProduct => ({
  id: 'prod_1',
  is_kit: false,
  inventory_items: references,
})

/** A kit that refers to these items. */
export const kit = (...references: ReturnType<typeof reference>[]): DocumentedProduct => ({
  ...plain(...references),
  is_kit: true,
})

/** The warehouse list, by id. */
export const warehouseList = (...warehouses: DocumentedWarehouse[]): ReadonlyMap<string, Warehouse> =>
  new Map(warehouses.map((warehouse) => [warehouse.id, warehouse]))

/** Composes a stock with defaults for every option. */
export const compose = (
  product: Product,
  items: readonly InventoryItem[],
  options: Partial<Omit<StockInput, 'product' | 'items'>> = {},
): Stock =>
  composeStock({
    connection: 'default',
    sku: 'SKU',
    product,
    items: new Map(items.map((known) => [idOf(known), known])),
    warehouses: new Map(),
    asOf: '2026-11-23T10:00:00Z',
    stale: false,
    source: null,
    ...options,
  })

/** The code and item of each issue. */
export const codes = (stock: Stock): [StockIssue['code'], string | null][] =>
  stock.issues.map((issue) => [issue.code, issue.inventory_item_id])

/** The given quantities; the others are not stated. */
export const quantities = (stated: Partial<Stock['quantities']> = {}): Stock['quantities'] => ({
  onhand: null,
  committed: null,
  unfulfillable: null,
  fulfillable: 0,
  sellable: null,
  awaiting: null,
  ...stated,
})
