import type { GroupStockEntry, GroupStockIndex } from '../events/group-stock-index.js'
import type { StockIndex, StockIndexEntry } from '../events/stock-index.js'
import { compareStock, type StockOrder, type StockPosition } from '../events/stock-order.js'
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

export interface LowStockPage<E = StockIndexEntry> {
  readonly entries: readonly E[]
  /** The position of the last entry; undefined on the last page. */
  readonly next: StockPosition | undefined
}

/**
 * Lists products with less than `below` units available, lowest first, one page at a time. A page starts after a position,
 * not after a number of rows: a change moves only its own product, and no other product is skipped or repeated. The index
 * keeps the order, so that a page costs as much as its entries.
 */
export function* listLowStock(index: StockIndex, query: LowStockQuery): Steps<LowStockPage> {
  const { warehouseIds, warehouseCustomerId } = query
  if (warehouseIds !== undefined && warehouseIds.length > 0) return yield* lowInWarehouses(index, query, warehouseIds)
  const { page, next } = pageOf(index.orderOf(warehouseCustomerId), query)
  return { entries: page, next }
}

/** The same, by what is available in some warehouses. Products whose stock changes meanwhile have their new quantities. */
function* lowInWarehouses(
  index: StockIndex,
  query: LowStockQuery,
  warehouseIds: readonly string[],
): Steps<LowStockPage> {
  const { below, warehouseCustomerId } = query
  const order = index.orderIn({ warehouseIds, warehouseCustomerId })
  const { page, next } = pageOf(yield* order.current(), query)
  const entries: StockIndexEntry[] = []
  for (const { productId } of page) {
    yield
    const entry = index.get(productId)
    const quantities = order.quantitiesOf(productId)
    if (entry === undefined || quantities === undefined) continue
    const available = Math.max(0, quantities.fulfillable)
    if (available < below) entries.push({ ...entry, available, quantities })
  }
  return { entries: entries.sort(compareStock), next }
}

/**
 * The same in a group, by the sum of what its connections have available. A SKU is computed when its stock has changed in one
 * of them since the last request, so that a page costs as much as its entries and the changes.
 */
export function* listGroupLowStock(index: GroupStockIndex, query: LowStockQuery): Steps<LowStockPage<GroupStockEntry>> {
  const { page, next } = pageOf(yield* index.orderIn(query).current(), query)
  const entries: GroupStockEntry[] = []
  for (const position of page) {
    yield
    const entry = index.get(position, query)
    if (entry && entry.available < query.below) entries.push(entry)
  }
  return { entries: entries.sort(compareStock), next }
}

/** The entries of a page, and the position of the last one if there is a next page. */
function pageOf<E extends StockPosition>(order: StockOrder<E>, { after, below, limit }: LowStockQuery) {
  const page: E[] = []
  for (const entry of order.after(after)) {
    if (entry.available >= below) break
    const last = page.at(-1)
    if (last && page.length === limit) return { page, next: toPosition(last) }
    page.push(entry)
  }
  return { page, next: undefined }
}

const toPosition = ({ available, productId }: StockPosition): StockPosition => ({ available, productId })

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
