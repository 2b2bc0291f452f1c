import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { referencedItemIds } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { selectProduct } from '../stock/selection.js'
import type { Quantities, Stock } from '../stock/stock.js'

/** Synchronous read access to the whole catalog. */
export interface CatalogView {
  product(id: string): Product | undefined
  item(id: string): InventoryItem | undefined
  /** All products with a SKU; the value is undefined if there is none. */
  findProducts(sku: string): { readonly value: readonly Product[] | undefined }
  warehouses(): ReadonlyMap<string, Warehouse>
  productIds(): Iterable<string>
}

/** The last known stock of one product. */
export interface StockIndexEntry {
  readonly productId: string
  readonly sku: string
  readonly name: string | null
  readonly warehouseCustomerId: string | null
  readonly available: number
  readonly quantities: Quantities
}

/** A change of one product's stock. `previousAvailable` is null for a product that is new. */
export interface StockChange extends StockIndexEntry {
  readonly previousAvailable: number | null
}

/** The items that a product refers to, without those that do not exist. */
export function itemsInView(view: Pick<CatalogView, 'item'>, product: Product): Map<string, InventoryItem> {
  const items = new Map<string, InventoryItem>()
  for (const id of referencedItemIds(product)) {
    const item = view.item(id)
    if (item !== undefined) items.set(id, item)
  }
  return items
}

/** The stock of one product, over the given warehouses or all; undefined if there is no such product. */
export function stockInView(view: CatalogView, productId: string, warehouseIds?: readonly string[]): Stock | undefined {
  const product = view.product(productId)
  if (product === undefined) return undefined
  const items = itemsInView(view, product)
  const { sku } = product
  const warehouses = view.warehouses()
  return composeStock({
    sku: sku ?? '',
    product,
    items,
    warehouses,
    warehouseIds,
    asOf: '',
    stale: false,
    source: null,
  })
}

/**
 * The last known stock of every product with a SKU, about 300 bytes each. Comparing with it turns a change of a record
 * into a change of stock, and low stock is listed from it.
 */
export class StockIndex {
  readonly #entries = new Map<string, StockIndexEntry>()

  constructor(private readonly view: CatalogView) {}

  get size(): number {
    return this.#entries.size
  }

  entries(): IterableIterator<StockIndexEntry> {
    return this.#entries.values()
  }

  get(productId: string): StockIndexEntry | undefined {
    return this.#entries.get(productId)
  }

  /**
   * Recomputes the stock of one product and returns what changed. A product that was deleted, or that its SKU no longer
   * selects, leaves the index. A product with another SKU is a loss under the old SKU and new under the other.
   */
  update(productId: string): StockChange[] {
    const before = this.#entries.get(productId)
    const after = this.#entryOf(productId)
    if (after) this.#entries.set(productId, after)
    else this.#entries.delete(productId)
    if (before && after && before.sku === after.sku) {
      return isSame(before.quantities, after.quantities) ? [] : [{ ...after, previousAvailable: before.available }]
    }
    return [
      ...(before && !isAllZero(before.quantities) ? [removalOf(before)] : []),
      ...(after ? [{ ...after, previousAvailable: null }] : []),
    ]
  }

  /** Ids of all products with the current or the last known SKU of a product: a change of one can change which is selected. */
  idsSharingSku(productId: string): string[] {
    const skus = new Set([this.#entries.get(productId)?.sku, this.view.product(productId)?.sku])
    return Array.from(skus).flatMap((sku) => (sku ? this.#productsOf(sku).map(({ id }) => id) : []))
  }

  #entryOf(productId: string): StockIndexEntry | undefined {
    const stock = stockInView(this.view, productId)
    if (stock === undefined || stock.sku === '') return undefined
    const { sku, product, available, quantities } = stock
    const { name, warehouse_customer_id: warehouseCustomerId } = product
    if (this.#isSuperseded(productId, sku, warehouseCustomerId)) return undefined
    return { productId, sku, name, warehouseCustomerId, available, quantities }
  }

  /** Whether the SKU selects another product of the same merchant, so that this one's stock is never served. */
  #isSuperseded(productId: string, sku: string, merchant: string | null): boolean {
    const products = this.#productsOf(sku)
    if (products.length < 2) return false
    const selection = selectProduct(products.filter((other) => (other.warehouse_customer_id ?? null) === merchant))
    return selection.status === 'ok' && selection.product.id !== productId
  }

  #productsOf(sku: string): readonly Product[] {
    return this.view.findProducts(sku).value ?? []
  }
}

const removalOf = (before: StockIndexEntry): StockChange => ({
  ...before,
  available: 0,
  quantities: { onhand: 0, committed: null, unfulfillable: null, fulfillable: 0, sellable: 0, awaiting: 0 },
  previousAvailable: before.available,
})

const isAllZero = (quantities: Quantities) => Object.values(quantities).every((quantity) => !quantity)

const isSame = (a: Quantities, b: Quantities) =>
  a.fulfillable === b.fulfillable &&
  a.onhand === b.onhand &&
  a.committed === b.committed &&
  a.unfulfillable === b.unfulfillable &&
  a.sellable === b.sellable &&
  a.awaiting === b.awaiting
