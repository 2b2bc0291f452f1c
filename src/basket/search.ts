import type { Steps } from '../steps.js'
import type { Rational } from '../stock/rational.js'
import type { AllocationResult } from './allocation.js'
import { type AllocationProblem, leastMultiple, type Member } from './demands.js'
import { type Constraint, maximize, type StepBudget, spend } from './simplex.js'

/**
 * Searches for an allocation in integer amounts, by branch and bound on the linear relaxation, in which amounts may be
 * divided. If the relaxation cannot meet every demand, nothing can. If its best solution still fits the supplies with
 * each amount rounded up, that is an allocation. Otherwise one demand takes a fraction of an item that is short: it takes
 * either at least the next integer amount or at most the previous one, and both branches are searched.
 *
 * The number of branches may be exponential, so the budget bounds it. The same problem always costs the same.
 *
 * @param units what 1 of each demand's amount counts in `unmet`
 */
export function* searchAllocation(
  { supplies, demands }: AllocationProblem,
  units: readonly Rational[],
  budget: StepBudget,
): Steps<AllocationResult> {
  const root: Branch = {
    supplies,
    amounts: demands.map(({ amount }) => amount),
    units,
    edges: demands.flatMap(({ members }, demand) => members.map((member) => ({ ...member, demand }))),
    caps: new Map(),
  }
  const open = [root]
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const relaxed = yield* relax(branch, budget)
    if (relaxed === undefined) return { isFeasible: undefined }
    if (relaxed.unmet.size > 0) {
      if (branch === root) return { isFeasible: false, unmet: relaxed.unmet, allocations: toAllocations(root, relaxed) }
      continue
    }
    const edge = findFractionalEdge(branch, relaxed)
    if (edge === undefined) return { isFeasible: true }
    const { down, up } = relaxed.flows[edge] ?? { down: 0n, up: 1n }
    open.push({ ...branch, caps: new Map(branch.caps).set(edge, down) }, withFlow(branch, edge, up))
  }
  const unmet = new Map<number, Rational>()
  for (const { demand } of root.edges) unmet.set(demand, { numerator: 0n, denominator: 1n })
  return { isFeasible: false, unmet, allocations: [] }
}

/** A problem with the decisions taken so far. */
interface Branch {
  /** What is left of each item. */
  readonly supplies: readonly bigint[]
  /** What is left to meet of each demand. */
  readonly amounts: readonly bigint[]
  readonly units: readonly Rational[]
  readonly edges: readonly Edge[]
  /** The largest flow allowed on an edge, by its index. */
  readonly caps: ReadonlyMap<number, bigint>
}

/** An item that a demand can use. */
interface Edge extends Member {
  readonly demand: number
}

/** The best solution in which amounts may be divided. */
interface Relaxed {
  /** The flow on each edge, rounded to integers both ways. */
  readonly flows: readonly { readonly down: bigint; readonly up: bigint }[]
  /** What each demand lacks, if anything. The sum of it is minimal. */
  readonly unmet: ReadonlyMap<number, Rational>
}

/** Solves the linear relaxation of a branch; undefined if the budget runs out. */
function* relax({ supplies, amounts, units, edges, caps }: Branch, budget: StepBudget): Steps<Relaxed | undefined> {
  const items = new Set(edges.map(({ item }) => item))
  const demands = new Set(edges.map(({ demand }) => demand))
  if (!spend(budget, (items.size + demands.size + caps.size + 1) * (edges.length + 1))) return undefined

  const commonDenominator = units.map(({ denominator }) => denominator).reduce(leastMultiple, 1n)
  const unitValues = units.map(({ numerator, denominator }) => numerator * (commonDenominator / denominator))
  const constraints: Constraint[] = []
  for (const item of items) {
    yield
    const coefficients = edges.map((edge) => (edge.item === item ? 1n : 0n))
    constraints.push({ coefficients, bound: supplies[item] ?? 0n })
  }
  for (const demand of demands) {
    yield
    const coefficients = edges.map((edge) => (edge.demand === demand ? edge.weight : 0n))
    constraints.push({ coefficients, bound: amounts[demand] ?? 0n })
  }
  for (const [capped, bound] of caps) {
    yield
    constraints.push({ coefficients: edges.map((_, edge) => (edge === capped ? 1n : 0n)), bound })
  }
  const objective = edges.map(({ demand, weight }) => weight * (unitValues[demand] ?? 0n))
  const solution = yield* maximize(objective, constraints, budget)
  if (solution === undefined) return undefined

  const { values, denominator } = solution
  const lacks = amounts.map((amount) => amount * denominator)
  for (const [edge, { demand, weight }] of edges.entries()) {
    lacks[demand] = (lacks[demand] ?? 0n) - weight * (values[edge] ?? 0n)
  }
  const unmet = new Map<number, Rational>()
  for (const [demand, lack] of lacks.entries()) {
    if (lack > 0n) {
      unmet.set(demand, {
        numerator: lack * (unitValues[demand] ?? 0n),
        denominator: denominator * commonDenominator,
      })
    }
  }
  return {
    flows: values.map((value) => ({ down: value / denominator, up: (value + denominator - 1n) / denominator })),
    unmet,
  }
}

const toAllocations = ({ edges }: Branch, { flows }: Relaxed) =>
  edges.flatMap(({ demand, item }, edge) => {
    const amount = flows[edge]?.up ?? 0n
    return amount > 0n ? [{ demand, item, amount }] : []
  })

/** An edge with a fractional flow from an item that is too short to round all of its flows up. */
function findFractionalEdge({ edges, supplies }: Branch, { flows }: Relaxed): number | undefined {
  const left = [...supplies]
  for (const [edge, { item }] of edges.entries()) left[item] = (left[item] ?? 0n) - (flows[edge]?.up ?? 0n)
  const found = edges.findIndex(({ item }, edge) => (left[item] ?? 0n) < 0n && flows[edge]?.up !== flows[edge]?.down)
  return found < 0 ? undefined : found
}

/** The branch once `amount` flows on an edge, to which more may be added. */
function withFlow(branch: Branch, edge: number, amount: bigint): Branch {
  const { item, demand, weight } = branch.edges[edge] ?? { item: 0, demand: 0, weight: 0n }
  const rest = (branch.amounts[demand] ?? 0n) - amount * weight
  const cap = branch.caps.get(edge)
  return {
    ...branch,
    supplies: branch.supplies.with(item, (branch.supplies[item] ?? 0n) - amount),
    amounts: branch.amounts.with(demand, rest > 0n ? rest : 0n),
    caps: cap === undefined ? branch.caps : new Map(branch.caps).set(edge, cap - amount),
  }
}
