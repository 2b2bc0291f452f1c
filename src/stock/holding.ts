import type { InventoryItem } from '../records/inventory-item.js'
import { type Amounts, nothing, pool, readAmounts, type StatedAmounts } from './quantities.js'

/** The warehouses that a caller asked for; undefined for all of them. */
export type Asked = ReadonlySet<string> | undefined

/** What an inventory item holds. */
export interface ItemAmounts {
  /** The item's own numbers, over all warehouses. */
  readonly overall: StatedAmounts
  /** Its numbers in each warehouse that its breakdown names, asked for or not. Empty where it has no breakdown. */
  readonly byWarehouse: ReadonlyMap<string, StatedAmounts>
  /** What totals count: the item's own numbers or, asked for certain warehouses, those of these warehouses pooled. */
  readonly counted: Amounts
}

/** Reads an item. A warehouse that its breakdown names without numbers states nothing. */
export function readItemAmounts(item: InventoryItem, asked: Asked): ItemAmounts {
  const derivable = !item.substitute_skus?.length
  const overall = readAmounts(item, derivable)
  const byWarehouse = new Map<string, StatedAmounts>()
  const breakdown = item.inventory_by_warehouse_id ?? {}
  for (const warehouseId of Object.keys(breakdown)) {
    byWarehouse.set(warehouseId, readAmounts(breakdown[warehouseId] ?? {}, derivable))
  }
  return { overall, byWarehouse, counted: asked === undefined ? overall : poolOf(asked, byWarehouse) }
}

function poolOf(asked: Iterable<string>, byWarehouse: ReadonlyMap<string, Amounts>): Amounts {
  let pooled = nothing
  for (const warehouseId of asked) pooled = pool(pooled, byWarehouse.get(warehouseId) ?? nothing)
  return pooled
}
