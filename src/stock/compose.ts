import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { type Component, type Group, resolveComponents } from './components.js'
import {
  affectsNumbers,
  invalidUnitQuantity,
  inventoryItemMissing,
  itemIssues,
  noInventoryItems,
  upstreamSyncIncomplete,
  warehouseUnknown,
} from './issues.js'
import { stockLocations, stockLots } from './lots.js'
import { type ItemAmounts, noAmounts, type SelectedWarehouses, toItemAmounts, toQuantities } from './quantities.js'
import { toNumber } from './rational.js'
import type { ComponentStock, Stock, StockIssue, StockSource, WarehouseStock } from './stock.js'
import { type AmountsOf, findLimiting, productAmounts } from './yields.js'

/** What an answer for one SKU is made of. */
export interface StockInput {
  /** The SKU, as asked. */
  readonly sku: string
  readonly product: Product
  /** Those that upstream knows, by id. One that the product refers to and that is not here is missing. */
  readonly items: ReadonlyMap<string, InventoryItem>
  /** The connection's warehouse list; empty where there is none. */
  readonly warehouses: ReadonlyMap<string, Warehouse>
  /** The warehouses that the caller asked for; undefined or empty for all. */
  readonly warehouseIds?: readonly string[] | undefined
  readonly include?: { readonly lots?: boolean | undefined; readonly locations?: boolean | undefined } | undefined
  /** Resources (`products`, `inventory`) whose first copy upstream has not finished. */
  readonly syncIncomplete?: readonly string[] | undefined
  readonly asOf: string
  readonly stale: boolean
  readonly source: StockSource | null
}

/**
 * The stock of one SKU, by the contract's "The arithmetic" and "What is wrong is said, never hidden". Pure: it reads
 * no clock and changes nothing that it is given.
 */
export function composeStock(input: StockInput): Stock {
  const { product, items, warehouses } = input
  const isKit = product.is_kit === true
  const asked: SelectedWarehouses = input.warehouseIds?.length ? new Set(input.warehouseIds) : undefined
  const { components, groups, invalidReferences: invalid } = resolveComponents(product, items)
  const issues: StockIssue[] = invalid.map(invalidUnitQuantity)
  if (components.length + invalid.length === 0) issues.push(noInventoryItems(product))

  const counted: InventoryItem[] = []
  const holdings = new Map<string, ItemAmounts>()
  for (const { inventoryItemId } of components) {
    const item = items.get(inventoryItemId)
    if (item === undefined) {
      issues.push(inventoryItemMissing(inventoryItemId))
      continue
    }
    const holding = toItemAmounts(item, asked)
    counted.push(item)
    holdings.set(inventoryItemId, holding)
    issues.push(...itemIssues(inventoryItemId, holding, asked))
  }
  issues.push(
    ...warehouseUnknown(asked, warehouses, holdings),
    ...(input.syncIncomplete ?? []).map(upstreamSyncIncomplete),
  )

  const give: AmountsOf = (inventoryItemId) => holdings.get(inventoryItemId)?.selected ?? noAmounts
  const quantities = toQuantities(productAmounts(groups, isKit, give))
  return {
    sku: input.sku,
    product: {
      id: product.id,
      name: product.name ?? null,
      gtin: product.gtin ?? null,
      is_kit: isKit,
      active: product.active ?? null,
      warehouse_customer_id: product.warehouse_customer_id ?? null,
    },
    available: Math.max(0, quantities.fulfillable),
    quantities,
    warehouses: warehouseStocks(groups, isKit, holdings, warehouses, asked),
    components: components.map((component) => componentStock(component, items.get(component.inventoryItemId), give)),
    complete: !issues.some((issue) => affectsNumbers(issue, asked)),
    issues,
    limiting: isKit ? findLimiting(groups, give) : null,
    as_of: input.asOf,
    stale: input.stale,
    source: input.source,
    ...(input.include?.lots && { lots: stockLots(counted, asked) }),
    ...(input.include?.locations && { locations: stockLocations(counted, asked) }),
  }
}

const componentStock = (component: Component, item: InventoryItem | undefined, give: AmountsOf): ComponentStock => ({
  inventory_item_id: component.inventoryItemId,
  sku: component.sku,
  name: item?.name ?? null,
  unit_quantity: toNumber(component.units),
  active: item?.active ?? null,
  status: item === undefined ? 'missing' : 'ok',
  quantities: toQuantities(give(component.inventoryItemId)),
})

/**
 * The contract's rules 6 and 7: the same arithmetic on each warehouse's own numbers, over every warehouse that an item
 * names, or those of them that were asked for, in code unit order of their ids.
 */
export function warehouseStocks(
  groups: readonly Group[],
  isKit: boolean,
  holdings: ReadonlyMap<string, ItemAmounts>,
  warehouses: ReadonlyMap<string, Warehouse>,
  asked: SelectedWarehouses,
): WarehouseStock[] {
  return namedWarehouses(holdings, asked).map((warehouseId) => {
    const give = (inventoryItemId: string) => holdings.get(inventoryItemId)?.byWarehouse.get(warehouseId) ?? noAmounts
    const quantities = toQuantities(productAmounts(groups, isKit, give))
    const warehouse = warehouses.get(warehouseId)
    return {
      warehouse_id: warehouseId,
      name: warehouse?.name ?? null,
      code: warehouse?.code ?? null,
      available: Math.max(0, quantities.fulfillable),
      quantities,
    }
  })
}

function namedWarehouses(holdings: ReadonlyMap<string, ItemAmounts>, asked: SelectedWarehouses): string[] {
  const named = new Set<string>()
  for (const { byWarehouse } of holdings.values()) {
    for (const warehouseId of byWarehouse.keys()) {
      if (asked === undefined || asked.has(warehouseId)) named.add(warehouseId)
    }
  }
  return [...named].toSorted()
}
