import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { referencedItemIds } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { selectProduct } from '../stock/selection.js'
import type { Quantities, Stock } from '../stock/stock.js'

/** The whole catalog as it is held, to be looked at without waiting. Products are by id. */
export interface CatalogView {
  product(id: string): Product | undefined
  item(id: string): InventoryItem | undefined
  /** All products of a SKU. */
  findProducts(sku: string): { readonly value: readonly Product[] | undefined }
  warehouses(): ReadonlyMap<string, Warehouse>
  productIds(): Iterable<string>
}

/** What the board remembers of one product. */
export interface StockIndexEntry {
  readonly productId: string
  readonly sku: string
  readonly name: string | null
  readonly warehouseCustomerId: string | null
  readonly available: number
  readonly quantities: Quantities
}

/** A product whose stock is not what it was. `previousAvailable` is null for one that is new. */
export interface StockChange extends StockIndexEntry {
  readonly previousAvailable: number | null
}

/** The items that a product draws on, as far as there are such. */
export function itemsInView(view: Pick<CatalogView, 'item'>, product: Product): Map<string, InventoryItem> {
  const items = new Map<string, InventoryItem>()
  for (const id of referencedItemIds(product)) {
    const item = view.item(id)
    if (item !== undefined) items.set(id, item)
  }
  return items
}

/** The stock of one product from a view, over certain warehouses or all; undefined where there is no such product. */
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
 * The last known stock of every product with a SKU: against it a change of a record becomes a change of stock, and out
 * of it the low ones are told. Some 300 bytes a product.
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
   * Works the stock of one product out again; gives what has changed, if anything has. Of a product that has gone, or
   * is no longer what its SKU means, nothing is left. One that has another SKU now is a loss to the old one and new
   * under the other.
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
      ...(before && !isNothing(before.quantities) ? [lossOf(before)] : []),
      ...(after ? [{ ...after, previousAvailable: null }] : []),
    ]
  }

  /** The products that a change of one may concern: those that share its SKU, or did before. */
  siblings(productId: string): string[] {
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

  /** Whether the SKU means another product of the same merchant, so that nobody can ask for this one's stock. */
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

const lossOf = (before: StockIndexEntry): StockChange => ({
  ...before,
  available: 0,
  quantities: { onhand: 0, committed: null, unfulfillable: null, fulfillable: 0, sellable: 0, awaiting: 0 },
  previousAvailable: before.available,
})

/** Whether there is nothing to lose. */
const isNothing = (quantities: Quantities) => Object.values(quantities).every((quantity) => !quantity)

const isSame = (a: Quantities, b: Quantities) =>
  a.fulfillable === b.fulfillable &&
  a.onhand === b.onhand &&
  a.committed === b.committed &&
  a.unfulfillable === b.unfulfillable &&
  a.sellable === b.sellable &&
  a.awaiting === b.awaiting
