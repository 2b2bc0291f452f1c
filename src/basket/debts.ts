import type { Steps } from '../steps.js'
import { compare, type Exact, plus } from '../stock/rational.js'
import { type AllocationResult, allocate, type Infeasible } from './allocation.js'
import { type AllocationProblem, hasEqualWeights, type Pool, type PooledDemand } from './demands.js'
import { type StepBudget, spend } from './simplex.js'

/** An item below zero. */
interface Debt {
  readonly item: number
  readonly owed: bigint
  /** The demands that may have to pay it, by index. */
  readonly payers: readonly number[]
}

/**
 * Decides whether all demands of a pool can be met. An item below zero is a debt. One of the demands that hold the item
 * pays it, once, on top of its own amount, and the demands must be met whichever demand that is. If all weights are 1
 * this means: any set of demands needs no more than its items have together, each item counted once and debts as
 * negative amounts. So one product's demands agree with its stock, and a larger basket is never easier to meet.
 *
 * If the debts can be paid by every demand that holds them at once, that is the answer. Otherwise each choice of payers
 * is tried in turn, within the budget, and the choice that lacks most is reported.
 */
export function* allocatePool(pool: Pool, budget: StepBudget): Steps<AllocationResult> {
  const debts = findDebts(pool)
  const everyPayer = yield* allocate(toProblem(pool, debts), budget)
  if (everyPayer.isFeasible || debts.every(({ payers }) => payers.length === 1)) return everyPayer

  let worst: { readonly result: Infeasible; readonly lack: Exact } | undefined
  let isUndecided = false
  const steps = STEPS_PER_MEMBER * pool.demands.reduce((sum, { members }) => sum + members.length, 0)
  for (const choice of payerChoices(debts)) {
    if (!spend(budget, steps)) {
      isUndecided = true
      break
    }
    const result = yield* allocate(toProblem(pool, choice), budget)
    if (result.isFeasible === undefined) isUndecided = true
    if (result.isFeasible !== false) continue
    const lack = [...result.unmet.values()].reduce<Exact>(plus, 0)
    if (worst === undefined || compare(lack, worst.lack) > 0) worst = { result, lack }
  }
  return worst?.result ?? { isFeasible: isUndecided ? undefined : true }
}

/** The cost of a flow per member, in steps of the search. */
const STEPS_PER_MEMBER = 40

function findDebts({ items, demands }: Pool): Debt[] {
  const holders = new Map<number, number[]>()
  for (const [demand, { members }] of demands.entries()) {
    for (const { item } of members) {
      if ((items[item]?.amount ?? 0n) >= 0n) continue
      const known = holders.get(item)
      if (known === undefined) holders.set(item, [demand])
      else known.push(demand)
    }
  }
  return Array.from(holders, ([item, indices]) => ({
    item,
    owed: -(items[item]?.amount ?? 0n),
    payers: withoutRedundant(indices, demands),
  }))
}

/**
 * The demands that must be tried as payers of one item. A demand with equal weights can pass a debt that it is able to
 * pay on to any other such demand that has all of its members and more, so the larger one need not be tried.
 */
function withoutRedundant(holders: readonly number[], demands: readonly PooledDemand[]): number[] {
  const itemsByHolder = new Map<number, ReadonlySet<number>>()
  for (const holder of holders) {
    const members = demands[holder]?.members ?? []
    if (hasEqualWeights(members)) itemsByHolder.set(holder, new Set(members.map(({ item }) => item)))
  }
  return holders.filter((holder) => {
    const own = itemsByHolder.get(holder)
    return !Array.from(itemsByHolder).some(
      ([other, items]) =>
        own !== undefined &&
        (items.size < own.size || (items.size === own.size && other < holder)) &&
        [...items].every((item) => own.has(item)),
    )
  })
}

/** Every choice of one payer for each debt. */
function* payerChoices(debts: readonly Debt[]): Generator<Debt[]> {
  const chosen = debts.map(() => 0)
  let digit = 0
  while (digit < debts.length) {
    yield debts.map((debt, index) => ({ ...debt, payers: debt.payers.slice(chosen[index]).slice(0, 1) }))
    // Counts up, with one digit per debt.
    for (digit = 0; digit < debts.length; digit += 1) {
      const next = (chosen[digit] ?? 0) + 1
      chosen[digit] = next < (debts[digit]?.payers.length ?? 0) ? next : 0
      if (chosen[digit] !== 0) break
    }
  }
}

/** The allocation problem in which every payer of a debt pays all of it. */
function toProblem({ items, demands }: Pool, debts: readonly Debt[]): AllocationProblem {
  const byItem = new Map(debts.map((debt) => [debt.item, debt]))
  return {
    supplies: items.map(({ amount }) => (amount > 0n ? amount : 0n)),
    demands: demands.map(({ amount, members }, demand) => {
      let total = amount
      for (const { item, weight } of members) {
        const debt = byItem.get(item)
        if (debt?.payers.includes(demand)) total += debt.owed * weight
      }
      return { amount: total, members }
    }),
  }
}
