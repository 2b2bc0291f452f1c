import type { ReadContext } from '../cache/read-context.js'
import type { Problem, ProblemBody } from '../errors.js'
import { runToEnd, type Steps } from '../steps.js'
import { type ConnectionAnswer, combineStocks, type FailedAnswer, failureOf } from '../stock/group-stock.js'
import type { Stock } from '../stock/stock.js'
import type { Catalog } from './catalog.js'
import type { StockCache } from './stock-cache.js'
import { getStocks, type StockOptions, type StockOutcome, stockProblem } from './stocks.js'
import type { RunSteps } from './work-turns.js'

/** Several connections whose stock is seen as one. */
export interface StockGroup {
  readonly name: string
  /** In the order of the configuration. */
  readonly members: readonly { readonly name: string; readonly catalog: Catalog }[]
}

/** The outcome for one SKU in a group. */
export type GroupOutcome = {
  /** Epoch ms of the oldest record; infinity if no connection has answered. */
  readonly readAt: number
  /** Whether a connection could not be read, so that a later answer may be another. */
  readonly isPartial: boolean
} & (
  | { readonly status: 'ok'; readonly stock: Stock }
  | { readonly status: FailedAnswer['status']; readonly problem: Problem }
)

export interface GroupStocksOptions {
  /** The body of a connection's problem in this response. */
  readonly describe: (problem: Problem) => ProblemBody
  /** As in {@link getStocks}. */
  readonly cache?: StockCache
  readonly run?: RunSteps
}

/**
 * The stock of many SKUs in a group. All connections are asked at once, and each answers by itself: what one cannot answer
 * is missing from the sum and makes it incomplete.
 */
export async function getGroupStocks(
  group: StockGroup,
  skus: ReadonlySet<string>,
  options: StockOptions,
  context: ReadContext,
  { describe, cache, run = async (steps) => runToEnd(steps) }: GroupStocksOptions,
): Promise<Map<string, GroupOutcome>> {
  const { members } = group
  const ownOptions = { ...options, toleratesUnknownWarehouses: true }
  const outcomes = await Promise.all(
    members.map(({ catalog }) => getStocks(catalog, skus, ownOptions, context, { ...(cache && { cache }), run })),
  )
  const lists = options.warehouseIds?.length
    ? await Promise.all(members.map(({ catalog }) => catalog.warehouses(context)))
    : []
  return run(combineAll())

  function* combineAll(): Steps<Map<string, GroupOutcome>> {
    const combined = new Map<string, GroupOutcome>()
    for (const sku of skus) {
      if (combined.size > 0) yield
      const ofMembers = outcomes.map((bySku) => bySku.get(sku) as StockOutcome)
      combined.set(sku, combine(sku, ofMembers))
    }
    return combined
  }

  function combine(sku: string, ofMembers: readonly StockOutcome[]): GroupOutcome {
    const answers = ofMembers.map((outcome, index) => answerOf(members[index]?.name ?? '', sku, outcome))
    const isKnown = (id: string) =>
      lists.some((list) => list.has(id)) || answers.some((answer) => hasWarehouse(answer, id))
    const unknown = new Set(options.warehouseIds?.filter((id) => !isKnown(id)))
    const stock = combineStocks(group.name, answers, [...unknown])
    const readAt = Math.min(
      ...ofMembers.map((outcome) => ('readAt' in outcome ? outcome.readAt : Number.POSITIVE_INFINITY)),
    )
    const isPartial = ofMembers.some(({ status }) => status === 'unavailable')
    if (stock) return { status: 'ok', stock, readAt, isPartial }
    const failure = failureOf(answers.filter((answer) => answer.status !== 'ok'))
    if (failure === undefined) throw new Error(`expected the group ${group.name} to have connections, but it has none`)
    return { status: failure.status, problem: failure.error, readAt, isPartial }
  }

  function answerOf(connection: string, sku: string, outcome: StockOutcome) {
    if (outcome.status === 'ok') return { connection, status: outcome.status, stock: outcome.stock }
    const error = stockProblem(sku, outcome)
    return { connection, status: outcome.status, problem: describe(error), error }
  }
}

const hasWarehouse = (answer: ConnectionAnswer, id: string): boolean =>
  answer.status === 'ok' && answer.stock.warehouses.some(({ warehouse_id }) => warehouse_id === id)
