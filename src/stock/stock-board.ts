import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { composeStock } from './compose.js'
import { referencedItemIds } from './references.js'
import type { Quantities, Stock } from './stock.js'

/** The whole catalog as it is held, to be looked at without waiting. Products are by id. */
export interface StockView {
  product(id: string): Product | undefined
  item(id: string): InventoryItem | undefined
  warehouses(): ReadonlyMap<string, Warehouse>
  productIds(): Iterable<string>
}

/** What the board remembers of one product. */
export interface BoardEntry {
  readonly productId: string
  readonly sku: string
  readonly name: string | null
  readonly warehouseCustomerId: string | null
  readonly available: number
  readonly quantities: Quantities
}

/** A product whose stock is not what it was. `previousAvailable` is null for one that is new. */
export interface StockChange extends BoardEntry {
  readonly previousAvailable: number | null
}

/** The items that a product draws on, as far as there are such. */
export function itemsInView(view: Pick<StockView, 'item'>, product: Product): Map<string, InventoryItem> {
  const items = new Map<string, InventoryItem>()
  for (const id of referencedItemIds(product)) {
    const item = view.item(id)
    if (item !== undefined) items.set(id, item)
  }
  return items
}

/** The stock of one product from a view, over certain warehouses or all; undefined where there is no such product. */
export function stockInView(view: StockView, productId: string, warehouseIds?: readonly string[]): Stock | undefined {
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
export class StockBoard {
  readonly #entries = new Map<string, BoardEntry>()

  constructor(private readonly view: StockView) {}

  get size(): number {
    return this.#entries.size
  }

  entries(): IterableIterator<BoardEntry> {
    return this.#entries.values()
  }

  get(productId: string): BoardEntry | undefined {
    return this.#entries.get(productId)
  }

  /** Works the stock of one product out again; gives what has changed, if anything has. One that is gone has 0 left. */
  update(productId: string): StockChange | undefined {
    const before = this.#entries.get(productId)
    const stock = stockInView(this.view, productId)
    if (stock === undefined || stock.sku === '') {
      this.#entries.delete(productId)
      return before && before.available !== 0
        ? { ...before, available: 0, quantities: nothingLeft, previousAvailable: before.available }
        : undefined
    }
    const { sku, product, available, quantities } = stock
    const { name, warehouse_customer_id: warehouseCustomerId } = product
    const entry = { productId, sku, name, warehouseCustomerId, available, quantities }
    this.#entries.set(productId, entry)
    if (before && before.sku === sku && isSame(before.quantities, quantities)) return undefined
    return { ...entry, previousAvailable: before?.available ?? null }
  }
}

const nothingLeft: Quantities = {
  onhand: 0,
  committed: null,
  unfulfillable: null,
  fulfillable: 0,
  sellable: 0,
  awaiting: 0,
}

const isSame = (a: Quantities, b: Quantities) =>
  a.fulfillable === b.fulfillable &&
  a.onhand === b.onhand &&
  a.committed === b.committed &&
  a.unfulfillable === b.unfulfillable &&
  a.sellable === b.sellable &&
  a.awaiting === b.awaiting
