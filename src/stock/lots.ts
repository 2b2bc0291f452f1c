import { parseDate } from '../records/dates.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { finiteOrNull, type SelectedWarehouses } from './quantities.js'
import type { StockLocation, StockLot } from './stock.js'

/** The lots of these items in the selected warehouses, first-expiring first, those without a date last. */
export function stockLots(items: readonly InventoryItem[], selected: SelectedWarehouses): StockLot[] {
  const lots: StockLot[] = []
  for (const item of items) {
    for (const lot of item.lots ?? []) {
      if (!isSelected(selected, lot.warehouse_id)) continue
      lots.push({
        inventory_item_id: item.id,
        lot_id: lot.lot_id ?? null,
        onhand: finiteOrNull(lot.onhand),
        expiration_date: lot.expiration_date ?? null,
        warehouse_id: lot.warehouse_id ?? null,
      })
    }
  }
  return lots
    .map((lot) => ({ lot, expires: parseDate(lot.expiration_date) ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => (a.expires < b.expires ? -1 : Number(a.expires > b.expires)))
    .map(({ lot }) => lot)
}

/** The locations of these items in the selected warehouses. */
export function stockLocations(items: readonly InventoryItem[], selected: SelectedWarehouses): StockLocation[] {
  const locations: StockLocation[] = []
  for (const item of items) {
    for (const location of item.locations ?? []) {
      if (!isSelected(selected, location.warehouse_id)) continue
      locations.push({
        inventory_item_id: item.id,
        location_id: location.location_id ?? null,
        quantity: finiteOrNull(location.quantity),
        warehouse_id: location.warehouse_id ?? null,
      })
    }
  }
  return locations
}

const isSelected = (selected: SelectedWarehouses, warehouseId: string | null | undefined): boolean =>
  selected === undefined || (typeof warehouseId === 'string' && selected.has(warehouseId))
