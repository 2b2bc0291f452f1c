import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import type { Steps } from '../steps.js'
import { type Group, resolveComponents } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { type SelectedWarehouses, toItemAmounts } from '../stock/quantities.js'
import type { Exact } from '../stock/rational.js'
import type { Stock, StockIssue } from '../stock/stock.js'
import type { BasketCheck, Shortage } from './basket-result.js'
import { allocatePool } from './debts.js'
import { mergeDemands, toPools } from './demands.js'
import { poolShortages } from './shortages.js'
import type { StepBudget } from './simplex.js'

/** One line of a basket. */
export interface BasketLine {
  /** The SKU, as requested. */
  readonly sku: string
  /** Units of the product, an integer of at least 1. */
  readonly quantity: number
  readonly product: Product
}

/** The records and options of a basket check. */
export interface BasketInput {
  /** The lines whose product is known. A SKU may occur in several lines. */
  readonly lines: readonly BasketLine[]
  /** Inventory items by id. An item that a product refers to and that is not in the map is missing upstream. */
  readonly items: ReadonlyMap<string, InventoryItem>
  /** The connection's warehouses by id; empty if unknown. */
  readonly warehouses: ReadonlyMap<string, Warehouse>
  /** The warehouses to count; undefined or empty for all. */
  readonly warehouseIds?: readonly string[] | undefined
  /** As in `composeStock`. */
  readonly toleratesUnknownWarehouses?: boolean | undefined
  /** Resources (`products`, `inventory`) whose first sync is not finished upstream. */
  readonly syncIncomplete?: readonly string[] | undefined
}

/** The result of a basket check, without the fields that depend on when the records were read. */
export type BasketResult = Omit<BasketCheck, 'as_of' | 'stale' | 'connections'>

/** Steps of search that one basket may take: about a tenth of a second. */
const MAX_SEARCH_STEPS = 2_000_000

/**
 * Decides whether all lines of a basket can be fulfilled together.
 *
 * Of each group of its product, a line demands what `quantity` units of the product need, and each unit of an item meets
 * one demand. Equal groups are one demand, for the sum of their lines. Demands that share items, directly or through
 * each other, are decided together:
 *
 * - If each demand needs the same number of units of all its items, the maximum flow from items to demands decides
 *   exactly (`max-flow.ts`). It may divide amounts among demands, as the arithmetic of one product adds fractions before
 *   it rounds; integers stay integers. With E references to items in all lines, and V items and demands, it takes at most
 *   V² · E steps, in practice a few times E.
 * - If a demand needs different numbers of its items, amounts are divided no finer than the numbers involved, so that
 *   whole units stay whole (`allocation.ts`). What the cheap checks leave open is searched (`search.ts`). The search may
 *   take exponentially long, so it ends after `maxSteps`, over the whole basket. A basket that is still open then is
 *   `fulfillable: false, complete: false`.
 *
 * An item below zero is a debt. One of the demands that hold it pays it, once, and all demands must be met whichever
 * demand that is (`debts.ts`). If demands of different items share debts, that takes one flow for each choice of payers,
 * up to `maxSteps`.
 *
 * A basket of one line agrees with the stock of its product: `fulfillable` is `available >= quantity`. A line is the same
 * as two lines that ask for parts of its quantity. With whole numbers or equal unit quantities, more stock never makes a
 * basket unfulfillable and more lines never make it fulfillable. The order of the lines affects only the order of the
 * result. Pure: it reads no clock and does not change its input.
 * A large basket takes long, so the check can be interrupted after every step.
 */
export function* checkBasket(input: BasketInput, maxSteps = MAX_SEARCH_STEPS): Steps<BasketResult> {
  const { lines, items, warehouses, warehouseIds, toleratesUnknownWarehouses, syncIncomplete } = input
  const common = { items, warehouses, warehouseIds, toleratesUnknownWarehouses, syncIncomplete, ...undated }
  const stocks: Stock[] = []
  for (const { sku, product } of lines) {
    yield
    stocks.push(composeStock({ sku, product, ...common }))
  }
  const selected: SelectedWarehouses = warehouseIds?.length ? new Set(warehouseIds) : undefined
  const groupedLines: (BasketLine & { readonly groups: readonly Group[] })[] = []
  for (const line of lines) {
    yield
    groupedLines.push({ ...line, groups: resolveComponents(line.product, items).groups })
  }
  const demands = yield* mergeDemands(demandsOf(groupedLines))
  const amountOf = (inventoryItemId: string): Exact => {
    const item = items.get(inventoryItemId)
    return item === undefined ? 0 : toItemAmounts(item, selected).selected.fulfillable
  }

  const shortages = groupedLines.flatMap(({ sku, quantity, groups }) =>
    groups.length === 0 ? [shortageWithoutItems(sku, quantity)] : [],
  )
  const budget: StepBudget = { left: maxSteps }
  let isUndecided = false
  for (const pool of yield* toPools(demands, amountOf)) {
    const result = yield* allocatePool(pool, budget)
    if (result.isFeasible === undefined) isUndecided = true
    if (result.isFeasible === false) shortages.push(...(yield* poolShortages(pool, result)))
  }
  return {
    fulfillable: shortages.length === 0 && !isUndecided,
    lines: lines.map(({ sku, quantity }, index) => {
      const available = stocks[index]?.available ?? 0
      return { sku, requested: quantity, available, fulfillable: available >= quantity }
    }),
    shortages: shortages.length === 0 ? [] : yield* inLineOrder(shortages, groupedLines),
    complete: stocks.every((stock) => stock.complete) && !isUndecided,
    issues: yield* distinct(stocks),
  }
}

const undated = { connection: '', asOf: '', stale: false, source: null }

/** A product without valid items lacks all of the quantity. */
const shortageWithoutItems = (sku: string, quantity: number): Shortage => ({
  inventory_item_ids: [],
  sku,
  required: quantity,
  available: 0,
  shortfall: quantity,
})

/** Shortages in the order in which the lines refer to their items, those without items first. */
function* inLineOrder(
  shortages: readonly Shortage[],
  lines: readonly { readonly groups: readonly Group[] }[],
): Steps<Shortage[]> {
  const positions = new Map<string, number>()
  for (const { groups } of lines) {
    for (const { components } of groups) {
      yield
      for (const { inventoryItemId } of components) {
        if (!positions.has(inventoryItemId)) positions.set(inventoryItemId, positions.size)
      }
    }
  }
  const positionOf = (id: string | undefined) => (id === undefined ? -1 : (positions.get(id) ?? -1))
  return shortages
    .map((shortage) => ({
      ...shortage,
      inventory_item_ids: shortage.inventory_item_ids.toSorted((a, b) => positionOf(a) - positionOf(b)),
    }))
    .toSorted((a, b) => positionOf(a.inventory_item_ids[0]) - positionOf(b.inventory_item_ids[0]))
}

/** Each issue once, in the order of first occurrence. */
function* distinct(stocks: readonly Stock[]): Steps<StockIssue[]> {
  const issues = new Map<string, StockIssue>()
  for (const stock of stocks) {
    yield
    for (const issue of stock.issues) {
      const key = JSON.stringify([issue.code, issue.inventory_item_id, issue.detail])
      if (!issues.has(key)) issues.set(key, issue)
    }
  }
  return [...issues.values()]
}

function* demandsOf(lines: readonly { readonly groups: readonly Group[]; readonly quantity: number }[]) {
  for (const { groups, quantity } of lines) for (const group of groups) yield { group, quantity }
}
