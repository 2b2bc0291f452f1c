import type { InventoryItem } from '../records/inventory-item.js'
import type { SelectedWarehouses } from './quantities.js'
import { finiteOrNull } from './quantities.js'
import type { StockLocation, StockLot } from './stock.js'

/** Every lot of these items, first-expiring first, those without a date last, otherwise in order. */
export function stockLots(items: readonly InventoryItem[], asked: SelectedWarehouses): StockLot[] {
  const lots: StockLot[] = []
  for (const item of items) {
    for (const lot of item.lots ?? []) {
      if (!isAsked(asked, lot.warehouse_id)) continue
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

/** Every location of these items, in order. */
export function stockLocations(items: readonly InventoryItem[], asked: SelectedWarehouses): StockLocation[] {
  const locations: StockLocation[] = []
  for (const item of items) {
    for (const location of item.locations ?? []) {
      if (!isAsked(asked, location.warehouse_id)) continue
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

const isAsked = (asked: SelectedWarehouses, warehouseId: string | null | undefined): boolean =>
  asked === undefined || (typeof warehouseId === 'string' && asked.has(warehouseId))

const date = /^\d{4}-\d{2}-\d{2}(?<time>T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Milliseconds of an ISO 8601 time, a plain date being the start of that day; infinity for what is neither. UTC where
 * no zone is named: `Date.parse` alone would take such a time for that of this machine's zone, and much else for a date.
 */
function instantOf(text: string | null): number {
  const groups = text === null ? undefined : date.exec(text)?.groups
  if (groups === undefined) return Number.POSITIVE_INFINITY
  const instant = Date.parse(groups['time'] !== undefined && groups['zone'] === undefined ? `${text}Z` : `${text}`)
  return Number.isNaN(instant) ? Number.POSITIVE_INFINITY : instant
}
