import { type BasketLine, type BasketResult, checkBasket } from '../basket/basket.js'
import type { BasketCheck } from '../basket/basket-result.js'
import type { ReadContext } from '../cache/read-context.js'
import type { ReadResult } from '../cache/read-through.js'
import { isProblem, type Problem, type ProblemBody } from '../errors.js'
import { idOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { runToEnd, type Steps } from '../steps.js'
import { toItemAmounts } from '../stock/quantities.js'
import { confirmAmbiguous } from './ambiguous-products.js'
import { readInParts } from './read-in-parts.js'
import { type ChosenProduct, chooseProduct, type StockOutcome, type StockRecords, stockProblem } from './stocks.js'
import type { RunSteps } from './work-turns.js'

/** A requested line. */
export interface RequestedLine {
  readonly sku: string
  /** An integer of at least 1. */
  readonly quantity: number
  readonly warehouseCustomerId?: string | undefined
}

/** Why a line could not be checked. */
export type LineFailure = Exclude<StockOutcome, { status: 'ok' }>

/** The outcome of a basket check. */
export interface BasketReport {
  /** The result for the lines whose records were read; the other lines are not fulfillable. */
  readonly result: BasketResult
  /** The failed lines, by their index in the basket. */
  readonly failures: ReadonlyMap<number, LineFailure>
  /** Epoch ms of the oldest record used; Infinity if all lines are unavailable. */
  readonly readAt: number
  readonly stale: boolean
  /** The selected warehouses that neither the warehouse list nor any item of the lines knows. */
  readonly unknownWarehouseIds: ReadonlySet<string>
}

export interface BasketOptions {
  /** Runs the parts that take long for large baskets. Default: without interruption. */
  readonly run?: RunSteps
  /** As in `composeStock`. */
  readonly toleratesUnknownWarehouses?: boolean
}

/**
 * Reads the records of a basket, all products first and then all items, and checks it.
 */
export async function checkBasketLines(
  records: StockRecords,
  requestedLines: readonly RequestedLine[],
  warehouseIds: readonly string[] | undefined,
  context: ReadContext,
  { run = async (steps) => runToEnd(steps), toleratesUnknownWarehouses }: BasketOptions = {},
): Promise<BasketReport> {
  const productsRead = await records.productsBySku(new Set(requestedLines.map(({ sku }) => sku)), context)
  const warehousesRead = records.warehouses(context)
  const products = await confirmAmbiguous(records, productsRead, requestedLines, context)
  const { chosen, itemIds, failures } = await run(chooseLines(requestedLines, products))
  const itemsRead = await readInParts(records.itemsById, itemIds, context, run)
  const warehouses = await warehousesRead
  const { lines, items, readAt, stale } = await run(gatherItems(chosen, itemsRead, failures))
  const syncIncomplete = records.incomplete(context)
  const checked = await run(
    checkBasket({ lines, items, warehouses, warehouseIds, toleratesUnknownWarehouses, syncIncomplete }),
  )
  const resultByIndex = new Map(lines.map(({ index }, n) => [index, checked.lines[n]]))
  const areAllAvailable = !Array.from(failures.values()).some(({ status }) => status === 'unavailable')
  const result = {
    ...checked,
    fulfillable: checked.fulfillable && failures.size === 0,
    complete: checked.complete && areAllAvailable,
    lines: requestedLines.map(
      ({ sku, quantity }, index) =>
        resultByIndex.get(index) ?? { sku, requested: quantity, available: 0, fulfillable: false },
    ),
  }
  const unlisted = (warehouseIds ?? []).filter((id) => !warehouses.has(id))
  const unknownWarehouseIds = new Set(unlisted.filter((id) => !isInBreakdown(id, items.values())))
  return { result, failures, readAt, stale, unknownWarehouseIds }
}

function isInBreakdown(warehouseId: string, items: Iterable<InventoryItem>): boolean {
  for (const item of items) if (toItemAmounts(item, undefined).byWarehouse.has(warehouseId)) return true
  return false
}

/** The reply to a basket check. `describe` makes the body of a problem in this response. */
export function describeBasket(
  { result, failures, readAt, stale }: BasketReport,
  describe: (problem: Problem) => ProblemBody,
): BasketCheck {
  const lines = result.lines.map((line, index) => {
    const failure = failures.get(index)
    return failure ? { ...line, problem: describe(stockProblem(line.sku, failure)) } : line
  })
  return { ...result, lines, as_of: new Date(readAt).toISOString(), stale }
}

/** The first error, if every line is unavailable. Throws an error that is not a problem. */
export function unavailableError({ result, failures }: BasketReport): Problem | undefined {
  const reasons = Array.from(failures.values()).flatMap((failure) =>
    failure.status === 'unavailable' ? [failure.error] : [],
  )
  for (const reason of reasons) if (!isProblem(reason)) throw reason
  return reasons.length === result.lines.length ? (reasons as Problem[])[0] : undefined
}

interface ChosenLine {
  readonly index: number
  readonly line: RequestedLine
  readonly choice: ChosenProduct
}

/** Selects the product of each line, and says of which lines there is none. */
function* chooseLines(
  requestedLines: readonly RequestedLine[],
  products: Awaited<ReturnType<StockRecords['productsBySku']>>,
): Steps<{ chosen: ChosenLine[]; itemIds: Set<string>; failures: Map<number, LineFailure> }> {
  const chosen: ChosenLine[] = []
  const itemIds = new Set<string>()
  const failures = new Map<number, LineFailure>()
  for (const [index, line] of requestedLines.entries()) {
    yield
    const choice = chooseProduct(products.get(line.sku), line.warehouseCustomerId)
    if (choice.status !== 'chosen') {
      failures.set(index, choice)
      continue
    }
    chosen.push({ index, line, choice })
    for (const id of choice.itemIds) itemIds.add(id)
  }
  return { chosen, itemIds, failures }
}

interface GatheredLines {
  readonly lines: (BasketLine & { readonly index: number })[]
  readonly items: Map<string, InventoryItem>
  readonly readAt: number
  readonly stale: boolean
}

/** The items of the lines that can be checked. A line of which an item could not be read is added to the failures. */
function* gatherItems(
  chosen: readonly ChosenLine[],
  itemsRead: Awaited<ReturnType<StockRecords['itemsById']>>,
  failures: Map<number, LineFailure>,
): Steps<GatheredLines> {
  const lines: GatheredLines['lines'] = []
  const items = new Map<string, InventoryItem>()
  let readAt = Number.POSITIVE_INFINITY
  let stale = false
  const count = (read: ReadResult<unknown>) => {
    readAt = Math.min(readAt, read.readAt)
    stale ||= read.stale
  }
  for (const failure of failures.values())
    if (failure.status !== 'unavailable') readAt = Math.min(readAt, failure.readAt)
  for (const { index, line, choice } of chosen) {
    yield
    const used = choice.itemIds.map((id) => itemsRead.get(id) ?? new Error('the catalog returned no result for a key'))
    const error = used.find((item) => item instanceof Error)
    if (error !== undefined) {
      failures.set(index, { status: 'unavailable', error })
      continue
    }
    lines.push({ index, sku: line.sku, quantity: line.quantity, product: choice.product })
    count(choice.read)
    for (const read of used) {
      if (read instanceof Error) continue
      count(read)
      if (read.value !== undefined) items.set(idOf(read.value), read.value)
    }
  }
  return { lines, items, readAt, stale }
}
