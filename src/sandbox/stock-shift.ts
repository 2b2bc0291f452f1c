import type { InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import { ApiError } from './refusal.js'

const changed = ['onhand', 'fulfillable', 'sellable'] as const

/** What a warehouse that is new to an item starts with. */
const nothing: ItemQuantities = { onhand: 0, fulfillable: 0, sellable: 0 }

type Places = NonNullable<InventoryItem['inventory_by_warehouse_id']>

interface Part {
  warehouse_id?: string | null
  onhand?: number | null
  quantity?: number | null
}

/** The warehouses of an item, a copy without a prototype: `__proto__` is an id like any other. */
export const breakdownOf = (item: InventoryItem): Places =>
  Object.assign(Object.create(null), item.inventory_by_warehouse_id)

/**
 * Puts `by` units more, or fewer if it is below 0, into one warehouse of an item: its onhand, fulfillable and sellable,
 * in all and there, and its lots and locations there. A quantity that is not stated stays so. An item without a
 * breakdown changes in all alone.
 *
 * Refuses, as the warehouse system would (422), to take more than is on hand.
 */
export function shiftStock(item: InventoryItem, warehouseId: string | undefined, by: number): void {
  const changing: ItemQuantities[] = [item]
  const places = breakdownOf(item)
  const isBrokenDown = warehouseId !== undefined && Boolean(item.inventory_by_warehouse_id)
  if (isBrokenDown) {
    const place = places[warehouseId] ?? { ...nothing }
    places[warehouseId] = place
    changing.push(place)
  }
  const there = changing.at(-1)?.onhand ?? 0
  if (there + by < 0) throw new ApiError(422, `Cannot take ${-by} where ${there} are on hand`, 'integration')
  for (const quantities of changing) {
    for (const field of changed) {
      const quantity = quantities[field]
      if (typeof quantity === 'number') quantities[field] = quantity + by
    }
  }
  if (!isBrokenDown) return
  item.inventory_by_warehouse_id = places
  shiftParts(item.lots ?? [], 'onhand', warehouseId, by)
  shiftParts(item.locations ?? [], 'quantity', warehouseId, by)
}

/** What comes goes to the first part in the warehouse; what leaves is taken from them in turn. */
function shiftParts(parts: Part[], field: 'onhand' | 'quantity', warehouseId: string, by: number): void {
  let left = by
  for (const part of parts) {
    const there = part[field]
    if (left === 0 || part.warehouse_id !== warehouseId || typeof there !== 'number') continue
    const moved = Math.max(left, -there)
    part[field] = there + moved
    left -= moved
  }
}
