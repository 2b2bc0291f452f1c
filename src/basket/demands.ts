import type { Group } from '../stock/components.js'
import { type Exact, type Rational, toRational } from '../stock/rational.js'

/** Units of a product that lines ask of a group of items. Groups of the same items in the same numbers are one. */
export interface Demand {
  /** By id. */
  readonly members: readonly ClaimMember[]
  /** Units of the product. */
  readonly quantity: bigint
  /** Every SKU that a component of it has. */
  readonly skus: ReadonlySet<string | null>
}

/** One of the items that can serve a claim, and how many units of it one unit of the product needs. */
export interface ClaimMember {
  readonly inventoryItemId: string
  readonly units: Rational
}

/**
 * What lines ask of their groups, with equal groups merged, so that a line is no different from two that ask for
 * halves of it. The order of the claims is that of their items, whatever the order of the lines.
 */
export function mergeDemands(asked: Iterable<{ readonly group: Group; readonly quantity: number }>): Demand[] {
  const claims = new Map<string, Demand>()
  for (const { group, quantity } of asked) {
    const members = group.components
      .map(({ inventoryItemId, units }) => ({ inventoryItemId, units: reduced(units) }))
      .toSorted((a, b) => (a.inventoryItemId < b.inventoryItemId ? -1 : 1))
    const key = JSON.stringify(
      members.map(({ inventoryItemId, units }) => [inventoryItemId, `${units.numerator}/${units.denominator}`]),
    )
    const earlier = claims.get(key)
    claims.set(key, {
      members,
      quantity: (earlier?.quantity ?? 0n) + toRational(quantity).numerator,
      skus: new Set([...(earlier?.skus ?? []), ...group.components.map((component) => component.sku)]),
    })
  }
  return [...claims].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
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

/**
 * Claims that share items, directly or by way of each other, and these items. All amounts are whole: units of items are
 * counted in `1 / scale` of a unit, the coarsest measure that fits every number of the pool.
 */
export interface Pool {
  readonly scale: bigint
  readonly items: readonly PoolItem[]
  readonly claims: readonly PoolDemand[]
}

/** What there is of an item; below zero when oversold. */
export interface PoolItem {
  readonly inventoryItemId: string
  readonly amount: bigint
}

/** A claim as a sum: what its members give, each times its worth, must come to `amount`. */
export interface PoolDemand {
  readonly amount: bigint
  readonly members: readonly Member[]
  readonly skus: ReadonlySet<string | null>
}

/** An item, as an index into the pool's, and what one of it counts. All are worth 1 where they are needed alike. */
export interface Member {
  readonly item: number
  readonly worth: bigint
}

/** Whether all members are worth the same, which is 1: as many units of each are needed. */
export const isAlike = (members: readonly Member[]): boolean => members.every(({ worth }) => worth === 1n)

/** The claims, sorted into pools that have no item in common. `amountOf` says what there is of an item. */
export const toPools = (claims: readonly Demand[], amountOf: (inventoryItemId: string) => Exact): Pool[] =>
  connected(claims, (claim) => claim.members.map((member) => member.inventoryItemId)).map((part) =>
    toPool(part, amountOf),
  )

/** Things in parts: those that have a key in common, directly or by way of others, are in the same one. */
export function connected<T>(things: Iterable<T>, keysOf: (thing: T) => readonly (string | number)[]): T[][] {
  const sharers = new Map<string | number, T[]>()
  const unseen = new Set(things)
  for (const thing of unseen) {
    for (const key of keysOf(thing)) {
      const known = sharers.get(key)
      if (known === undefined) sharers.set(key, [thing])
      else known.push(thing)
    }
  }
  const parts: T[][] = []
  for (const first of unseen) {
    unseen.delete(first)
    const part = [first]
    for (const thing of part) {
      for (const key of keysOf(thing)) {
        for (const sharer of sharers.get(key) ?? []) if (unseen.delete(sharer)) part.push(sharer)
        sharers.delete(key)
      }
    }
    parts.push(part)
  }
  return parts
}

function toPool(claims: readonly Demand[], amountOf: (inventoryItemId: string) => Exact): Pool {
  const indices = new Map<string, number>()
  let scale = 1n
  for (const { inventoryItemId, units } of claims.flatMap((claim) => claim.members)) {
    if (!indices.has(inventoryItemId)) indices.set(inventoryItemId, indices.size)
    scale = leastMultiple(scale, units.denominator)
  }
  const amounts = Array.from(indices.keys(), (inventoryItemId) => reduced(amountOf(inventoryItemId)))
  for (const { denominator } of amounts) scale = leastMultiple(scale, denominator)
  const scaled = ({ numerator, denominator }: { numerator: bigint; denominator: bigint }) =>
    numerator * (scale / denominator)

  return {
    scale,
    items: Array.from(indices.keys(), (inventoryItemId, index) => ({
      inventoryItemId,
      amount: scaled(amounts[index] ?? reduced(0)),
    })),
    claims: claims.map(({ members, quantity, skus }) => {
      const whole = members.map(({ units }) => scaled(units)).reduce(leastMultiple)
      return {
        amount: quantity * whole,
        members: members.map(({ inventoryItemId, units }) => ({
          item: indices.get(inventoryItemId) ?? 0,
          worth: whole / scaled(units),
        })),
        skus,
      }
    }),
  }
}
