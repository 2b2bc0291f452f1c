import type { Group } from './components.js'
import { type Amounts, addAmounts, noAmounts } from './quantities.js'
import { compare, type Exact, floorOver, larger, minus, over, plus, smaller, times, toNumber } from './rational.js'
import type { Limiting } from './stock.js'

/** What each item gives: in all, in some warehouses or in one. */
export type AmountsOf = (inventoryItemId: string) => Amounts

/**
 * The contract's rules 2 to 4: the quantities of a product of these groups. Without any group they are 0, and one that
 * a group has no item to state is null. `committed` and `unfulfillable` mean nothing for a kit, whose `awaiting` is how
 * many more can be built once what is awaited has come.
 */
export function productAmounts(groups: readonly Group[], isKit: boolean, give: AmountsOf): Amounts {
  let least: Yields | undefined
  for (const group of groups) {
    const yields = groupYields(group, give)
    least = least === undefined ? yields : smallest(least, yields)
  }
  const yields = least ?? none
  if (!isKit) return yields
  const more = minus(larger(0, yields.expected), larger(0, yields.fulfillable))
  return {
    onhand: yields.onhand,
    committed: null,
    unfulfillable: null,
    fulfillable: yields.fulfillable,
    sellable: yields.sellable,
    awaiting: more,
  }
}

/** The whole units of the product that a group suffices for. */
export const groupYield = (group: Group, give: AmountsOf): Exact => floorOver(groupSum(group, give), group.units ?? 1)

/**
 * What is fulfillable of a group's items: in units of the item where they all need the same number of them for one of
 * the product, which spares the division until the end, in units of the product where they do not.
 */
export const groupSum = (group: Group, give: AmountsOf): Exact => groupSums(group, give).fulfillable

/** Whole units of the product, for each quantity; `expected` is that of fulfillable + awaiting. */
interface Yields extends Amounts {
  readonly expected: Exact
}

const none: Yields = {
  onhand: 0,
  committed: 0,
  unfulfillable: 0,
  fulfillable: 0,
  sellable: 0,
  awaiting: 0,
  expected: 0,
}

// Field by field, here and below: objects made by spreading are several times slower to make and to read.
function groupYields(group: Group, give: AmountsOf): Yields {
  const units = group.units ?? 1
  const sums = groupSums(group, give)
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

function groupSums(group: Group, give: AmountsOf): Amounts {
  let sums = noAmounts
  for (const { inventoryItemId, units } of group.components) {
    const amounts = give(inventoryItemId)
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

/** The group that keeps more of a kit from being built, the first one on a tie; null where there is no group. */
export function findLimiting(groups: readonly Group[], give: AmountsOf): Limiting | null {
  let scarcest: { readonly group: Group; readonly yielded: Exact } | undefined
  for (const group of groups) {
    const yielded = groupYield(group, give)
    if (scarcest === undefined || compare(yielded, scarcest.yielded) < 0) scarcest = { group, yielded }
  }
  if (scarcest === undefined) return null
  const { group, yielded } = scarcest
  return {
    component_sku: group.sku,
    inventory_item_ids: group.components.map((component) => component.inventoryItemId),
    yield: toNumber(yielded),
    shortfall: toNumber(shortfall(group, yielded, give)),
  }
}

/**
 * The fewest whole units that lift a group's yield to max(0, yield) + 1. Where its items need different unit
 * quantities they are units of the one that needs fewest: no mixture of its items gets there with less.
 */
function shortfall(group: Group, yielded: Exact, give: AmountsOf): Exact {
  const target = plus(larger(0, yielded), 1)
  const sum = groupSum(group, give)
  const lacking =
    group.units === null
      ? times(minus(target, sum), group.components.map((component) => component.units).reduce(smaller))
      : minus(times(target, group.units), sum)
  return minus(0, floorOver(minus(0, lacking), 1))
}
