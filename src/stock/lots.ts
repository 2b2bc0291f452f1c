import { parseDate } from '../records/dates.js'
import { idOf, keyOf, quantityOf, textOf } from '../records/fields.js'
import { type InventoryItem, locationsOf, lotsOf } from '../records/inventory-item.js'
import type { SelectedWarehouses } from './quantities.js'
import type { StockLocation, StockLot } from './stock.js'

/** The lots of these items in the selected warehouses, first-expiring first, those without a date last. */
export function stockLots(items: readonly InventoryItem[], selected: SelectedWarehouses): StockLot[] {
  const lots: StockLot[] = []
  for (const item of items) {
    for (const lot of lotsOf(item)) {
      const warehouseId = keyOf(lot.warehouse_id)
      if (!isSelected(selected, warehouseId)) continue
      lots.push({
        inventory_item_id: idOf(item),
        lot_id: textOf(lot.lot_id),
        onhand: quantityOf(lot.onhand),
        expiration_date: textOf(lot.expiration_date),
        warehouse_id: warehouseId,
      })
    }
  }
  return firstExpiringFirst(lots)
}

/** In the order of their dates. Lots without a date come last, and equal ones stay in their order. */
export const firstExpiringFirst = (lots: readonly StockLot[]): StockLot[] =>
  lots
    .map((lot) => ({ lot, expires: parseDate(lot.expiration_date) ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => (a.expires < b.expires ? -1 : Number(a.expires > b.expires)))
    .map(({ lot }) => lot)

/** The locations of these items in the selected warehouses. */
export function stockLocations(items: readonly InventoryItem[], selected: SelectedWarehouses): StockLocation[] {
  const locations: StockLocation[] = []
  for (const item of items) {
    for (const location of locationsOf(item)) {
      const warehouseId = keyOf(location.warehouse_id)
      if (!isSelected(selected, warehouseId)) continue
      locations.push({
        inventory_item_id: idOf(item),
        location_id: textOf(location.location_id),
        quantity: quantityOf(location.quantity),
        warehouse_id: warehouseId,
      })
    }
  }
  return locations
}

const isSelected = (selected: SelectedWarehouses, warehouseId: string | null): boolean =>
  selected === undefined || (warehouseId !== null && selected.has(warehouseId))
