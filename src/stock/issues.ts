import type { Product, ProductReference } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Amounts, ItemAmounts, SelectedWarehouses } from './quantities.js'
import { compare, type Exact, plus } from './rational.js'
import type { StockIssue } from './stock.js'

/** Whether an issue may make a number of the answer too low or too high. */
export function affectsNumbers({ code }: StockIssue, asked: SelectedWarehouses): boolean {
  if (code === 'warehouse_breakdown_missing') return asked !== undefined
  return code !== 'warehouse_breakdown_mismatch'
}

/** A product that lists no inventory items. */
export const noInventoryItems = (product: Product): StockIssue => ({
  code: 'no_inventory_items',
  inventory_item_id: null,
  detail: `Product ${product.id} lists no inventory items.`,
})

/** A reference whose unit quantity is no number above zero. */
export const invalidUnitQuantity = (reference: ProductReference): StockIssue => ({
  code: 'invalid_unit_quantity',
  inventory_item_id: reference.inventory_item_id,
  detail: `The product's reference to inventory item ${reference.inventory_item_id} was set aside: its unit quantity must be a number above zero, but is ${described(reference.unit_quantity)}.`,
})

/** An item that upstream does not know. */
export const inventoryItemMissing = (inventoryItemId: string): StockIssue => ({
  code: 'inventory_item_missing',
  inventory_item_id: inventoryItemId,
  detail: `Trackstar does not know inventory item ${inventoryItemId}, which the product refers to.`,
})

/** A resource whose first copy upstream has not finished. */
export const upstreamSyncIncomplete = (resource: string): StockIssue => ({
  code: 'upstream_sync_incomplete',
  inventory_item_id: null,
  detail: `Trackstar has not finished its first copy of the connection's ${resource}.`,
})

/** The warehouses asked for that neither the warehouse list nor any item knows. */
export function warehouseUnknown(
  asked: SelectedWarehouses,
  warehouses: ReadonlyMap<string, Warehouse>,
  holdings: ReadonlyMap<string, ItemAmounts>,
): StockIssue[] {
  return [...(asked ?? [])]
    .filter((id) => !warehouses.has(id) && ![...holdings.values()].some(({ byWarehouse }) => byWarehouse.has(id)))
    .map((id) => ({
      code: 'warehouse_unknown',
      inventory_item_id: null,
      detail: `Neither the warehouse list nor any inventory item of the product knows warehouse ${id}.`,
    }))
}

/**
 * What is wrong with an item's numbers, so far as it concerns the warehouses asked for. An item without a breakdown
 * says nothing of them, so that what it does not know of itself concerns them all.
 */
export function itemIssues(inventoryItemId: string, holding: ItemAmounts, asked: SelectedWarehouses): StockIssue[] {
  const { overall, byWarehouse } = holding
  const issues: StockIssue[] = []
  const report = (code: StockIssue['code'], detail: string) =>
    issues.push({ code, inventory_item_id: inventoryItemId, detail })

  const hasStock = isNonZero(overall.onhand) || isNonZero(overall.fulfillable)
  const unbroken = byWarehouse.size === 0
  if (!overall.isFulfillableKnown && (asked === undefined || (unbroken && !hasStock))) {
    report('quantity_unknown', `Inventory item ${inventoryItemId} does not say how much of it is fulfillable.`)
  }
  for (const [warehouseId, amounts] of byWarehouse) {
    if (!amounts.isFulfillableKnown && (asked === undefined || asked.has(warehouseId))) {
      report(
        'quantity_unknown',
        `Inventory item ${inventoryItemId} does not say how much of it is fulfillable in warehouse ${warehouseId}.`,
      )
    }
  }
  if (unbroken && hasStock) {
    report(
      'warehouse_breakdown_missing',
      `Inventory item ${inventoryItemId} has stock, but does not say in which warehouses.`,
    )
  }
  if (!unbroken && !addsUp(overall.onhand, byWarehouse)) {
    report(
      'warehouse_breakdown_mismatch',
      `What inventory item ${inventoryItemId} has on hand in its warehouses does not add up to what it has in all.`,
    )
  }
  return issues
}

const isNonZero = (amount: Exact | null): boolean => amount !== null && compare(amount, 0) !== 0

/** Whether the warehouses' `onhand` add up to the item's; where one of them is not stated nothing contradicts that. */
function addsUp(onhand: Exact | null, byWarehouse: ReadonlyMap<string, Amounts>): boolean {
  if (onhand === null) return true
  let sum: Exact = 0
  for (const amounts of byWarehouse.values()) {
    if (amounts.onhand === null) return true
    sum = plus(sum, amounts.onhand)
  }
  return compare(sum, onhand) === 0
}

/** Numbers as they are; of anything else only what it is, for it may be long. */
const described = (value: unknown): string => (typeof value === 'number' ? `${value}` : `of type ${typeof value}`)
