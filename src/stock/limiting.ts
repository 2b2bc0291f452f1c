import type { Group } from './groups.js'
import { compare, type Exact, floorOver, larger, minus, plus, smaller, times, toNumber } from './rational.js'
import type { Limiting } from './stock.js'
import { type AmountsOf, groupSum, groupYield } from './yields.js'

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
