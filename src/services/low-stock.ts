import { type CatalogView, type StockIndex, type StockIndexEntry, stockInView } from '../events/stock-index.js'
import type { Steps } from '../steps.js'

/** The filter and page of a low-stock query. */
export interface LowStockQuery {
  readonly below: number
  readonly warehouseCustomerId?: string | undefined
  readonly warehouseIds?: readonly string[] | undefined
  readonly limit: number
  /** The last entry of the previous page; undefined for the first page. */
  readonly after?: LowStockCursor | undefined
}

/** A position in the order: by available units, then by product id, which is unique. */
export interface LowStockCursor {
  readonly available: number
  readonly productId: string
}

export interface LowStockPage {
  readonly entries: readonly StockIndexEntry[]
  /** The position of the last entry; undefined on the last page. */
  readonly next: LowStockCursor | undefined
}

/** Products that are compared between two interruptions. One whose stock must be composed is interrupted at once. */
const chunkSize = 100

/**
 * Lists products with less than `below` units available, lowest first, one page at a time. A page starts after a position,
 * not after a number of rows: a change moves only its own product, and no other product is skipped or repeated. Cost: one
 * pass over the index; with selected warehouses also the arithmetic of each product, a few µs.
 */
export function* listLowStock(index: StockIndex, view: CatalogView, query: LowStockQuery): Steps<LowStockPage> {
  const { below, warehouseCustomerId, warehouseIds, limit, after } = query
  const found: StockIndexEntry[] = []
  let seen = 0
  const hasWarehouses = warehouseIds !== undefined && warehouseIds.length > 0
  // A copy: an entry that is removed and added again during an interruption would occur twice.
  const entries = Array.from(index.entries())
  for (const entry of entries) {
    if (++seen % chunkSize === 0) yield
    if (warehouseCustomerId !== undefined && entry.warehouseCustomerId !== warehouseCustomerId) continue
    if (hasWarehouses) yield
    const counted = hasWarehouses ? overWarehouses(view, entry, warehouseIds) : entry
    if (counted === undefined || counted.available >= below || (after && compare(counted, after) <= 0)) continue
    found.push(counted)
    // Bounds the memory: entries that are cut off here are not among the first `limit`.
    if (found.length >= limit * 4 + 1000) found.sort(compare).length = limit + 1
  }
  found.sort(compare)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { entries: page, next: last && found.length > limit ? toPosition(last) : undefined }
}

function overWarehouses(
  view: CatalogView,
  entry: StockIndexEntry,
  warehouseIds: readonly string[],
): StockIndexEntry | undefined {
  const stock = stockInView(view, entry.productId, warehouseIds)
  return stock && { ...entry, available: stock.available, quantities: stock.quantities }
}

const toPosition = ({ available, productId }: StockIndexEntry): LowStockCursor => ({ available, productId })

const compare = (a: LowStockCursor, b: LowStockCursor) =>
  a.available - b.available || (a.productId < b.productId ? -1 : Number(a.productId > b.productId))

/** A position as an opaque token. */
export const toCursor = ({ available, productId }: LowStockCursor): string =>
  Buffer.from(JSON.stringify([available, productId])).toString('base64url')

/** The position of a token; undefined if the token is invalid. */
export function fromCursor(cursor: string): LowStockCursor | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const [available, productId] = Array.isArray(value) ? value : []
    return typeof available === 'number' && typeof productId === 'string' ? { available, productId } : undefined
  } catch {
    return undefined
  }
}
