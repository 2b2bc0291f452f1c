import { compare, type Exact, plus } from '../stock/rational.js'
import { assign, type Failure, type Outcome } from './assignment.js'
import { isAlike, type Pool, type PoolDemand } from './demands.js'
import type { Contest } from './exact-flow.js'
import { type Budget, spend } from './simplex.js'

/** An item below zero. */
interface Debt {
  readonly item: number
  readonly owed: bigint
  /** The claims that may have to pay it. */
  readonly payers: readonly number[]
}

/**
 * Whether all claims of a pool can be met. An item below zero is a debt, which is paid once, on top of what it claims
 * for itself, by one of the claims that hold the item. Nobody knows which, so whichever it is, all claims must be met.
 * For claims whose members are all worth 1 that comes to this: whichever of them are taken, what they claim is no more
 * than their items hold together, each counted once and debts as they are. It makes one product's claims agree with
 * its stock, and no basket easier for having more in it.
 *
 * Where all debts together can be paid by every claim that holds them, that settles it. Otherwise one choice of payers
 * after the other is tried, out of the budget; what lacks most is what is reported.
 */
export function meetClaims(pool: Pool, budget: Budget): Outcome {
  const debts = debtsOf(pool)
  const all = assign(contestOf(pool, debts), budget)
  if (all.coverable || debts.every(({ payers }) => payers.length === 1)) return all

  let worst: { readonly failure: Failure; readonly lack: Exact } | undefined
  let undecided = false
  const steps = STEPS_A_MEMBER * pool.claims.reduce((sum, { members }) => sum + members.length, 0)
  for (const choice of choices(debts)) {
    if (!spend(budget, steps)) {
      undecided = true
      break
    }
    const outcome = assign(contestOf(pool, choice), budget)
    if (outcome.coverable === undefined) undecided = true
    if (outcome.coverable !== false) continue
    const lack = [...outcome.lacking.values()].reduce<Exact>(plus, 0)
    if (worst === undefined || compare(lack, worst.lack) > 0) worst = { failure: outcome, lack }
  }
  return worst?.failure ?? { coverable: undecided ? undefined : true }
}

/** What a flow costs for each of its members, in steps of the search. */
const STEPS_A_MEMBER = 40

function debtsOf({ items, claims }: Pool): Debt[] {
  const holders = new Map<number, number[]>()
  for (const [claim, { members }] of claims.entries()) {
    for (const { item } of members) {
      if ((items[item]?.amount ?? 0n) >= 0n) continue
      const known = holders.get(item)
      if (known === undefined) holders.set(item, [claim])
      else known.push(claim)
    }
  }
  return Array.from(holders, ([item, indices]) => ({
    item,
    owed: -(items[item]?.amount ?? 0n),
    payers: withoutRedundant(indices, claims),
  }))
}

/**
 * Of claims that hold one item, those whose paying for it says something that no other one's does. A claim whose
 * members are all worth 1 can hand a debt that it is able to pay on to any such claim that has all of these members
 * and more, so that the latter need not be tried.
 */
function withoutRedundant(holders: readonly number[], claims: readonly PoolDemand[]): number[] {
  const alike = new Map<number, ReadonlySet<number>>()
  for (const holder of holders) {
    const members = claims[holder]?.members ?? []
    if (isAlike(members)) alike.set(holder, new Set(members.map(({ item }) => item)))
  }
  return holders.filter((holder) => {
    const own = alike.get(holder)
    return !Array.from(alike).some(
      ([other, items]) =>
        own !== undefined &&
        (items.size < own.size || (items.size === own.size && other < holder)) &&
        [...items].every((item) => own.has(item)),
    )
  })
}

/** Each choice of one payer for every debt. */
function* choices(debts: readonly Debt[]): Generator<Debt[]> {
  const places = debts.map(() => 0)
  let turned = 0
  while (turned < debts.length) {
    yield debts.map((debt, index) => ({ ...debt, payers: debt.payers.slice(places[index]).slice(0, 1) }))
    // On to the next one like a counter, each debt a digit.
    for (turned = 0; turned < debts.length; turned += 1) {
      const next = (places[turned] ?? 0) + 1
      places[turned] = next < (debts[turned]?.payers.length ?? 0) ? next : 0
      if (places[turned] !== 0) break
    }
  }
}

/** The pool as a contest in which each debt is paid by every one of its payers. */
function contestOf({ items, claims }: Pool, debts: readonly Debt[]): Contest {
  const byItem = new Map(debts.map((debt) => [debt.item, debt]))
  return {
    supplies: items.map(({ amount }) => (amount > 0n ? amount : 0n)),
    needs: claims.map(({ amount, members }, claim) => {
      let whole = amount
      for (const { item, worth } of members) {
        const debt = byItem.get(item)
        if (debt?.payers.includes(claim)) whole += debt.owed * worth
      }
      return { amount: whole, members }
    }),
  }
}
