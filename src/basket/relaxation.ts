import type { Rational } from '../stock/rational.js'
import type { Member } from './demands.js'
import { leastMultiple } from './demands.js'
import { type Budget, type Constraint, maximise, spend } from './simplex.js'

/** A contest under way to an assignment. */
export interface Quest {
  /** What there still is of each item. */
  readonly supplies: readonly bigint[]
  /** What is still to come together for each need. */
  readonly amounts: readonly bigint[]
  /** What 1 of each need's amount counts in what it lacks. */
  readonly units: readonly Rational[]
  readonly edges: readonly Edge[]
  /** The most that may be drawn on an edge, by its index, where that is bounded. */
  readonly caps: ReadonlyMap<number, bigint>
}

/** That a need can use an item. */
export interface Edge extends Member {
  readonly need: number
}

/** The best that can be done where amounts may be divided. */
export interface Relaxed {
  /** What is drawn on each edge, rounded to whole amounts both ways. */
  readonly draws: readonly { readonly down: bigint; readonly up: bigint }[]
  /** What each need lacks, where it lacks anything. The sum of that is as small as can be. */
  readonly lacking: ReadonlyMap<number, Rational>
}

/** Solves a quest by linear programming. Undefined where the budget does not suffice. */
export function relax({ supplies, amounts, units, edges, caps }: Quest, budget: Budget): Relaxed | undefined {
  const items = new Set(edges.map(({ item }) => item))
  const needs = new Set(edges.map(({ need }) => need))
  if (!spend(budget, (items.size + needs.size + caps.size + 1) * (edges.length + 1))) return undefined

  const common = units.map(({ denominator }) => denominator).reduce(leastMultiple, 1n)
  const weights = units.map(({ numerator, denominator }) => numerator * (common / denominator))
  const constraints: Constraint[] = [
    ...Array.from(items, (item) => ({
      coefficients: edges.map((edge) => (edge.item === item ? 1n : 0n)),
      bound: supplies[item] ?? 0n,
    })),
    ...Array.from(needs, (need) => ({
      coefficients: edges.map((edge) => (edge.need === need ? edge.worth : 0n)),
      bound: amounts[need] ?? 0n,
    })),
    ...Array.from(caps, ([capped, bound]) => ({
      coefficients: edges.map((_, edge) => (edge === capped ? 1n : 0n)),
      bound,
    })),
  ]
  const objective = edges.map(({ need, worth }) => worth * (weights[need] ?? 0n))
  const solution = maximise(objective, constraints, budget)
  if (solution === undefined) return undefined

  const { values, denominator } = solution
  const lacks = amounts.map((amount) => amount * denominator)
  for (const [edge, { need, worth }] of edges.entries()) {
    lacks[need] = (lacks[need] ?? 0n) - worth * (values[edge] ?? 0n)
  }
  const lacking = new Map<number, Rational>()
  for (const [need, lack] of lacks.entries()) {
    if (lack > 0n) {
      lacking.set(need, { numerator: lack * (weights[need] ?? 0n), denominator: denominator * common })
    }
  }
  return {
    draws: values.map((value) => ({ down: value / denominator, up: (value + denominator - 1n) / denominator })),
    lacking,
  }
}
