import { flagOf, idOf, merchantOf, textOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { type Component, type Group, resolveComponents } from './components.js'
import {
  type Finding,
  inventoryItemMissing,
  itemFindings,
  productFindings,
  upstreamSyncIncomplete,
  warehouseUnknown,
} from './issues.js'
import { stockLocations, stockLots } from './lots.js'
import {
  type Amounts,
  type ItemAmounts,
  noAmounts,
  type SelectedWarehouses,
  toItemAmounts,
  toQuantities,
} from './quantities.js'
import { toNumber } from './rational.js'
import type { ComponentStock, Quantities, Stock, StockSource, WarehouseStock } from './stock.js'
import { type AmountsOf, findLimiting, productAmounts } from './yields.js'

/** The records and options of a stock. */
export interface StockInput {
  /** The name of the connection that the records are of. */
  readonly connection: string
  /** The SKU, as requested. */
  readonly sku: string
  readonly product: Product
  /** Inventory items by id. An item that the product refers to and that is not in the map is missing upstream. */
  readonly items: ReadonlyMap<string, InventoryItem>
  /** The connection's warehouses by id; empty if unknown. */
  readonly warehouses: ReadonlyMap<string, Warehouse>
  /** The warehouses to count; undefined or empty for all. */
  readonly warehouseIds?: readonly string[] | undefined
  readonly include?: { readonly lots?: boolean | undefined; readonly locations?: boolean | undefined } | undefined
  /**
   * Whether a selected warehouse that is unknown here is no issue, because another connection of a group may know it.
   * Default: false.
   */
  readonly toleratesUnknownWarehouses?: boolean | undefined
  /** Resources (`products`, `inventory`) whose first sync is not finished upstream. */
  readonly syncIncomplete?: readonly string[] | undefined
  /** When the oldest record was read, as an ISO 8601 time. */
  readonly asOf: string
  readonly stale: boolean
  readonly source: StockSource | null
}

/**
 * Computes the stock of one SKU. A plain product sums its items; a kit is as many as its scarcest component allows. Exact:
 * no sum or quotient is a floating-point approximation. Problems in the data never fail; they are listed as issues. Pure:
 * it reads no clock and does not change its input.
 */
export function composeStock(input: StockInput): Stock {
  const { product, items, warehouses } = input
  const selected: SelectedWarehouses = input.warehouseIds?.length ? new Set(input.warehouseIds) : undefined
  const resolved = resolveComponents(product, items)
  const { isKit, components, groups } = resolved
  const findings: Finding[] = productFindings(product, resolved)

  const knownItems: InventoryItem[] = []
  const amountsById = new Map<string, ItemAmounts>()
  for (const { inventoryItemId } of components) {
    const item = items.get(inventoryItemId)
    if (item === undefined) {
      findings.push(inventoryItemMissing(inventoryItemId))
      continue
    }
    const amounts = toItemAmounts(item, selected)
    knownItems.push(item)
    amountsById.set(inventoryItemId, amounts)
    findings.push(...itemFindings(product, item, amounts, selected))
  }
  findings.push(
    ...(input.toleratesUnknownWarehouses ? [] : warehouseUnknown(selected, warehouses, amountsById)),
    ...(input.syncIncomplete ?? []).map(upstreamSyncIncomplete),
  )

  const amountsOf: AmountsOf = (inventoryItemId) => amountsById.get(inventoryItemId)?.selected ?? noAmounts
  const quantities = toQuantities(productAmounts(groups, isKit, amountsOf))
  return {
    sku: input.sku,
    connection: input.connection,
    product: {
      id: idOf(product),
      name: textOf(product.name),
      gtin: textOf(product.gtin),
      is_kit: isKit,
      active: flagOf(product.active),
      warehouse_customer_id: merchantOf(product),
    },
    available: Math.max(0, quantities.fulfillable),
    quantities,
    warehouses: warehouseStocks(groups, isKit, amountsById, warehouses, selected),
    components: components.map((component) =>
      componentStock(component, items.get(component.inventoryItemId), amountsOf),
    ),
    complete: !findings.some(({ affectsNumbers }) => affectsNumbers),
    issues: findings.map(({ issue }) => issue),
    limiting: isKit ? findLimiting(groups, amountsOf) : null,
    as_of: input.asOf,
    stale: input.stale,
    source: input.source,
    ...(input.include?.lots && { lots: stockLots(knownItems, selected) }),
    ...(input.include?.locations && { locations: stockLocations(knownItems, selected) }),
  }
}

/** The quantities of {@link composeStock} over these warehouses, for those that need nothing else of the stock. */
export function composeQuantities(
  product: Product,
  items: ReadonlyMap<string, InventoryItem>,
  warehouseIds: readonly string[],
): Quantities {
  const selected = new Set(warehouseIds)
  const { isKit, groups } = resolveComponents(product, items)
  const amountsOf = (inventoryItemId: string): Amounts => {
    const item = items.get(inventoryItemId)
    return item === undefined ? noAmounts : toItemAmounts(item, selected).selected
  }
  return toQuantities(productAmounts(groups, isKit, amountsOf))
}

const componentStock = (
  component: Component,
  item: InventoryItem | undefined,
  amountsOf: AmountsOf,
): ComponentStock => ({
  inventory_item_id: component.inventoryItemId,
  sku: component.sku,
  name: textOf(item?.name),
  unit_quantity: toNumber(component.units),
  active: flagOf(item?.active),
  status: item === undefined ? 'missing' : 'ok',
  quantities: toQuantities(amountsOf(component.inventoryItemId)),
})

/**
 * The same arithmetic on the numbers of each warehouse alone, over every selected warehouse that an item names, in code
 * unit order of the ids. For a kit this is what one warehouse can assemble by itself, so the parts may add up to less than
 * the total.
 */
export function warehouseStocks(
  groups: readonly Group[],
  isKit: boolean,
  amountsById: ReadonlyMap<string, ItemAmounts>,
  warehouses: ReadonlyMap<string, Warehouse>,
  selected: SelectedWarehouses,
): WarehouseStock[] {
  return namedWarehouses(amountsById, selected).map((warehouseId) => {
    const amountsOf = (inventoryItemId: string) =>
      amountsById.get(inventoryItemId)?.byWarehouse.get(warehouseId) ?? noAmounts
    const quantities = toQuantities(productAmounts(groups, isKit, amountsOf))
    const warehouse = warehouses.get(warehouseId)
    return {
      warehouse_id: warehouseId,
      name: textOf(warehouse?.name),
      code: textOf(warehouse?.code),
      available: Math.max(0, quantities.fulfillable),
      quantities,
    }
  })
}

function namedWarehouses(amountsById: ReadonlyMap<string, ItemAmounts>, selected: SelectedWarehouses): string[] {
  const named = new Set<string>()
  for (const { byWarehouse } of amountsById.values()) {
    for (const warehouseId of byWarehouse.keys()) {
      if (selected === undefined || selected.has(warehouseId)) named.add(warehouseId)
    }
  }
  return [...named].toSorted()
}
