import type { InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import { type Exact, minus, plus, toNumber } from './rational.js'
import type { Quantities } from './stock.js'

/** Quantities as the arithmetic holds them: exact, null where not stated, save `fulfillable`, which then counts 0. */
export interface Amounts {
  readonly onhand: Exact | null
  readonly committed: Exact | null
  readonly unfulfillable: Exact | null
  readonly fulfillable: Exact
  readonly sellable: Exact | null
  readonly awaiting: Exact | null
}

/** What upstream states in one place, and whether that tells what is fulfillable. */
export interface ItemOrWarehouseAmounts extends Amounts {
  readonly isFulfillableKnown: boolean
}

/** The amounts of what states nothing and counts 0. */
export const noAmounts: Amounts = {
  onhand: null,
  committed: null,
  unfulfillable: null,
  fulfillable: 0,
  sellable: null,
  awaiting: null,
}

/**
 * What an item or one of its warehouses states. `fulfillable`, where it is not stated, is
 * onhand − committed − unfulfillable if all three are; `derivable` says whether that identity holds for the item, which
 * it does not where substitute SKUs are involved.
 */
export function toAmounts(quantities: ItemQuantities, derivable: boolean): ItemOrWarehouseAmounts {
  const onhand = finiteOrNull(quantities.onhand)
  const committed = finiteOrNull(quantities.committed)
  const unfulfillable = finiteOrNull(quantities.unfulfillable)
  let fulfillable: Exact | null = finiteOrNull(quantities.fulfillable)
  if (fulfillable === null && derivable && onhand !== null && committed !== null && unfulfillable !== null) {
    fulfillable = minus(minus(onhand, committed), unfulfillable)
  }
  return {
    onhand,
    committed,
    unfulfillable,
    fulfillable: fulfillable ?? 0,
    sellable: finiteOrNull(quantities.sellable),
    awaiting: finiteOrNull(quantities.awaiting),
    isFulfillableKnown: fulfillable !== null,
  }
}

/** A quantity as upstream states it, or null: absent and null are not stated, nor is what is not finite. Never -0. */
export const finiteOrNull = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value + 0 : null

/** Both together. A quantity that only one of them states is that one's. */
export const addAmounts = (a: Amounts, b: Amounts): Amounts => ({
  onhand: sum(a.onhand, b.onhand),
  committed: sum(a.committed, b.committed),
  unfulfillable: sum(a.unfulfillable, b.unfulfillable),
  fulfillable: plus(a.fulfillable, b.fulfillable),
  sellable: sum(a.sellable, b.sellable),
  awaiting: sum(a.awaiting, b.awaiting),
})

const sum = (a: Exact | null, b: Exact | null): Exact | null => (a === null ? b : b === null ? a : plus(a, b))

/** The amounts as an answer shows them. */
export const toQuantities = (amounts: Amounts): Quantities => ({
  onhand: shown(amounts.onhand),
  committed: shown(amounts.committed),
  unfulfillable: shown(amounts.unfulfillable),
  fulfillable: toNumber(amounts.fulfillable),
  sellable: shown(amounts.sellable),
  awaiting: shown(amounts.awaiting),
})

const shown = (amount: Exact | null): number | null => (amount === null ? null : toNumber(amount))

/** The warehouses that a caller asked for; undefined for all of them. */
export type SelectedWarehouses = ReadonlySet<string> | undefined

/** What an inventory item holds. */
export interface ItemAmounts {
  /** The item's own numbers, over all warehouses. */
  readonly overall: ItemOrWarehouseAmounts
  /** Its numbers in each warehouse that its breakdown names, asked for or not. Empty where it has no breakdown. */
  readonly byWarehouse: ReadonlyMap<string, ItemOrWarehouseAmounts>
  /** What totals count: the item's own numbers or, asked for certain warehouses, those of these warehouses pooled. */
  readonly selected: Amounts
}

/** Reads an item. A warehouse that its breakdown names without numbers states nothing. */
export function toItemAmounts(item: InventoryItem, asked: SelectedWarehouses): ItemAmounts {
  const derivable = !item.substitute_skus?.length
  const overall = toAmounts(item, derivable)
  const byWarehouse = new Map<string, ItemOrWarehouseAmounts>()
  const breakdown = item.inventory_by_warehouse_id ?? {}
  for (const warehouseId of Object.keys(breakdown)) {
    byWarehouse.set(warehouseId, toAmounts(breakdown[warehouseId] ?? {}, derivable))
  }
  return { overall, byWarehouse, selected: asked === undefined ? overall : poolOf(asked, byWarehouse) }
}

function poolOf(asked: Iterable<string>, byWarehouse: ReadonlyMap<string, Amounts>): Amounts {
  let pooled = noAmounts
  for (const warehouseId of asked) pooled = addAmounts(pooled, byWarehouse.get(warehouseId) ?? noAmounts)
  return pooled
}
