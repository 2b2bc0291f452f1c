import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import { referencedItemIds } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { selectProduct } from '../stock/selection.js'
import type { Stock } from '../stock/stock.js'
import type { StockCache, StockSources } from './stock-cache.js'

/** What is known of one record: undefined is that upstream does not know it. `readAt` in epoch ms. */
export interface Known<T> {
  readonly value: T | undefined
  readonly readAt: number
  readonly stale: boolean
}
type ReadMany<T, R> = (keys: Iterable<string>, reading: R) => Promise<ReadonlyMap<string, Known<T> | Error>>

/** Where the service gets its records: what it needs of the catalog. `R` is the request on whose behalf it reads. */
export interface StockRecords<R> {
  readonly productsBySku: ReadMany<readonly Product[], R>
  readonly itemsById: ReadMany<InventoryItem, R>
  warehouses(reading: R): Promise<ReadonlyMap<string, Warehouse>>
  connectionState(reading: R): SyncState | undefined
  /** The resources whose first copy upstream has not finished. */
  incomplete(reading: R): readonly string[]
}

/** What a caller may say beside the SKUs. */
export interface StockOptions {
  readonly warehouseCustomerId?: string | undefined
  readonly warehouseIds?: readonly string[] | undefined
  readonly include?: { readonly lots?: boolean; readonly locations?: boolean } | undefined
}

/** What came of one SKU. `readAt`: the oldest record used, epoch ms. `unavailable`: a record could not be had. */
export type StockOutcome =
  | { readonly status: 'ok'; readonly stock: Stock; readonly readAt: number }
  | { readonly status: 'not_found'; readonly readAt: number }
  | { readonly status: 'ambiguous'; readonly products: readonly Product[]; readonly readAt: number }
  | { readonly status: 'unavailable'; readonly error: Error }

/** A SKU whose product is known, on its way to its items. */
export interface ChosenProduct {
  readonly status: 'chosen'
  readonly product: Product
  readonly itemIds: readonly string[]
  readonly known: Known<unknown>
}

/**
 * Answers for many SKUs at once, each by itself: all products first, then all of their items, so that a cold batch
 * costs a call upstream per hundred SKUs and one per hundred items.
 * @param kept where stocks are kept from one request to the next
 */
export async function getStocks<R>(
  records: StockRecords<R>,
  skus: ReadonlySet<string>,
  options: StockOptions,
  reading: R,
  kept?: StockCache,
): Promise<Map<string, StockOutcome>> {
  const namesRead = records.warehouses(reading)
  const products = await records.productsBySku(skus, reading)
  const choices = new Map<string, Choice>()
  const itemIds = new Set<string>()
  for (const sku of skus) {
    const choice = chooseProduct(products.get(sku), options.warehouseCustomerId)
    choices.set(sku, choice)
    if (choice.status === 'chosen') for (const id of choice.itemIds) itemIds.add(id)
  }
  const items = await records.itemsById(itemIds, reading)
  const incomplete = records.incomplete(reading)
  const context = {
    warehouseIds: options.warehouseIds,
    include: options.include,
    items,
    warehouses: await namesRead,
    connection: records.connectionState(reading),
    incomplete,
    kept: isPlain(options) && incomplete.length === 0 ? kept : undefined,
  }
  const outcomes = new Map<string, StockOutcome>()
  for (const [sku, choice] of choices) {
    outcomes.set(sku, choice.status === 'chosen' ? join(sku, choice, context) : choice)
  }
  return outcomes
}

/** Whether a caller wants no more than the SKU says. */
const isPlain = ({ warehouseIds, include }: StockOptions): boolean =>
  !warehouseIds?.length && !include?.lots && !include?.locations

type Choice = ChosenProduct | Exclude<StockOutcome, { status: 'ok' }>

/** The product that a SKU means, or why there is no answer. */
export function chooseProduct(
  known: Known<readonly Product[]> | Error | undefined,
  warehouseCustomerId: string | undefined,
): ChosenProduct | Exclude<StockOutcome, { status: 'ok' }> {
  if (known === undefined || known instanceof Error) return unavailable(known)
  const selection = selectProduct(known.value ?? [], warehouseCustomerId)
  if (selection.status !== 'ok') return { ...selection, readAt: known.readAt }
  const { product } = selection
  return { status: 'chosen', product, itemIds: referencedItemIds(product), known }
}

/** What the joins of one request have in common. */
interface JoinContext extends StockOptions {
  readonly items: ReadonlyMap<string, Known<InventoryItem> | Error>
  readonly warehouses: ReadonlyMap<string, Warehouse>
  readonly connection: SyncState | undefined
  readonly incomplete: readonly string[]
  /** Undefined where the stock is made of more than what it is kept by. */
  readonly kept: StockCache | undefined
}

/** The stock of a chosen product; one item that could not be had, and there is none. */
function join(sku: string, { product, itemIds, known }: ChosenProduct, context: JoinContext): StockOutcome {
  let { readAt, stale } = known
  const items: (InventoryItem | undefined)[] = []
  for (const id of itemIds) {
    const item = context.items.get(id)
    if (item === undefined || item instanceof Error) return unavailable(item)
    items.push(item.value)
    readAt = Math.min(readAt, item.readAt)
    stale ||= item.stale
  }
  const { warehouses, connection } = context
  const sources = { product, items, warehouses, connection, readAt, stale }
  const compose = () => composed(sku, itemIds, sources, context)
  return { status: 'ok', stock: context.kept?.get(sku, sources, compose) ?? compose(), readAt }
}

function composed(sku: string, itemIds: readonly string[], sources: StockSources, context: JoinContext): Stock {
  const { product, warehouses, connection, readAt, stale } = sources
  const items = new Map<string, InventoryItem>()
  for (const [index, id] of itemIds.entries()) {
    const item = sources.items[index]
    if (item !== undefined) items.set(id, item)
  }
  return composeStock({
    sku,
    product,
    items,
    warehouses,
    warehouseIds: context.warehouseIds,
    include: context.include,
    syncIncomplete: context.incomplete,
    asOf: new Date(readAt).toISOString(),
    stale,
    source: connection ? { synced_at: connection.syncedAt, errors: [...connection.errors] } : null,
  })
}

const unavailable = (
  error = new Error('the catalog gave nothing for a key'),
): StockOutcome & { status: 'unavailable' } => ({
  status: 'unavailable',
  error,
})
