import { mapSteps, type Steps } from '../steps.js'
import { compare, type Exact, floorOver, larger, minus, over, plus, toNumber } from '../stock/rational.js'
import type { Infeasible } from './allocation.js'
import type { Shortage } from './basket-result.js'
import { connectedParts, hasEqualWeights, type Pool, type PooledDemand, type PoolItem } from './demands.js'

/**
 * The shortages of a pool whose demands cannot all be met: the demands that lack something, those that use their items,
 * and so on. Those that share items make one shortage. If all weights are 1 and no demands of different items share a
 * debt, these are the fewest demands that lack all that is lacking (the smallest minimum cut), whichever allocation was
 * found: one more unit of a named item always brings the basket nearer, one more of any other item does not, and less
 * than the shortfall never suffices, wherever it is added.
 *
 * With unequal weights the shortfall is what the best division lacks, in units of the items of which fewest are needed,
 * rounded up to whole units.
 */
export function* poolShortages(pool: Pool, { unmet, allocations }: Infeasible): Steps<Shortage[]> {
  const itemsOf = (demand: number) => (pool.demands[demand]?.members ?? []).map(({ item }) => item)
  const usersOf = new Map<number, number[]>()
  for (const { demand, item } of allocations) {
    const users = usersOf.get(item)
    if (users === undefined) usersOf.set(item, [demand])
    else users.push(demand)
  }
  const reached = new Set(unmet.keys())
  const seenItems = new Set<number>()
  for (const demand of reached) {
    yield
    for (const item of itemsOf(demand)) {
      if (seenItems.has(item)) continue
      seenItems.add(item)
      for (const user of usersOf.get(item) ?? []) reached.add(user)
    }
  }
  const parts = yield* connectedParts(reached, itemsOf)
  return yield* mapSteps(parts, (part) =>
    toShortage(
      part.flatMap((demand) => pool.demands[demand] ?? []),
      [...new Set(part.flatMap(itemsOf))].flatMap((item) => pool.items[item] ?? []),
      part.map((demand) => unmet.get(demand) ?? 0).reduce<Exact>(plus, 0),
      { numerator: pool.scale, denominator: 1n },
    ),
  )
}

function toShortage(demands: readonly PooledDemand[], items: readonly PoolItem[], lack: Exact, scale: Exact): Shortage {
  const inUnits = (amount: bigint) => over({ numerator: amount, denominator: 1n }, scale)
  const available = inUnits(items.reduce((sum, { amount }) => sum + amount, 0n))
  const required = inUnits(demands.reduce((sum, { amount }) => sum + amount, 0n))
  const isExact = demands.every(({ members }) => hasEqualWeights(members)) && compare(required, available) > 0
  const shortfall = isExact ? minus(required, available) : larger(1, minus(0, floorOver(minus(0, lack), scale)))
  const [sku = null, ...otherSkus] = new Set(demands.flatMap((demand) => [...demand.skus]))
  return {
    inventory_item_ids: items.map(({ inventoryItemId }) => inventoryItemId),
    sku: otherSkus.length === 0 ? sku : null,
    required: toNumber(plus(available, shortfall)),
    available: toNumber(available),
    shortfall: toNumber(shortfall),
  }
}
