import { compare, type Exact, floorOver, larger, minus, over, plus, toNumber } from '../stock/rational.js'
import type { Failure } from './assignment.js'
import type { Shortage } from './basket-result.js'
import { connected, isAlike, type Pool, type PoolDemand, type PoolItem } from './demands.js'

/**
 * What a pool lacks whose claims cannot all be met: the claims that lack something, those that draw on their items, and
 * so on; those of them that have items in common make one shortage. Where each claim needs its items in like number,
 * and no claims of different items share a debt, these are the fewest claims that lack all that is lacking (the
 * smallest of the minimum cuts), whichever assignment was found. So more of an item that is named always brings the
 * basket nearer, more of any other one does not, and less than the shortfall never suffices, wherever it is added.
 *
 * Where a claim needs them in different numbers the shortfall is what the best division lacks, in units of the items
 * of which fewest are needed, rounded up to whole units.
 */
export function poolShortages(pool: Pool, { lacking, draws }: Failure): Shortage[] {
  const itemsOf = (claim: number) => (pool.claims[claim]?.members ?? []).map(({ item }) => item)
  const drawers = new Map<number, number[]>()
  for (const { need, item } of draws) drawers.set(item, [...(drawers.get(item) ?? []), need])
  const reached = new Set(lacking.keys())
  for (const claim of reached) {
    for (const drawer of itemsOf(claim).flatMap((item) => drawers.get(item) ?? [])) reached.add(drawer)
  }
  return connected(reached, itemsOf).map((part) =>
    toShortage(
      part.flatMap((claim) => pool.claims[claim] ?? []),
      [...new Set(part.flatMap(itemsOf))].flatMap((item) => pool.items[item] ?? []),
      part.map((claim) => lacking.get(claim) ?? 0).reduce<Exact>(plus, 0),
      { numerator: pool.scale, denominator: 1n },
    ),
  )
}

function toShortage(claims: readonly PoolDemand[], items: readonly PoolItem[], lack: Exact, scale: Exact): Shortage {
  const inUnits = (amount: bigint) => over({ numerator: amount, denominator: 1n }, scale)
  const available = inUnits(items.reduce((sum, { amount }) => sum + amount, 0n))
  const required = inUnits(claims.reduce((sum, { amount }) => sum + amount, 0n))
  const exact = claims.every(({ members }) => isAlike(members)) && compare(required, available) > 0
  const shortfall = exact ? minus(required, available) : larger(1, minus(0, floorOver(minus(0, lack), scale)))
  const [sku = null, ...otherSkus] = new Set(claims.flatMap((claim) => [...claim.skus]))
  return {
    inventory_item_ids: items.map(({ inventoryItemId }) => inventoryItemId),
    sku: otherSkus.length === 0 ? sku : null,
    required: toNumber(plus(available, shortfall)),
    available: toNumber(available),
    shortfall: toNumber(shortfall),
  }
}
