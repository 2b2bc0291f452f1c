import type { ProblemBody } from '../errors.js'
import { mapSteps, type Steps } from '../steps.js'
import { failureOf, sumAvailable } from '../stock/group-stock.js'
import { connectionUnanswered, unknownWarehouse } from '../stock/issues.js'
import type { StockIssue } from '../stock/stock.js'
import type { BasketCheck, BasketCheckLine, ConnectionBasket } from './basket-result.js'

/** What one connection of a group says of a basket, or why it says nothing. */
export type BasketAnswer =
  | { readonly connection: string; readonly basket: BasketCheck }
  | { readonly connection: string; readonly problem: ProblemBody }

/** A line as it was requested. */
export interface RequestedUnits {
  readonly sku: string
  readonly quantity: number
}

/**
 * The check of a basket in a group: whether one of the connections can ship all of it. Nothing is pooled: a basket that two
 * connections could only ship together is not fulfillable. What a connection cannot answer hides no answer of another.
 * Pure: it does not change its input.
 *
 * @param answers one of each connection, in the order of the group
 * @param unknownWarehouses the selected warehouses that none of the connections knows
 */
export function* combineBaskets(
  lines: readonly RequestedUnits[],
  answers: readonly BasketAnswer[],
  unknownWarehouses: readonly string[] = [],
): Steps<BasketCheck> {
  const unknown = unknownWarehouses.map((id) => unknownWarehouse(id).issue)
  const connections = answers.map((answer) => connectionBasket(answer, unknown))
  const fulfillable = connections.some((one) => one.fulfillable)
  const times = connections.flatMap(({ as_of }) => as_of ?? [])
  return {
    fulfillable,
    lines: yield* mapSteps(lines.entries(), ([index, line]) => combinedLine(line, index, connections)),
    shortages: fulfillable ? [] : connections.flatMap((one) => withConnection(one.connection, one.shortages)),
    complete: connections.every((one) => one.complete && unansweredBy(one) === undefined),
    issues: connections.flatMap((one) => withConnection(one.connection, issuesOf(one))),
    as_of: times.reduce((a, b) => (Date.parse(b) < Date.parse(a) ? b : a)),
    stale: connections.some(({ stale }) => stale),
    connections,
  }
}

function connectionBasket(answer: BasketAnswer, unknown: readonly StockIssue[]): ConnectionBasket {
  const { connection } = answer
  if ('problem' in answer) {
    const { problem } = answer
    return {
      connection,
      fulfillable: false,
      lines: [],
      shortages: [],
      complete: false,
      issues: [],
      as_of: null,
      stale: false,
      problem,
    }
  }
  const { connections: _, ...basket } = answer.basket
  const complete = basket.complete && unknown.length === 0
  return { connection, ...basket, complete, issues: [...basket.issues, ...unknown], problem: null }
}

function combinedLine(
  { sku, quantity }: RequestedUnits,
  index: number,
  connections: readonly ConnectionBasket[],
): BasketCheckLine {
  const own = connections.map((one): BasketCheckLine => one.lines[index] ?? unansweredLine(sku, quantity, one))
  const having = own.filter(({ problem }) => problem === undefined)
  return {
    sku,
    requested: quantity,
    available: sumAvailable(having.map(({ available }) => available)),
    fulfillable: own.some((line) => line.fulfillable),
    ...(having.length === 0 && { problem: failureOf(own.map(statusOf))?.problem }),
  } as BasketCheckLine
}

const unansweredLine = (sku: string, requested: number, { problem }: ConnectionBasket): BasketCheckLine => ({
  sku,
  requested,
  available: 0,
  fulfillable: false,
  ...(problem && { problem }),
})

/** The status that the problem of a line has in the stock of a group. */
function statusOf({ problem }: BasketCheckLine) {
  const { code } = problem as ProblemBody
  const status = code === 'product_not_found' ? 'not_found' : code === 'sku_ambiguous' ? 'ambiguous' : 'unavailable'
  return { status, problem: problem as ProblemBody } as const
}

/** Why a connection is missing from a sum, if it is. That it has no such product is an answer. */
function unansweredBy({ problem, lines }: ConnectionBasket): ProblemBody | undefined {
  const problems = [problem, ...lines.map((line) => line.problem)] as readonly (ProblemBody | null | undefined)[]
  return problems.find((one) => one && one.code !== 'product_not_found') ?? undefined
}

function issuesOf(one: ConnectionBasket): readonly StockIssue[] {
  const unanswered = unansweredBy(one)
  if (unanswered === undefined) return one.issues
  return [...one.issues, connectionUnanswered(one.connection, unanswered.detail).issue]
}

const withConnection = <T>(connection: string, entries: readonly T[]): (T & { connection: string })[] =>
  entries.map((entry) => ({ ...entry, connection }))
