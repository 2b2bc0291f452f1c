import type { Steps } from '../steps.js'
import type { Rational } from '../stock/rational.js'
import {
  type Allocation,
  type AllocationProblem,
  type Demand,
  greatestDivisor,
  hasEqualWeights,
  type Member,
} from './demands.js'
import { maxFlow } from './max-flow.js'
import { searchAllocation } from './search.js'
import type { StepBudget } from './simplex.js'

/** Whether all demands of a problem can be met in integer amounts; undefined if the step budget ran out first. */
export type AllocationResult = { readonly isFeasible: true } | { readonly isFeasible: undefined } | Infeasible

/** What cannot be met, and the best allocation that was found. */
export interface Infeasible {
  readonly isFeasible: false
  /**
   * The amount that each demand lacks, if any, counted in units of its member with the largest weight. All zero if
   * the demands could be met only by dividing units.
   */
  readonly unmet: ReadonlyMap<number, Rational>
  readonly allocations: readonly Allocation[]
}

/**
 * Decides whether supplies can be allocated so that all demands are met. If all weights are 1, the maximum flow decides,
 * whatever is left of the budget. Otherwise each item that only one open demand can use goes to that demand, repeatedly.
 * What remains is again a matter of flow if its weights are equal; else it is searched, within the budget.
 */
export function* allocate(problem: AllocationProblem, budget: StepBudget): Steps<AllocationResult> {
  if (isFlowProblem(problem)) return yield* allocateByFlow(problem)
  const { remaining, allocations } = yield* presolve(problem)
  const units = problem.demands.map((demand, index) => ({
    numerator: remaining.divisors[index] ?? 1n,
    denominator: largestWeight(demand),
  }))
  const result = isFlowProblem(remaining)
    ? yield* allocateByFlow(remaining, units)
    : yield* allocateByWeight(remaining, units, budget)
  return result.isFeasible === false ? { ...result, allocations: [...allocations, ...result.allocations] } : result
}

const isFlowProblem = ({ demands }: AllocationProblem) => demands.every(({ members }) => hasEqualWeights(members))

/** @param units what 1 of each demand's amount counts in `unmet`; 1 by default */
function* allocateByFlow(problem: AllocationProblem, units: readonly Rational[] = []): Steps<AllocationResult> {
  const allocations = yield* maxFlow(problem)
  const lacks = problem.demands.map(({ amount }) => amount)
  for (const { demand, amount } of allocations) lacks[demand] = (lacks[demand] ?? 0n) - amount
  const unmet = new Map<number, Rational>()
  for (const [demand, lack] of lacks.entries()) {
    const { numerator, denominator } = units[demand] ?? { numerator: 1n, denominator: 1n }
    if (lack > 0n) unmet.set(demand, { numerator: lack * numerator, denominator })
  }
  return unmet.size === 0 ? { isFeasible: true } : { isFeasible: false, unmet, allocations }
}

/**
 * Unequal weights. Two cheap sufficient conditions come before the search: a flow in which every member has its
 * demand's smallest weight, and taking the members with the largest weights first. If the search runs out of steps, a
 * flow in which every member has its demand's largest weight may still prove that the demands cannot be met.
 */
function* allocateByWeight(
  problem: AllocationProblem,
  units: readonly Rational[],
  budget: StepBudget,
): Steps<AllocationResult> {
  const atWorst = yield* allocateByFlow(withEqualWeights(problem, smallestWeight))
  if (atWorst.isFeasible || (yield* isMetGreedily(problem))) return { isFeasible: true }
  const result = yield* searchAllocation(problem, units, budget)
  if (result.isFeasible !== undefined) return result
  const atBest = yield* allocateByFlow(withEqualWeights(problem, largestWeight))
  return atBest.isFeasible === false ? atBest : result
}

