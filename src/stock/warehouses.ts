import type { Warehouse } from '../records/warehouse.js'
import type { Group } from './groups.js'
import type { Asked, ItemAmounts } from './holding.js'
import { nothing, toQuantities } from './quantities.js'
import type { WarehouseStock } from './stock.js'
import { productAmounts } from './yields.js'

/**
 * The contract's rules 6 and 7: the same arithmetic on each warehouse's own numbers, over every warehouse that an item
 * names, or those of them that were asked for, in code unit order of their ids.
 */
export function warehouseStocks(
  groups: readonly Group[],
  isKit: boolean,
  holdings: ReadonlyMap<string, ItemAmounts>,
  warehouses: ReadonlyMap<string, Warehouse>,
  asked: Asked,
): WarehouseStock[] {
  return namedWarehouses(holdings, asked).map((warehouseId) => {
    const give = (inventoryItemId: string) => holdings.get(inventoryItemId)?.byWarehouse.get(warehouseId) ?? nothing
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

function namedWarehouses(holdings: ReadonlyMap<string, ItemAmounts>, asked: Asked): string[] {
  const named = new Set<string>()
  for (const { byWarehouse } of holdings.values()) {
    for (const warehouseId of byWarehouse.keys()) {
      if (asked === undefined || asked.has(warehouseId)) named.add(warehouseId)
    }
  }
  return [...named].toSorted()
}
