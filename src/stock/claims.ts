import type { Group } from './groups.js'
import { type Exact, type Rational, toRational } from './rational.js'

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
