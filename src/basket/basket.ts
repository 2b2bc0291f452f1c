import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { type Group, resolveComponents } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { type Asked, readItemAmounts } from '../stock/quantities.js'
import type { Exact } from '../stock/rational.js'
import type { StockIssue } from '../stock/stock.js'
import type { BasketCheck, Shortage } from './basket-result.js'
import { meetClaims } from './debts.js'
import { mergeDemands, toPools } from './demands.js'
import { poolShortages } from './shortages.js'
import type { Budget } from './simplex.js'

/** One line of a basket. */
export interface BasketLine {
  /** The SKU, as asked. */
  readonly sku: string
  /** Units of the product, an integer of at least 1. */
  readonly quantity: number
  readonly product: Product
}

/** What the answer for a basket is made of. */
export interface BasketInput {
  /** Those whose product is known. A SKU may occur in several. */
  readonly lines: readonly BasketLine[]
  /** Those that upstream knows, by id. One that a product refers to and that is not here is missing. */
  readonly items: ReadonlyMap<string, InventoryItem>
  /** The connection's warehouse list; empty where there is none. */
  readonly warehouses: ReadonlyMap<string, Warehouse>
  /** The warehouses that the caller asked for; undefined or empty for all. */
  readonly warehouseIds?: readonly string[] | undefined
  /** Resources (`products`, `inventory`) whose first copy upstream has not finished. */
  readonly syncIncomplete?: readonly string[] | undefined
}

/** What a basket comes to, so far as it does not depend on when its records were read. */
export type BasketResult = Omit<BasketCheck, 'as_of' | 'stale'>

/** Steps of search that one basket may cost: about a tenth of a second. */
const SEARCH_STEPS = 2_000_000

/**
 * Whether all lines of a basket can be had together, by the contract's "A basket".
 *
 * Of each group of its product a line claims what `quantity` units of the product need, and each unit of an item serves
 * one claim. Equal groups are one claim, for what their lines ask together. Claims that share items, directly or by way
 * of others, are decided together:
 *
 * - Where each claim needs its items in like number, the greatest flow from items to claims tells exactly (`flow.ts`).
 *   Amounts may be divided among claims there, as the arithmetic of one product adds fractions before it rounds; whole
 *   numbers come out whole all the same. With E references to items in all lines, and V items and claims, that takes at
 *   most V² · E steps, in practice a few times E.
 * - Where a claim needs its items in different numbers, amounts are divided no finer than the numbers involved, so that
 *   whole units stay whole (`assignment.ts`). What quick ways do not settle is searched (`search.ts`), which may take
 *   exponentially long and therefore ends after `steps`, over the whole basket. What is open then makes the answer
 *   `fulfillable: false, complete: false`.
 *
 * An item below zero is a debt. One of the claims that hold it pays it, once, and whichever that is, all claims must be
 * met (`debts.ts`). Where claims of different items share debts, that takes a flow for each choice of who pays, up to
 * `steps`.
 *
 * With one line that comes to the stock of its product: `fulfillable` is `available >= quantity`. A line is no different
 * from two that ask for parts of it. While numbers are whole or needed in like number, more stock never makes a basket
 * unfulfillable and more lines never make it fulfillable. The order of lines decides the order of what is listed, and
 * nothing else. Pure: it reads no clock and changes nothing that it is given.
 */
export function checkBasket(input: BasketInput, steps = SEARCH_STEPS): BasketResult {
  const { lines, items, warehouses, warehouseIds, syncIncomplete } = input
  const stocks = lines.map(({ sku, product }) =>
    composeStock({ sku, product, items, warehouses, warehouseIds, syncIncomplete, ...undated }),
  )
  const asked: Asked = warehouseIds?.length ? new Set(warehouseIds) : undefined
  const parts = lines.map((line) => ({ ...line, groups: resolveComponents(line.product, items).groups }))
  const claims = mergeDemands(parts.flatMap(({ groups, quantity }) => groups.map((group) => ({ group, quantity }))))
  const amountOf = (inventoryItemId: string): Exact => {
    const item = items.get(inventoryItemId)
    return item === undefined ? 0 : readItemAmounts(item, asked).counted.fulfillable
  }

  const shortages = parts.flatMap(({ sku, quantity, groups }) => (groups.length === 0 ? [lackAll(sku, quantity)] : []))
  const budget: Budget = { left: steps }
  let undecided = false
  for (const pool of toPools(claims, amountOf)) {
    const outcome = meetClaims(pool, budget)
    if (outcome.coverable === undefined) undecided = true
    if (outcome.coverable === false) shortages.push(...poolShortages(pool, outcome))
  }
  return {
    fulfillable: shortages.length === 0 && !undecided,
    lines: lines.map(({ sku, quantity }, index) => {
      const available = stocks[index]?.available ?? 0
      return { sku, requested: quantity, available, fulfillable: available >= quantity }
    }),
    shortages: inOrder(shortages, parts),
    complete: stocks.every((stock) => stock.complete) && !undecided,
    issues: distinct(stocks.flatMap((stock) => stock.issues)),
  }
}

const undated = { asOf: '', stale: false, source: null }

/** A product without items, or with none that is valid, lacks all that is asked of it. */
const lackAll = (sku: string, quantity: number): Shortage => ({
  inventory_item_ids: [],
  sku,
  required: quantity,
  available: 0,
  shortfall: quantity,
})

/** In the order in which the lines name the items, those without items first. */
function inOrder(shortages: readonly Shortage[], parts: readonly { readonly groups: readonly Group[] }[]): Shortage[] {
  const places = new Map<string, number>()
  for (const { inventoryItemId } of parts.flatMap(({ groups }) => groups).flatMap((group) => group.components)) {
    if (!places.has(inventoryItemId)) places.set(inventoryItemId, places.size)
  }
  const placeOf = (id: string | undefined) => (id === undefined ? -1 : (places.get(id) ?? -1))
  return shortages
    .map((shortage) => ({
      ...shortage,
      inventory_item_ids: shortage.inventory_item_ids.toSorted((a, b) => placeOf(a) - placeOf(b)),
    }))
    .toSorted((a, b) => placeOf(a.inventory_item_ids[0]) - placeOf(b.inventory_item_ids[0]))
}

/** Each issue once, where it is first found. */
const distinct = (issues: readonly StockIssue[]): StockIssue[] => [
  ...new Map(
    issues.map((issue) => [JSON.stringify([issue.code, issue.inventory_item_id, issue.detail]), issue]),
  ).values(),
]
