import { isObject, quantityOf, type Raw } from '../records/fields.js'
import { breakdownOf, hasSubstitutes, type InventoryItem, type ItemQuantities } from '../records/inventory-item.js'
import { type Exact, minus, plus, toNumber } from './rational.js'
import type { Quantities } from './stock.js'

/** Exact quantities: null if not stated, except `fulfillable`, which then counts as 0. */
export interface Amounts {
  readonly onhand: Exact | null
  readonly committed: Exact | null
  readonly unfulfillable: Exact | null
  readonly fulfillable: Exact
  readonly sellable: Exact | null
  readonly awaiting: Exact | null
}

/** The quantities of an item, in all or in one warehouse. */
export interface StatedAmounts extends Amounts {
  /** Whether `fulfillable` is stated or can be derived. */
  readonly isFulfillableKnown: boolean
}

/** Nothing is stated; `fulfillable` counts as 0. */
export const noAmounts: Amounts = {
  onhand: null,
  committed: null,
  unfulfillable: null,
  fulfillable: 0,
  sellable: null,
  awaiting: null,
}

/**
 * Reads the quantities of an item or of one of its warehouses. If `fulfillable` is not stated, it is onhand − committed −
 * unfulfillable, provided all three are.
 *
 * @param isDerivable whether that identity holds for the item; it does not if substitute SKUs are involved
 */
export function toAmounts(quantities: Raw<ItemQuantities>, isDerivable: boolean): StatedAmounts {
  const onhand = quantityOf(quantities.onhand)
  const committed = quantityOf(quantities.committed)
  const unfulfillable = quantityOf(quantities.unfulfillable)
  let fulfillable: Exact | null = quantityOf(quantities.fulfillable)
  if (fulfillable === null && isDerivable && onhand !== null && committed !== null && unfulfillable !== null) {
    fulfillable = minus(minus(onhand, committed), unfulfillable)
  }
  return {
    onhand,
    committed,
    unfulfillable,
    fulfillable: fulfillable ?? 0,
    sellable: quantityOf(quantities.sellable),
    awaiting: quantityOf(quantities.awaiting),
    isFulfillableKnown: fulfillable !== null,
  }
}

/** a + b. A quantity that only one of them states is taken from that one. */
export const addAmounts = (a: Amounts, b: Amounts): Amounts => ({
  onhand: sum(a.onhand, b.onhand),
  committed: sum(a.committed, b.committed),
  unfulfillable: sum(a.unfulfillable, b.unfulfillable),
  fulfillable: plus(a.fulfillable, b.fulfillable),
  sellable: sum(a.sellable, b.sellable),
  awaiting: sum(a.awaiting, b.awaiting),
})

const sum = (a: Exact | null, b: Exact | null): Exact | null => (a === null ? b : b === null ? a : plus(a, b))

/** The amounts as numbers, for a response. */
export const toQuantities = (amounts: Amounts): Quantities => ({
  onhand: numberOrNull(amounts.onhand),
  committed: numberOrNull(amounts.committed),
  unfulfillable: numberOrNull(amounts.unfulfillable),
  fulfillable: toNumber(amounts.fulfillable),
  sellable: numberOrNull(amounts.sellable),
  awaiting: numberOrNull(amounts.awaiting),
})

const numberOrNull = (amount: Exact | null): number | null => (amount === null ? null : toNumber(amount))

/** The ids of the warehouses to count; undefined for all. */
export type SelectedWarehouses = ReadonlySet<string> | undefined

/** All quantities of one inventory item. */
export interface ItemAmounts {
  /** The item's own numbers, over all warehouses. */
  readonly overall: StatedAmounts
  /** Its numbers in every warehouse of its breakdown, selected or not. Empty if it has no breakdown. */
  readonly byWarehouse: ReadonlyMap<string, StatedAmounts>
  /** What counts in totals: the item's own numbers, or the sum over the selected warehouses. */
  readonly selected: Amounts
}

/** Reads the quantities of an item. A warehouse without numbers in the breakdown states nothing. */
export function toItemAmounts(item: InventoryItem, selectedWarehouses: SelectedWarehouses): ItemAmounts {
  const isDerivable = !hasSubstitutes(item)
  const overall = toAmounts(item, isDerivable)
  const byWarehouse = new Map<string, StatedAmounts>()
  for (const [warehouseId, quantities] of Object.entries(breakdownOf(item))) {
    byWarehouse.set(warehouseId, toAmounts(isObject(quantities) ? quantities : {}, isDerivable))
  }
  return {
    overall,
    byWarehouse,
    selected: selectedWarehouses === undefined ? overall : sumOver(selectedWarehouses, byWarehouse),
  }
}

function sumOver(warehouseIds: Iterable<string>, byWarehouse: ReadonlyMap<string, Amounts>): Amounts {
  let total = noAmounts
  for (const warehouseId of warehouseIds) total = addAmounts(total, byWarehouse.get(warehouseId) ?? noAmounts)
  return total
}
