import type { Rational } from '../stock/rational.js'
import type { Outcome } from './assignment.js'
import type { Contest } from './exact-flow.js'
import { type Quest, type Relaxed, relax } from './relaxation.js'
import type { Budget } from './simplex.js'

/**
 * Searches for an assignment in whole amounts, by branch and bound. The contest is relaxed to one in which amounts may
 * be divided. Where even that cannot cover every need, nothing can. Where its best solution, each amount rounded up,
 * still fits the supplies, that is an assignment. Otherwise more than there is would be drawn of some item, and a need
 * draws a fraction of it: that need takes either at least the next whole amount or at most the last one, and both cases
 * are searched in turn. `units` is what 1 of each need's amount counts in what it lacks.
 *
 * The cases may be exponentially many, so the budget bounds them. The same contest always costs the same.
 */
export function search({ supplies, needs }: Contest, units: readonly Rational[], budget: Budget): Outcome {
  const whole: Quest = {
    supplies,
    amounts: needs.map(({ amount }) => amount),
    units,
    edges: needs.flatMap(({ members }, need) => members.map((member) => ({ ...member, need }))),
    caps: new Map(),
  }
  const open = [whole]
  for (let quest = open.pop(); quest !== undefined; quest = open.pop()) {
    const best = relax(quest, budget)
    if (best === undefined) return { coverable: undefined }
    if (best.lacking.size > 0) {
      if (quest === whole) return { coverable: false, lacking: best.lacking, draws: drawn(quest, best) }
      continue
    }
    const edge = dividing(quest, best)
    if (edge === undefined) return { coverable: true }
    const { down, up } = best.draws[edge] ?? { down: 0n, up: 1n }
    open.push({ ...quest, caps: new Map(quest.caps).set(edge, down) }, withDraw(quest, edge, up))
  }
  const lacking = new Map<number, Rational>()
  for (const { need } of whole.edges) lacking.set(need, { numerator: 0n, denominator: 1n })
  return { coverable: false, lacking, draws: [] }
}

const drawn = ({ edges }: Quest, { draws }: Relaxed) =>
  edges.flatMap(({ need, item }, edge) => {
    const amount = draws[edge]?.up ?? 0n
    return amount > 0n ? [{ need, item, amount }] : []
  })

/** An edge that carries a fraction of an item of which there is too little to round up all that is drawn of it. */
function dividing({ edges, supplies }: Quest, { draws }: Relaxed): number | undefined {
  const left = [...supplies]
  for (const [edge, { item }] of edges.entries()) left[item] = (left[item] ?? 0n) - (draws[edge]?.up ?? 0n)
  const found = edges.findIndex(({ item }, edge) => (left[item] ?? 0n) < 0n && draws[edge]?.up !== draws[edge]?.down)
  return found < 0 ? undefined : found
}

/** What remains once `amount` is drawn on an edge; more may be drawn on it then. */
function withDraw(quest: Quest, edge: number, amount: bigint): Quest {
  const { item, need, worth } = quest.edges[edge] ?? { item: 0, need: 0, worth: 0n }
  const rest = (quest.amounts[need] ?? 0n) - amount * worth
  const cap = quest.caps.get(edge)
  return {
    ...quest,
    supplies: quest.supplies.with(item, (quest.supplies[item] ?? 0n) - amount),
    amounts: quest.amounts.with(need, rest > 0n ? rest : 0n),
    caps: cap === undefined ? quest.caps : new Map(quest.caps).set(edge, cap - amount),
  }
}
