import type { Group } from './components.js'
import { type Amounts, addAmounts, noAmounts } from './quantities.js'
import { compare, type Exact, floorOver, larger, minus, over, plus, smaller, times, toNumber } from './rational.js'
import type { Limiting } from './stock.js'

/** The amounts of an inventory item by its id: in all, in some warehouses or in one. */
export type AmountsOf = (inventoryItemId: string) => Amounts

/**
 * The quantities of a product: for each, the smallest yield of its groups. Without groups they are 0; a quantity is null
 * if no item of some group states it. For a kit, `committed` and `unfulfillable` mean nothing and are null, and `awaiting`
 * is how many more kits can be built once the awaited units have arrived.
 */
export function productAmounts(groups: readonly Group[], isKit: boolean, amountsOf: AmountsOf): Amounts {
  let scarcest: Yields | undefined
  for (const group of groups) {
    const yields = groupYields(group, amountsOf)
    scarcest = scarcest === undefined ? yields : smallest(scarcest, yields)
  }
  const yields = scarcest ?? zeroYields
  if (!isKit) return yields
  const buildable = minus(larger(0, yields.expected), larger(0, yields.fulfillable))
  return {
    onhand: yields.onhand,
    committed: null,
    unfulfillable: null,
    fulfillable: yields.fulfillable,
    sellable: yields.sellable,
    awaiting: buildable,
  }
}

/** The whole units of the product that a group yields. */
export const groupYield = (group: Group, amountsOf: AmountsOf): Exact =>
  floorOver(groupSum(group, amountsOf), group.units ?? 1)

/**
 * The fulfillable sum of a group: in units of its items if all have the same unit quantity, which postpones the division;
 * otherwise in units of the product.
 */
export const groupSum = (group: Group, amountsOf: AmountsOf): Exact => groupSums(group, amountsOf).fulfillable

/** Whole units of the product for each quantity; `expected` is the yield of fulfillable + awaiting. */
interface Yields extends Amounts {
  readonly expected: Exact
}

const zeroYields: Yields = {
  onhand: 0,
  committed: 0,
  unfulfillable: 0,
  fulfillable: 0,
  sellable: 0,
  awaiting: 0,
  expected: 0,
}

// Field by field, here and below: spread objects are several times slower to create and to read.
function groupYields(group: Group, amountsOf: AmountsOf): Yields {
  const units = group.units ?? 1
  const sums = groupSums(group, amountsOf)
  return {
    onhand: yieldOf(sums.onhand, units),
    committed: yieldOf(sums.committed, units),
    unfulfillable: yieldOf(sums.unfulfillable, units),
    fulfillable: floorOver(sums.fulfillable, units),
    sellable: yieldOf(sums.sellable, units),
    awaiting: yieldOf(sums.awaiting, units),
    expected: floorOver(plus(sums.fulfillable, sums.awaiting ?? 0), units),
  }
}

const yieldOf = (sum: Exact | null, units: Exact): Exact | null => (sum === null ? null : floorOver(sum, units))

function groupSums(group: Group, amountsOf: AmountsOf): Amounts {
  let sums = noAmounts
  for (const { inventoryItemId, units } of group.components) {
    const amounts = amountsOf(inventoryItemId)
    sums = addAmounts(sums, group.units === null ? each(amounts, (amount) => over(amount, units)) : amounts)
  }
  return sums
}

const each = (amounts: Amounts, change: (amount: Exact) => Exact): Amounts => ({
  onhand: amounts.onhand === null ? null : change(amounts.onhand),
  committed: amounts.committed === null ? null : change(amounts.committed),
  unfulfillable: amounts.unfulfillable === null ? null : change(amounts.unfulfillable),
  fulfillable: change(amounts.fulfillable),
  sellable: amounts.sellable === null ? null : change(amounts.sellable),
  awaiting: amounts.awaiting === null ? null : change(amounts.awaiting),
})

const smallest = (a: Yields, b: Yields): Yields => ({
  onhand: lesser(a.onhand, b.onhand),
  committed: lesser(a.committed, b.committed),
  unfulfillable: lesser(a.unfulfillable, b.unfulfillable),
  fulfillable: smaller(a.fulfillable, b.fulfillable),
  sellable: lesser(a.sellable, b.sellable),
  awaiting: lesser(a.awaiting, b.awaiting),
  expected: smaller(a.expected, b.expected),
})

const lesser = (a: Exact | null, b: Exact | null): Exact | null => (a === null || b === null ? null : smaller(a, b))

/** The group with the smallest yield, the first one on a tie; null if there are no groups. */
export function findLimiting(groups: readonly Group[], amountsOf: AmountsOf): Limiting | null {
  let limiting: { readonly group: Group; readonly units: Exact } | undefined
  for (const group of groups) {
    const units = groupYield(group, amountsOf)
    if (limiting === undefined || compare(units, limiting.units) < 0) limiting = { group, units }
  }
  if (limiting === undefined) return null
  const { group, units } = limiting
  return {
    component_sku: group.sku,
    inventory_item_ids: group.components.map((component) => component.inventoryItemId),
    yield: toNumber(units),
    shortfall: toNumber(shortfall(group, units, amountsOf)),
  }
}

/**
 * The fewest whole units that raise a group's yield to max(0, yield) + 1. If the unit quantities differ, they are units of
 * the item with the smallest one: no mixture of items gets there with fewer.
 */
function shortfall(group: Group, groupUnits: Exact, amountsOf: AmountsOf): Exact {
  const target = plus(larger(0, groupUnits), 1)
  const sum = groupSum(group, amountsOf)
  const lacking =
    group.units === null
      ? times(minus(target, sum), group.components.map((component) => component.units).reduce(smaller))
      : minus(times(target, group.units), sum)
  return minus(0, floorOver(minus(0, lacking), 1))
}
