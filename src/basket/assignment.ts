import type { Rational } from '../stock/rational.js'
import { greatestDivisor, isAlike, type Member } from './demands.js'
import { type Contest, cover, type Draw, type Need } from './exact-flow.js'
import { search } from './search.js'
import type { Budget } from './simplex.js'

/** Whether all needs of a contest can be covered in whole amounts; undefined where the budget did not suffice to tell. */
export type Outcome = { readonly coverable: true } | { readonly coverable: undefined } | Failure

/** What cannot be covered, and how far it can be. */
export interface Failure {
  readonly coverable: false
  /**
   * What each need still lacks, where it lacks anything, counted in units of the member that is worth most to it. All
   * zero where units would have to be divided to cover the needs listed.
   */
  readonly lacking: ReadonlyMap<number, Rational>
  readonly draws: readonly Draw[]
}

/**
 * Finds out whether there is an assignment of supplies to needs. Where all members are worth 1 the greatest flow tells,
 * whatever is left of the budget. Elsewhere each item that only one open need can use is given to it, over and over.
 * That often settles all; what it leaves open is a matter of flow again if its members are worth the same to each need,
 * else it is searched, out of the budget.
 */
export function assign(contest: Contest, budget: Budget): Outcome {
  if (isFlow(contest)) return assignFlow(contest)
  const { open, draws } = settle(contest)
  const units = contest.needs.map((need, index) => ({
    numerator: open.divisors[index] ?? 1n,
    denominator: largest(need),
  }))
  const outcome = isFlow(open) ? assignFlow(open, units) : assignMixed(open, units, budget)
  return outcome.coverable === false ? { ...outcome, draws: [...draws, ...outcome.draws] } : outcome
}

const isFlow = ({ needs }: Contest) => needs.every(({ members }) => isAlike(members))

const largest = ({ members }: Need) =>
  members.map(({ worth }) => worth).reduce((most, worth) => (worth - most > 0n ? worth : most), 1n)

const smallest = (need: Need) =>
  need.members.map(({ worth }) => worth).reduce((least, worth) => (worth - least < 0n ? worth : least), largest(need))

/** a / b, rounded up, neither below zero. */
const upOver = (a: bigint, b: bigint): bigint => (a + b - 1n) / b

/** `units`: what 1 of each need's amount counts in what it lacks, 1 where that is not said. */
function assignFlow(contest: Contest, units: readonly Rational[] = []): Outcome {
  const draws = cover(contest)
  const lacks = contest.needs.map(({ amount }) => amount)
  for (const { need, amount } of draws) lacks[need] = (lacks[need] ?? 0n) - amount
  const lacking = new Map<number, Rational>()
  for (const [need, lack] of lacks.entries()) {
    const { numerator, denominator } = units[need] ?? { numerator: 1n, denominator: 1n }
    if (lack > 0n) lacking.set(need, { numerator: lack * numerator, denominator })
  }
  return lacking.size === 0 ? { coverable: true } : { coverable: false, lacking, draws }
}

/**
 * The search, between quick answers. It is not begun where all can be covered as if each need's members were worth the
 * least of them, nor where taking the members that are worth most to their needs first, tier by tier, covers all. Where
 * it does not end, what cannot be covered as if all members were worth the most is still known not to be.
 */
function assignMixed(contest: Contest, units: readonly Rational[], budget: Budget): Outcome {
  if (assignFlow(levelled(contest, smallest)).coverable || isCoveredByTiers(contest)) return { coverable: true }
  const outcome = search(contest, units, budget)
  if (outcome.coverable !== undefined) return outcome
  const atBest = assignFlow(levelled(contest, largest))
  return atBest.coverable === false ? atBest : outcome
}

function isCoveredByTiers(contest: Contest): boolean {
  const supplies = [...contest.supplies]
  let needs: readonly Need[] = contest.needs
  while (needs.some(({ members }) => members.length > 0)) {
    const tops = needs.map(largest)
    const inTier = ({ worth }: Member, need: number) => worth === tops[need]
    const tier = needs.map(({ amount, members }, need) => ({
      amount,
      members: members.filter((member) => inTier(member, need)),
    }))
    const amounts = needs.map(({ amount }) => amount)
    for (const { need, item, amount } of cover(levelled({ supplies, needs: tier }, largest))) {
      supplies[item] = (supplies[item] ?? 0n) - amount
      amounts[need] = (amounts[need] ?? 0n) - amount * (tops[need] ?? 1n)
    }
    needs = needs.map(({ members }, need) => {
      const amount = amounts[need] ?? 0n
      return amount > 0n ? { amount, members: members.filter((member) => !inTier(member, need)) } : covered
    })
  }
  return needs.every(({ amount }) => amount === 0n)
}

/** The contest as if all members of a need were worth the same, in units of them. */
const levelled = ({ supplies, needs }: Contest, worthOf: (need: Need) => bigint): Contest => ({
  supplies,
  needs: needs.map((need) => {
    const members = need.members.map(({ item }) => ({ item, worth: 1n }))
    return { amount: upOver(need.amount, worthOf(need)), members }
  }),
})

/** A contest of which a part is decided. Needs keep their places; a covered one has nothing to cover and no members. */
interface Open extends Contest {
  /** What the amount and the worths of each need were divided by. */
  readonly divisors: readonly bigint[]
}

function settle(contest: Contest): { readonly open: Open; readonly draws: readonly Draw[] } {
  const supplies = [...contest.supplies]
  const amounts = contest.needs.map(({ amount }) => amount)
  const draws: Draw[] = []
  for (let given = -1; given < draws.length; ) {
    given = draws.length
    for (const [item, user] of soleUsers(contest.needs, amounts)) {
      const amount = supplies[item] ?? 0n
      if (user === undefined || amount === 0n) continue
      draws.push({ need: user.need, item, amount })
      amounts[user.need] = (amounts[user.need] ?? 0n) - amount * user.worth
      supplies[item] = 0n
    }
  }
  const needs = contest.needs.map(({ members }, need) => {
    const amount = amounts[need] ?? 0n
    return tighten(amount > 0n ? { amount, members: members.filter(({ item }) => supplies[item]) } : covered)
  })
  return { open: { supplies, needs, divisors: needs.map(({ divisor }) => divisor) }, draws }
}

const covered: Need = { amount: 0n, members: [] }

/** The one open need that can use each item, undefined where there are several. */
function soleUsers(needs: readonly Need[], amounts: readonly bigint[]) {
  const users = new Map<number, { readonly need: number; readonly worth: bigint } | undefined>()
  for (const [need, { members }] of needs.entries()) {
    if ((amounts[need] ?? 0n) <= 0n) continue
    for (const { item, worth } of members) users.set(item, users.has(item) ? undefined : { need, worth })
  }
  return users
}

/** The same need in the smallest whole numbers: no whole amounts come to a part of what divides all worths. */
function tighten({ amount, members }: Need): Need & { readonly divisor: bigint } {
  const divisor = members.reduce((common, { worth }) => greatestDivisor(common, worth), 0n) || 1n
  return {
    amount: upOver(amount, divisor),
    members: members.map(({ item, worth }) => ({ item, worth: worth / divisor })),
    divisor,
  }
}
