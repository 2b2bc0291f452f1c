import { type CatalogView, type StockIndex, type StockIndexEntry, stockInView } from '../events/stock-index.js'

/** Which products, and of which warehouses. */
export interface LowStockQuery {
  readonly below: number
  readonly warehouseCustomerId?: string | undefined
  readonly warehouseIds?: readonly string[] | undefined
  readonly limit: number
  /** The place after which the page begins; undefined: at the beginning. */
  readonly after?: LowStockCursor | undefined
}

/** A place in the order: by what is available, then by product id, which makes it unique. */
export interface LowStockCursor {
  readonly available: number
  readonly productId: string
}

export interface LowStockPage {
  readonly entries: readonly StockIndexEntry[]
  /** The last place of the page; undefined where nothing comes after it. */
  readonly next: LowStockCursor | undefined
}

/** Products looked at before others get their turn of the event loop. */
const chunk = 500

/**
 * The products with less than `below` available, lowest first, a page at a time. A page begins after a place, not after
 * a number of rows: stock that moves meanwhile moves its own product alone, and no other is left out or told twice.
 * Cost: one pass over the board; with certain warehouses the arithmetic of each product besides, some µs. `rest` is
 * awaited between chunks.
 */
export async function listLowStock(
  board: StockIndex,
  view: CatalogView,
  query: LowStockQuery,
  rest: () => Promise<void>,
): Promise<LowStockPage> {
  const { below, warehouseCustomerId, warehouseIds, limit, after } = query
  const found: StockIndexEntry[] = []
  let seen = 0
  // A copy: one that is taken out and put in again while this rests would come up twice.
  const entries = Array.from(board.entries())
  for (const entry of entries) {
    if (++seen % chunk === 0) await rest()
    if (warehouseCustomerId !== undefined && entry.warehouseCustomerId !== warehouseCustomerId) continue
    const counted = warehouseIds?.length ? overWarehouses(view, entry, warehouseIds) : entry
    if (counted === undefined || counted.available >= below || (after && compare(counted, after) <= 0)) continue
    found.push(counted)
    // Kept to a few pages: what is sorted out here is not in the first `limit`.
    if (found.length >= limit * 4 + 1000) found.sort(compare).length = limit + 1
  }
  found.sort(compare)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { entries: page, next: last && found.length > limit ? place(last) : undefined }
}

function overWarehouses(
  view: CatalogView,
  entry: StockIndexEntry,
  warehouseIds: readonly string[],
): StockIndexEntry | undefined {
  const stock = stockInView(view, entry.productId, warehouseIds)
  return stock && { ...entry, available: stock.available, quantities: stock.quantities }
}

const place = ({ available, productId }: StockIndexEntry): LowStockCursor => ({ available, productId })

const compare = (a: LowStockCursor, b: LowStockCursor) =>
  a.available - b.available || (a.productId < b.productId ? -1 : Number(a.productId > b.productId))

/** A place as an opaque token, and back; undefined for what is none. */
export const toCursor = ({ available, productId }: LowStockCursor): string =>
  Buffer.from(JSON.stringify([available, productId])).toString('base64url')

export function fromCursor(cursor: string): LowStockCursor | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const [available, productId] = Array.isArray(value) ? value : []
    return typeof available === 'number' && typeof productId === 'string' ? { available, productId } : undefined
  } catch {
    return undefined
  }
}
