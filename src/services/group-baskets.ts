import type { BasketCheck } from '../basket/basket-result.js'
import { type BasketAnswer, combineBaskets } from '../basket/group-basket.js'
import type { ReadContext } from '../cache/read-context.js'
import { isProblem, type Problem, type ProblemBody } from '../errors.js'
import { failureOf } from '../stock/group-stock.js'
import { type BasketReport, checkBasketLines, describeBasket, type RequestedLine, unavailableError } from './baskets.js'
import type { StockGroup } from './group-stocks.js'
import type { RunSteps } from './work-turns.js'

/** The outcome of a basket check in a group. */
export interface GroupBasketOutcome {
  readonly basket: BasketCheck
  /** Epoch ms of the oldest record used. */
  readonly readAt: number
  /** Whether something could not be read, so that a later answer may be another. */
  readonly isPartial: boolean
}

type Answer = BasketAnswer & { readonly report?: BasketReport; readonly error?: Problem }

/**
 * Checks whether one connection of a group can ship a whole basket. All are asked at once, and each answers by itself.
 * @param describe the body of a problem in this response
 * @throws the problem of a connection, if none of them could be read
 */
export async function checkGroupBasket(
  { members }: StockGroup,
  lines: readonly RequestedLine[],
  warehouseIds: readonly string[] | undefined,
  context: ReadContext,
  { describe, run }: { readonly describe: (problem: Problem) => ProblemBody; readonly run: RunSteps },
): Promise<GroupBasketOutcome> {
  const options = { toleratesUnknownWarehouses: true, run }
  const answers = await Promise.all(
    members.map(async ({ name: connection, catalog }): Promise<Answer> => {
      try {
        const report = await checkBasketLines(catalog, lines, warehouseIds, context, options)
        const error = unavailableError(report)
        if (error !== undefined) throw error
        return { connection, basket: describeBasket(report, describe), report }
      } catch (error) {
        if (!isProblem(error)) throw error
        return { connection, problem: describe(error), error }
      }
    }),
  )
  const reports = answers.flatMap(({ report }) => report ?? [])
  if (reports.length === 0) {
    const failures = answers.flatMap((answer) =>
      answer.error ? [{ status: 'unavailable' as const, problem: describe(answer.error), error: answer.error }] : [],
    )
    throw failureOf(failures)?.error ?? new Error('expected the group to have connections, but it has none')
  }
  const isPartial =
    reports.length < answers.length ||
    reports.some(({ failures }) => Array.from(failures.values()).some(({ status }) => status === 'unavailable'))
  // A connection that has not answered may have the warehouse.
  const isUnknown = (id: string) => !isPartial && reports.every((report) => report.unknownWarehouseIds.has(id))
  const unknown = Array.from(new Set(warehouseIds)).filter(isUnknown)
  return {
    basket: await run(combineBaskets(lines, answers, unknown)),
    readAt: Math.min(...reports.map(({ readAt }) => readAt)),
    isPartial,
  }
}
