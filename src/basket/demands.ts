import type { Steps } from '../steps.js'
import type { Group } from '../stock/components.js'
import { type Exact, type Rational, toRational } from '../stock/rational.js'

/** Units of a product that lines demand of a group of items. Groups of the same items in the same numbers are one. */
export interface GroupDemand {
  /** Sorted by id. */
  readonly members: readonly GroupMember[]
  /** Units of the product. */
  readonly quantity: bigint
  /** Every SKU that one of its components has. */
  readonly skus: ReadonlySet<string | null>
}

/** One of the items that can serve a demand, and the units of it that one unit of the product needs. */
export interface GroupMember {
  readonly inventoryItemId: string
  readonly units: Rational
}

/** Demands to meet from supplies. No amount is below zero. */
export interface AllocationProblem {
  /** Available amount of each item. */
  readonly supplies: readonly bigint[]
  readonly demands: readonly Demand[]
}

/** Amounts of the members, each times its weight, must add up to at least `amount`. */
export interface Demand {
  readonly amount: bigint
  readonly members: readonly Member[]
}

/** An item, as an index into the supplies, and how much one unit of it counts. Equal unit quantities give weight 1. */
export interface Member {
  readonly item: number
  readonly weight: bigint
}

/** An amount of an item that goes to a demand. */
export interface Allocation {
  readonly demand: number
  readonly item: number
  readonly amount: bigint
}

/**
 * Demands that share items, directly or through each other, and those items. All amounts are integers: items are
 * counted in `1 / scale` of a unit, the coarsest measure in which every number of the pool is an integer.
 */
export interface Pool {
  readonly scale: bigint
  readonly items: readonly PoolItem[]
  readonly demands: readonly PooledDemand[]
}

/** An item and its available amount; below zero when oversold. */
export interface PoolItem {
  readonly inventoryItemId: string
  readonly amount: bigint
}

/** A demand with the SKUs of its components. */
export interface PooledDemand extends Demand {
  readonly skus: ReadonlySet<string | null>
}

/** Whether the same number of units is needed of every member. */
export const hasEqualWeights = (members: readonly Member[]): boolean => members.every(({ weight }) => weight === 1n)

/**
 * The demands of all lines, with equal groups merged: two lines that ask for parts of a quantity are the same as one
 * line that asks for all of it. Demands are ordered by their items, whatever the order of the lines.
 */
export function* mergeDemands(
  groupLines: Iterable<{ readonly group: Group; readonly quantity: number }>,
): Steps<GroupDemand[]> {
  const demands = new Map<string, GroupDemand>()
  for (const { group, quantity } of groupLines) {
    yield
    const members = group.components
      .map(({ inventoryItemId, units }) => ({ inventoryItemId, units: reduced(units) }))
      .toSorted((a, b) => (a.inventoryItemId < b.inventoryItemId ? -1 : 1))
    const key = JSON.stringify(
      members.map(({ inventoryItemId, units }) => [inventoryItemId, `${units.numerator}/${units.denominator}`]),
    )
    const existing = demands.get(key)
    demands.set(key, {
      members,
      quantity: (existing?.quantity ?? 0n) + toRational(quantity).numerator,
      skus: new Set([...(existing?.skus ?? []), ...group.components.map((component) => component.sku)]),
    })
  }
  return [...demands].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, demand]) => demand)
}

/** Divides demands into pools that have no item in common. */
export function* toPools(demands: readonly GroupDemand[], amountOf: (inventoryItemId: string) => Exact): Steps<Pool[]> {
  const pools: Pool[] = []
  const itemIdsOf = ({ members }: GroupDemand) => members.map(({ inventoryItemId }) => inventoryItemId)
  for (const part of yield* connectedParts(demands, itemIdsOf)) pools.push(yield* toPool(part, amountOf))
  return pools
}

function* toPool(demands: readonly GroupDemand[], amountOf: (inventoryItemId: string) => Exact): Steps<Pool> {
  const indices = new Map<string, number>()
  let scale = 1n
  for (const { members } of demands) {
    yield
    for (const { inventoryItemId, units } of members) {
      if (!indices.has(inventoryItemId)) indices.set(inventoryItemId, indices.size)
      scale = leastMultiple(scale, units.denominator)
    }
  }
  const amounts: Rational[] = []
  for (const inventoryItemId of indices.keys()) {
    yield
    amounts.push(reduced(amountOf(inventoryItemId)))
  }
  for (const { denominator } of amounts) scale = leastMultiple(scale, denominator)
  const scaled = ({ numerator, denominator }: Rational) => numerator * (scale / denominator)

  const pooled: PooledDemand[] = []
  for (const { members, quantity, skus } of demands) {
    yield
    const unit = members.map(({ units }) => scaled(units)).reduce(leastMultiple)
    pooled.push({
      amount: quantity * unit,
      members: members.map(({ inventoryItemId, units }) => ({
        item: indices.get(inventoryItemId) ?? 0,
        weight: unit / scaled(units),
      })),
      skus,
    })
  }
  return {
    scale,
    items: Array.from(indices.keys(), (inventoryItemId, index) => ({
      inventoryItemId,
      amount: scaled(amounts[index] ?? reduced(0)),
    })),
    demands: pooled,
  }
}

/** Connected components: values that share a key, directly or through other values, are in the same part. */
export function* connectedParts<T>(
  values: Iterable<T>,
  keysOf: (value: T) => readonly (string | number)[],
): Steps<T[][]> {
  const byKey = new Map<string | number, T[]>()
  const unvisited = new Set(values)
  for (const value of unvisited) {
    yield
    for (const key of keysOf(value)) {
      const sharing = byKey.get(key)
      if (sharing === undefined) byKey.set(key, [value])
      else sharing.push(value)
    }
  }
  const parts: T[][] = []
  for (const first of unvisited) {
    unvisited.delete(first)
    const part = [first]
    for (const value of part) {
      yield
      for (const key of keysOf(value)) {
        for (const neighbour of byKey.get(key) ?? []) if (unvisited.delete(neighbour)) part.push(neighbour)
        byKey.delete(key)
      }
    }
    parts.push(part)
  }
  return parts
}

/** The same fraction in lowest terms. */
export function reduced(value: Exact): Rational {
  const { numerator, denominator } = toRational(value)
  const divisor = greatestDivisor(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

/** The greatest common divisor of two integers, the second above zero. */
export function greatestDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a < 0n ? -a : a, b]
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller]
  return larger
}

/** The least common multiple of two integers above zero. */
export const leastMultiple = (a: bigint, b: bigint): bigint => (a / greatestDivisor(a, b)) * b
