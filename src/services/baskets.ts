import { type BasketLine, type BasketResult, checkBasket } from '../basket/basket.js'
import type { ReadContext } from '../cache/read-context.js'
import { idOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { runToEnd } from '../steps.js'
import { confirmAmbiguous } from './ambiguous-products.js'
import { readInParts } from './read-in-parts.js'
import { chooseProduct, type StockOutcome, type StockRecords } from './stocks.js'
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
}

/**
 * Reads the records of a basket, all products first and then all items, and checks it.
 * @param run runs the parts that take long for large baskets; default: without interruption
 */
export async function checkBasketLines(
  records: StockRecords,
  requestedLines: readonly RequestedLine[],
  warehouseIds: readonly string[] | undefined,
  context: ReadContext,
  run: RunSteps = async (steps) => runToEnd(steps),
): Promise<BasketReport> {
  const warehousesRead = records.warehouses(context)
  const productsRead = await records.productsBySku(new Set(requestedLines.map(({ sku }) => sku)), context)
  const products = await confirmAmbiguous(records, productsRead, requestedLines, context)
  const failures = new Map<number, LineFailure>()
  let readAt = Number.POSITIVE_INFINITY
  let stale = false
  const chosen = requestedLines.map((line, index) => {
    const choice = chooseProduct(products.get(line.sku), line.warehouseCustomerId)
    if (choice.status === 'chosen') return { index, line, choice }
    failures.set(index, choice)
    if (choice.status !== 'unavailable') readAt = Math.min(readAt, choice.readAt)
    return undefined
  })
  const found = chosen.filter((entry) => entry !== undefined)
  const itemsRead = await readInParts(
    records.itemsById,
    new Set(found.flatMap(({ choice }) => choice.itemIds)),
    context,
    run,
  )
  const warehouses = await warehousesRead

  const lines: (BasketLine & { index: number })[] = []
  const items = new Map<string, InventoryItem>()
  for (const { index, line, choice } of found) {
    const used = choice.itemIds.map((id) => itemsRead.get(id) ?? new Error('the catalog returned no result for a key'))
    const available = used.flatMap((item) => (item instanceof Error ? [] : [item]))
    const error = used.find((item) => item instanceof Error)
    if (error !== undefined) {
      failures.set(index, { status: 'unavailable', error })
      continue
    }
    lines.push({ index, sku: line.sku, quantity: line.quantity, product: choice.product })
    for (const read of [choice.read, ...available]) {
      readAt = Math.min(readAt, read.readAt)
      stale ||= read.stale
    }
    for (const { value } of available) if (value !== undefined) items.set(idOf(value), value)
  }
  const syncIncomplete = records.incomplete(context)
  const checked = await run(checkBasket({ lines, items, warehouses, warehouseIds, syncIncomplete }))
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
  return { result, failures, readAt, stale }
}
