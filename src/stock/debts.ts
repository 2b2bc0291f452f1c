import { assign, type Failure, type Outcome } from './assignment.js'
import type { Contest } from './flow.js'
import { isAlike, type Pool, type PoolClaim } from './pools.js'
import { compare, type Exact, plus } from './rational.js'
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

/** What a flow through one member costs, in steps of the search. */
const STEPS_A_MEMBER = 20

function debtsOf({ items, claims }: Pool): Debt[] {
  const debts: Debt[] = []
  for (const [item, { amount }] of items.entries()) {
    if (amount < 0n) debts.push({ item, owed: -amount, payers: payersOf(item, claims) })
  }
  return debts
}

/**
 * The claims that hold an item, without those that could hand its debt on: one whose members are all worth 1 to another
 * such claim all of whose members it has too.
 */
function payersOf(item: number, claims: readonly PoolClaim[]): number[] {
  const holders = [...claims.keys()].filter((index) => claims[index]?.members.some((member) => member.item === item))
  const alike = new Map<number, ReadonlySet<number>>()
  for (const holder of holders) {
    const members = claims[holder]?.members ?? []
    if (isAlike(members)) alike.set(holder, new Set(members.map((member) => member.item)))
  }
  return holders.filter((holder) => {
    const own = alike.get(holder)
    if (own === undefined) return true
    return !Array.from(alike).some(
      ([other, items]) =>
        (items.size < own.size || (items.size === own.size && other < holder)) &&
        [...items].every((member) => own.has(member)),
    )
  })
}

/** Each choice of one payer for every debt. */
function* choices(debts: readonly Debt[]): Generator<Debt[]> {
  const [debt, ...others] = debts
  if (debt === undefined) {
    yield []
    return
  }
  for (const payer of debt.payers) {
    for (const choice of choices(others)) yield [{ ...debt, payers: [payer] }, ...choice]
  }
}

/** The pool as a contest in which each debt is paid by every one of its payers. */
function contestOf({ items, claims }: Pool, debts: readonly Debt[]): Contest {
  return {
    supplies: items.map(({ amount }) => (amount > 0n ? amount : 0n)),
    needs: claims.map(({ amount, members }, claim) => {
      const worths = new Map(members.map((member) => [member.item, member.worth]))
      const owed = debts
        .filter(({ payers }) => payers.includes(claim))
        .reduce((sum, debt) => sum + debt.owed * (worths.get(debt.item) ?? 0n), 0n)
      return { amount: amount + owed, members }
    }),
  }
}