/** Whether all demands are met by taking the members with the largest weights first. */
function* isMetGreedily(problem: AllocationProblem): Steps<boolean> {
  const supplies = [...problem.supplies]
  let demands: readonly Demand[] = problem.demands
  while (demands.some(({ members }) => members.length > 0)) {
    const weights = demands.map(largestWeight)
    const isHeaviest = ({ weight }: Member, demand: number) => weight === weights[demand]
    const heaviest = demands.map(({ amount, members }, demand) => ({
      amount,
      members: members.filter((member) => isHeaviest(member, demand)),
    }))
    const amounts = demands.map(({ amount }) => amount)
    const equal = withEqualWeights({ supplies, demands: heaviest }, largestWeight)
    for (const { demand, item, amount } of yield* maxFlow(equal)) {
      supplies[item] = (supplies[item] ?? 0n) - amount
      amounts[demand] = (amounts[demand] ?? 0n) - amount * (weights[demand] ?? 1n)
    }
    demands = demands.map(({ members }, demand) => {
      const amount = amounts[demand] ?? 0n
      return amount > 0n ? { amount, members: members.filter((member) => !isHeaviest(member, demand)) } : met
    })
  }
  return demands.every(({ amount }) => amount === 0n)
}

/** The problem with all members of a demand at the same weight, in units of them. */
const withEqualWeights = (
  { supplies, demands }: AllocationProblem,
  weightOf: (demand: Demand) => bigint,
): AllocationProblem => ({
  supplies,
  demands: demands.map((demand) => {
    const members = demand.members.map(({ item }) => ({ item, weight: 1n }))
    return { amount: divideUp(demand.amount, weightOf(demand)), members }
  }),
})

const largestWeight = ({ members }: Demand) =>
  members.map(({ weight }) => weight).reduce((most, weight) => (weight - most > 0n ? weight : most), 1n)

const smallestWeight = (demand: Demand) =>
  demand.members
    .map(({ weight }) => weight)
    .reduce((least, weight) => (weight - least < 0n ? weight : least), largestWeight(demand))

/** A problem of which a part is decided. Demands keep their indices; one that is met has no members. */
interface Presolved extends AllocationProblem {
  /** The divisor by which the amount and the weights of each demand were reduced. */
  readonly divisors: readonly bigint[]
}

const met: Demand = { amount: 0n, members: [] }

/** Gives each item that only one open demand can use to that demand, until no such item is left. */
function* presolve(problem: AllocationProblem): Steps<{
  readonly remaining: Presolved
  readonly allocations: readonly Allocation[]
}> {
  const supplies = [...problem.supplies]
  const amounts = problem.demands.map(({ amount }) => amount)
  const allocations: Allocation[] = []
  for (let previous = -1; previous < allocations.length; ) {
    previous = allocations.length
    yield
    for (const [item, user] of soleUsers(problem.demands, amounts)) {
      const amount = supplies[item] ?? 0n
      if (user === undefined || amount === 0n) continue
      allocations.push({ demand: user.demand, item, amount })
      amounts[user.demand] = (amounts[user.demand] ?? 0n) - amount * user.weight
      supplies[item] = 0n
    }
  }
  const demands = problem.demands.map(({ members }, demand) => {
    const amount = amounts[demand] ?? 0n
    return reduceWeights(amount > 0n ? { amount, members: members.filter(({ item }) => supplies[item]) } : met)
  })
  return { remaining: { supplies, demands, divisors: demands.map(({ divisor }) => divisor) }, allocations }
}

/** The only open demand that can use each item; undefined if there are several. */
function soleUsers(demands: readonly Demand[], amounts: readonly bigint[]) {
  const users = new Map<number, { readonly demand: number; readonly weight: bigint } | undefined>()
  for (const [demand, { members }] of demands.entries()) {
    if ((amounts[demand] ?? 0n) <= 0n) continue
    for (const { item, weight } of members) users.set(item, users.has(item) ? undefined : { demand, weight })
  }
  return users
}

/** Divides a demand by the common divisor of its weights. The amount is rounded up: integer units give multiples. */
function reduceWeights({ amount, members }: Demand): Demand & { readonly divisor: bigint } {
  const divisor = members.reduce((common, { weight }) => greatestDivisor(common, weight), 0n) || 1n
  return {
    amount: divideUp(amount, divisor),
    members: members.map(({ item, weight }) => ({ item, weight: weight / divisor })),
    divisor,
  }
}

/** a / b, rounded up, neither below zero. */
const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b
