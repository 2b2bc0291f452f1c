import type { ConnectionState } from '../records/connection.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { composeStock } from './compose.js'
import { referencedItemIds } from './references.js'
import { type Candidate, selectProduct } from './select-product.js'
import type { Stock } from './stock.js'

/** What is known of one record: undefined is that upstream does not know it. `readAt` in epoch ms. */
interface Known<T> {
  readonly value: T | undefined
  readonly readAt: number
  readonly stale: boolean
}
type ReadMany<T, R> = (keys: Iterable<string>, reading: R) => Promise<ReadonlyMap<string, Known<T> | Error>>

/** Where the service gets its records: what it needs of the catalog. `R` is the request on whose behalf it reads. */
export interface StockRecords<R> {
  readonly productsBySku: ReadMany<readonly Product[], R>
  readonly itemsById: ReadMany<InventoryItem, R>
  warehouses(): Promise<ReadonlyMap<string, Warehouse>>
  connectionState(): ConnectionState | undefined
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
  | { readonly status: 'not_found' }
  | { readonly status: 'ambiguous'; readonly candidates: readonly Candidate[] }
  | { readonly status: 'unavailable'; readonly error: Error }

/** A SKU whose product is known, on its way to its items. */
interface Chosen {
  readonly product: Product
  readonly itemIds: readonly string[]
  readonly known: Known<unknown>
}

/**
 * Answers for many SKUs at once, each by itself: all products first, then all of their items, so that a cold batch
 * costs a call upstream per hundred SKUs and one per hundred items.
 */
export async function stocks<R>(
  records: StockRecords<R>,
  skus: Iterable<string>,
  options: StockOptions,
  reading: R,
): Promise<Map<string, StockOutcome>> {
  const warehousesRead = records.warehouses()
  const products = await records.productsBySku(skus, reading)
  const chosen = new Map<string, Chosen>()
  const outcomes = new Map<string, StockOutcome>()
  const itemIds = new Set<string>()
  for (const sku of skus) {
    const choice = choose(products.get(sku), options.warehouseCustomerId)
    outcomes.set(sku, 'status' in choice ? choice : { status: 'not_found' })
    if ('status' in choice) continue
    chosen.set(sku, choice)
    for (const id of choice.itemIds) itemIds.add(id)
  }
  const items = await records.itemsById(itemIds, reading)
  const warehouses = await warehousesRead
  const state = records.connectionState()
  const source = state ? { synced_at: state.syncedAt, errors: [...state.errors] } : null
  for (const [sku, { product, itemIds: ids, known }] of chosen) {
    const used = [known]
    const itemsOfProduct = new Map<string, InventoryItem>()
    let error: Error | undefined
    for (const id of ids) {
      const item = items.get(id)
      if (item === undefined || item instanceof Error) {
        error = item ?? new Error(`the catalog gave nothing for item ${id}`)
        break
      }
      used.push(item)
      if (item.value !== undefined) itemsOfProduct.set(id, item.value)
    }
    if (error !== undefined) {
      outcomes.set(sku, { status: 'unavailable', error })
      continue
    }
    const readAt = Math.min(...used.map((record) => record.readAt))
    const stock = composeStock({
      sku,
      product,
      items: itemsOfProduct,
      warehouses,
      warehouseIds: options.warehouseIds,
      include: options.include,
      syncIncomplete: state?.incomplete ?? [],
      asOf: new Date(readAt).toISOString(),
      stale: used.some((record) => record.stale),
      source,
    })
    outcomes.set(sku, { status: 'ok', stock, readAt })
  }
  return outcomes
}

/** The product that a SKU means, or why there is no answer. */
function choose(
  known: Known<readonly Product[]> | Error | undefined,
  warehouseCustomerId: string | undefined,
): Chosen | Exclude<StockOutcome, { status: 'ok' }> {
  if (known === undefined || known instanceof Error) {
    return { status: 'unavailable', error: known ?? new Error('the catalog gave nothing for a SKU') }
  }
  const selection = selectProduct(known.value ?? [], warehouseCustomerId)
  if (selection.status !== 'ok') return selection
  return { product: selection.product, itemIds: referencedItemIds(selection.product), known }
}
