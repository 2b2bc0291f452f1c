import type { Product, ProductReference } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Amounts, ItemAmounts, SelectedWarehouses } from './quantities.js'
import { compare, type Exact, plus } from './rational.js'
import type { StockIssue } from './stock.js'

/** Whether an issue may make a number of the response too low or too high, so that it is not complete. */
export function affectsNumbers({ code }: StockIssue, selected: SelectedWarehouses): boolean {
  if (code === 'warehouse_breakdown_missing') return selected !== undefined
  return code !== 'warehouse_breakdown_mismatch'
}

/** The product lists no inventory items. */
export const noInventoryItems = (product: Product): StockIssue => ({
  code: 'no_inventory_items',
  inventory_item_id: null,
  detail: `Product ${product.id} lists no inventory items.`,
})

/** The unit quantity of a reference is not a positive number. */
export const invalidUnitQuantity = (reference: ProductReference): StockIssue => ({
  code: 'invalid_unit_quantity',
  inventory_item_id: reference.inventory_item_id,
  detail: `The product's reference to inventory item ${reference.inventory_item_id} is ignored: its unit quantity must be a number above zero, but is ${described(reference.unit_quantity)}.`,
})

/** Upstream does not know the item. */
export const inventoryItemMissing = (inventoryItemId: string): StockIssue => ({
  code: 'inventory_item_missing',
  inventory_item_id: inventoryItemId,
  detail: `Trackstar does not know inventory item ${inventoryItemId}, which the product refers to.`,
})

/** Upstream has not finished the first sync of a resource. */
export const upstreamSyncIncomplete = (resource: string): StockIssue => ({
  code: 'upstream_sync_incomplete',
  inventory_item_id: null,
  detail: `Trackstar has not finished the first sync of the connection's ${resource}.`,
})

/** One issue for each selected warehouse that neither the warehouse list nor any item knows. */
export function warehouseUnknown(
  selected: SelectedWarehouses,
  warehouses: ReadonlyMap<string, Warehouse>,
  amountsById: ReadonlyMap<string, ItemAmounts>,
): StockIssue[] {
  return [...(selected ?? [])]
    .filter((id) => !warehouses.has(id) && ![...amountsById.values()].some(({ byWarehouse }) => byWarehouse.has(id)))
    .map((id) => ({
      code: 'warehouse_unknown',
      inventory_item_id: null,
      detail: `Neither the warehouse list nor any inventory item of the product knows the warehouse ${id}.`,
    }))
}

/**
 * The issues of an item's numbers, as far as they affect the selected warehouses. An item without a breakdown says nothing
 * about single warehouses, so an unknown quantity of the item affects all of them.
 */
export function itemIssues(inventoryItemId: string, amounts: ItemAmounts, selected: SelectedWarehouses): StockIssue[] {
  const { overall, byWarehouse } = amounts
  const issues: StockIssue[] = []
  const report = (code: StockIssue['code'], detail: string) =>
    issues.push({ code, inventory_item_id: inventoryItemId, detail })

  const hasStock = isNonZero(overall.onhand) || isNonZero(overall.fulfillable)
  const hasBreakdown = byWarehouse.size > 0
  if (!overall.isFulfillableKnown && (selected === undefined || (!hasBreakdown && !hasStock))) {
    report('quantity_unknown', `Inventory item ${inventoryItemId} does not state its fulfillable quantity.`)
  }
  for (const [warehouseId, inWarehouse] of byWarehouse) {
    if (!inWarehouse.isFulfillableKnown && (selected === undefined || selected.has(warehouseId))) {
      report(
        'quantity_unknown',
        `Inventory item ${inventoryItemId} does not state its fulfillable quantity in warehouse ${warehouseId}.`,
      )
    }
  }
  if (!hasBreakdown && hasStock) {
    report('warehouse_breakdown_missing', `Inventory item ${inventoryItemId} has stock but no breakdown by warehouse.`)
  }
  if (hasBreakdown && !addsUp(overall.onhand, byWarehouse)) {
    report(
      'warehouse_breakdown_mismatch',
      `The onhand quantities of inventory item ${inventoryItemId} by warehouse do not add up to its total.`,
    )
  }
  return issues
}

const isNonZero = (amount: Exact | null): boolean => amount !== null && compare(amount, 0) !== 0

/** Whether the `onhand` of the warehouses adds up to the item's. If one is not stated, nothing contradicts it. */
function addsUp(onhand: Exact | null, byWarehouse: ReadonlyMap<string, Amounts>): boolean {
  if (onhand === null) return true
  let sum: Exact = 0
  for (const amounts of byWarehouse.values()) {
    if (amounts.onhand === null) return true
    sum = plus(sum, amounts.onhand)
  }
  return compare(sum, onhand) === 0
}

/** A number, or only the type of any other value, which may be long. */
const described = (value: unknown): string => (typeof value === 'number' ? `${value}` : `of type ${typeof value}`)
