import { type BasketLine, type BasketResult, checkBasket } from '../basket/basket.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { chooseProduct, type StockOutcome, type StockRecords } from './stocks.js'

/** A line as it was asked for. */
export interface RequestedLine {
  readonly sku: string
  /** An integer of at least 1. */
  readonly quantity: number
  readonly warehouseCustomerId?: string | undefined
}

/** Why a line has no product to look at. */
export type LineFailure = Exclude<StockOutcome, { status: 'ok' }>

/** What came of a basket. */
export interface BasketReport {
  /** The result over the lines whose records could be had; the others are not fulfillable. */
  readonly result: BasketResult
  /** The lines that failed, by their place in the basket. */
  readonly failures: ReadonlyMap<number, LineFailure>
  /** The oldest record used, epoch ms; Infinity where all lines are unavailable. */
  readonly readAt: number
  readonly stale: boolean
}

/** Reads what a basket needs, all products first and then all items, and checks it. */
export async function checkBasketLines<R>(
  records: StockRecords<R>,
  asked: readonly RequestedLine[],
  warehouseIds: readonly string[] | undefined,
  reading: R,
): Promise<BasketReport> {
  const namesRead = records.warehouses(reading)
  const products = await records.productsBySku(new Set(asked.map(({ sku }) => sku)), reading)
  const failures = new Map<number, LineFailure>()
  let readAt = Number.POSITIVE_INFINITY
  let stale = false
  const chosen = asked.map((line, place) => {
    const choice = chooseProduct(products.get(line.sku), line.warehouseCustomerId)
    if (choice.status === 'chosen') return { place, line, choice }
    failures.set(place, choice)
    if (choice.status !== 'unavailable') readAt = Math.min(readAt, choice.readAt)
    return undefined
  })
  const found = chosen.filter((entry) => entry !== undefined)
  const read = await records.itemsById(new Set(found.flatMap(({ choice }) => choice.itemIds)), reading)
  const warehouses = await namesRead

  const lines: (BasketLine & { place: number })[] = []
  const items = new Map<string, InventoryItem>()
  for (const { place, line, choice } of found) {
    const used = choice.itemIds.map((id) => read.get(id) ?? new Error('the catalog gave nothing for a key'))
    const sound = used.flatMap((item) => (item instanceof Error ? [] : [item]))
    const error = used.find((item) => item instanceof Error)
    if (error !== undefined) {
      failures.set(place, { status: 'unavailable', error })
      continue
    }
    lines.push({ place, sku: line.sku, quantity: line.quantity, product: choice.product })
    for (const known of [choice.known, ...sound]) {
      readAt = Math.min(readAt, known.readAt)
      stale ||= known.stale
    }
    for (const { value } of sound) if (value !== undefined) items.set(value.id, value)
  }
  const syncIncomplete = records.incomplete(reading)
  const checked = checkBasket({ lines, items, warehouses, warehouseIds, syncIncomplete })
  const byPlace = new Map(lines.map(({ place }, n) => [place, checked.lines[n]]))
  const isKnown = !Array.from(failures.values()).some(({ status }) => status === 'unavailable')
  const result = {
    ...checked,
    fulfillable: checked.fulfillable && failures.size === 0,
    complete: checked.complete && isKnown,
    lines: asked.map(
      ({ sku, quantity }, place) =>
        byPlace.get(place) ?? { sku, requested: quantity, available: 0, fulfillable: false },
    ),
  }
  return { result, failures, readAt, stale }
}
