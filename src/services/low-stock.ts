import { type CatalogView, quantitiesInView, type StockIndex, type StockIndexEntry } from '../events/stock-index.js'
import { compareStock, type StockPosition } from '../events/stock-order.js'
import type { Steps } from '../steps.js'

/** The filter and page of a low-stock query. */
export interface LowStockQuery {
  readonly below: number
  readonly warehouseCustomerId?: string | undefined
  readonly warehouseIds?: readonly string[] | undefined
  readonly limit: number
  /** The last entry of the previous page; undefined for the first page. */
  readonly after?: StockPosition | undefined
}

export interface LowStockPage {
  readonly entries: readonly StockIndexEntry[]
  /** The position of the last entry; undefined on the last page. */
  readonly next: StockPosition | undefined
}

/**
 * Lists products with less than `below` units available, lowest first, one page at a time. A page starts after a position,
 * not after a number of rows: a change moves only its own product, and no other product is skipped or repeated. The index
 * keeps the order, so that a page costs as much as its entries; with selected warehouses, it is a pass over all products.
 */
export function* listLowStock(index: StockIndex, view: CatalogView, query: LowStockQuery): Steps<LowStockPage> {
  const { warehouseIds, limit } = query
  const hasWarehouses = warehouseIds !== undefined && warehouseIds.length > 0
  const found = hasWarehouses ? yield* lowInWarehouses(index, view, query, warehouseIds) : lowInAll(index, query)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { entries: page, next: last && found.length > limit ? toPosition(last) : undefined }
}

/** The entries of a page, and one more if there is a next page. */
function lowInAll(index: StockIndex, query: LowStockQuery): StockIndexEntry[] {
  const found: StockIndexEntry[] = []
  for (const entry of index.orderOf(query.warehouseCustomerId).after(query.after)) {
    if (entry.available >= query.below || found.length > query.limit) break
    found.push(entry)
  }
  return found
}

/** The same, by what is available in some warehouses. */
function* lowInWarehouses(
  index: StockIndex,
  view: CatalogView,
  { below, limit, after, warehouseCustomerId }: LowStockQuery,
  warehouseIds: readonly string[],
): Steps<StockIndexEntry[]> {
  const found: StockIndexEntry[] = []
  // A copy: the order changes during an interruption.
  for (const entry of index.orderOf(warehouseCustomerId).entries()) {
    yield
    const quantities = quantitiesInView(view, entry.productId, warehouseIds)
    if (quantities === undefined) continue
    const { productId } = entry
    const available = Math.max(0, quantities.fulfillable)
    if (available >= below || (after && compareStock({ available, productId }, after) <= 0)) continue
    found.push({ ...entry, available, quantities })
    // Bounds the memory: entries that are cut off here are not among the first `limit`.
    if (found.length >= limit * 4 + 1000) found.sort(compareStock).length = limit + 1
  }
  return found.sort(compareStock)
}

const toPosition = ({ available, productId }: StockIndexEntry): StockPosition => ({ available, productId })

/** A position as an opaque token. */
export const toCursor = ({ available, productId }: StockPosition): string =>
  Buffer.from(JSON.stringify([available, productId])).toString('base64url')

/** The position of a token; undefined if the token is invalid. */
export function fromCursor(cursor: string): StockPosition | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const [available, productId] = Array.isArray(value) ? value : []
    return typeof available === 'number' && typeof productId === 'string' ? { available, productId } : undefined
  } catch {
    return undefined
  }
}
