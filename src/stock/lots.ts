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
    .map((lot) => ({ lot, expires: instantOf(lot.expiration_date) }))
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

const isoDate = /^\d{4}-\d{2}-\d{2}(?<time>T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Epoch ms of an ISO 8601 time, or of the start of a plain date; infinity for any other text. A time without a zone is UTC:
 * `Date.parse` alone would read it in the zone of this machine, and would accept many other texts.
 */
function instantOf(text: string | null): number {
  const groups = text === null ? undefined : isoDate.exec(text)?.groups
  if (groups === undefined) return Number.POSITIVE_INFINITY
  const instant = Date.parse(groups['time'] !== undefined && groups['zone'] === undefined ? `${text}Z` : `${text}`)
  return Number.isNaN(instant) ? Number.POSITIVE_INFINITY : instant
}
