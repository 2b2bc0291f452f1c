import { hash } from 'node:crypto'
import { idOf, merchantOf, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { referencedItemIds } from '../stock/components.js'
import { composeQuantities, composeStock } from '../stock/compose.js'
import { selectProduct } from '../stock/selection.js'
import type { Quantities, Stock, WarehouseStock } from '../stock/stock.js'
import { RecentOrders } from './lazy-order.js'
import { StockOrder } from './stock-order.js'
import { WarehouseOrder, type WarehouseSelection } from './warehouse-order.js'

/** Synchronous read access to the whole catalog. */
export interface CatalogView {
  product(id: string): Product | undefined
  item(id: string): InventoryItem | undefined
  /** All products with a SKU; the value is undefined if there is none. */
  findProducts(sku: string): { readonly value: readonly Product[] | undefined }
  warehouses(): ReadonlyMap<string, Warehouse>
  productIds(): Iterable<string>
  /** Ids of the products that refer to the item. */
  productIdsOfItem(id: string): readonly string[]
}

/** The last known stock of one product. */
export interface StockIndexEntry {
  readonly productId: string
  readonly sku: string
  readonly name: string | null
  readonly warehouseCustomerId: string | null
  readonly available: number
  readonly quantities: Quantities
  /** A hash of the quantities in each warehouse. */
  readonly warehousesHash: number
}

/** A change of one product's stock. `previousAvailable` is null for a product that is new. */
export interface StockChange extends StockIndexEntry {
  readonly previousAvailable: number | null
  /** Whether the SKU no longer selects the product, so that its quantities are 0. */
  readonly isLoss: boolean
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

/** The stock of one product. */
export function stockInView(view: CatalogView, product: Product): Stock {
  const sku = skuOf(product) ?? ''
  const items = itemsInView(view, product)
  return composeStock({
    connection: '',
    sku,
    product,
    items,
    warehouses: view.warehouses(),
    asOf: '',
    stale: false,
    source: null,
  })
}

/** The numbers of a stock. */
export function summaryOf({ sku, product, available, quantities, warehouses }: Stock): StockIndexEntry {
  const { id, name, warehouse_customer_id } = product
  const warehousesHash = hashOf(warehouses)
  return { productId: id, sku, name, warehouseCustomerId: warehouse_customer_id, available, quantities, warehousesHash }
}

/**
 * The last known stock of every product that its SKU selects, about 300 bytes each. The rule is that of the stock route
 * with the product's `warehouse_customer_id`: while a SKU is ambiguous, none of its products has a stock. Comparing with
 * the index turns a change of a record into a change of stock, and low stock is listed from it.
 */
export class StockIndex {
  readonly #entries = new Map<string, StockIndexEntry>()
  readonly #order = new StockOrder()
  readonly #orderByMerchant = new Map<string, StockOrder>()
  /** The orders in selected warehouses that requests asked for. */
  readonly #warehouseOrders = new RecentOrders<WarehouseOrder>()
  readonly #watchers = new Set<(sku: string) => void>()
  /** The SKUs of the products that their SKU does not select, by product id: a change of one may affect the others. */
  readonly #unselectedSkus = new Map<string, string>()
  /** The SKUs that several products share, with the id of the product that the SKU alone selects. */
  readonly #selectedOfShared = new Map<string, string | undefined>()

  /** @param summarise computes the numbers of a product from the records now; default: composes its stock */
  constructor(
    private readonly view: CatalogView,
    private readonly summarise: (product: Product) => StockIndexEntry | undefined = (product) =>
      summaryOf(stockInView(view, product)),
  ) {}

  get size(): number {
    return this.#entries.size
  }

  entries(): IterableIterator<StockIndexEntry> {
    return this.#entries.values()
  }

  /** The order of all products by what is available, or of those of one merchant. */
  orderOf(warehouseCustomerId?: string): StockOrder {
    if (warehouseCustomerId === undefined) return this.#order
    return this.#orderByMerchant.get(warehouseCustomerId) ?? noOrder
  }

  /** The order of products by what is available in some warehouses. The latest ones are kept, as far as there is room. */
  orderIn(selection: WarehouseSelection): WarehouseOrder {
    const warehouseIds = Array.from(new Set(selection.warehouseIds)).sort()
    const { warehouseCustomerId } = selection
    const key = JSON.stringify([warehouseCustomerId ?? null, ...warehouseIds])
    return this.#warehouseOrders.get(key, this.size, () => this.#newOrderIn({ warehouseIds, warehouseCustomerId }))
  }

  #newOrderIn({ warehouseIds, warehouseCustomerId: merchant }: WarehouseSelection): WarehouseOrder {
    const find = (productId: string) => {
      const entry = this.#entries.get(productId)
      return merchant === undefined || entry?.warehouseCustomerId === merchant ? entry : undefined
    }
    const quantitiesOf = (productId: string) => this.quantitiesIn(productId, warehouseIds)
    return new WarehouseOrder(quantitiesOf, find, this.orderOf(merchant).entries())
  }

  get(productId: string): StockIndexEntry | undefined {
    return this.#entries.get(productId)
  }

  /** Computes the quantities of a product in some warehouses; undefined if there is no such product. */
  quantitiesIn(productId: string, warehouseIds: readonly string[]): Quantities | undefined {
    const product = this.view.product(productId)
    return product && composeQuantities(product, itemsInView(this.view, product), warehouseIds)
  }

  /** All products with a SKU. */
  productsOf(sku: string): readonly Product[] {
    return this.view.findProducts(sku).value ?? []
  }

  /** Calls `watcher` with each SKU whose stock may have changed. Returns a function that ends that. */
  watch(watcher: (sku: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /**
   * Recomputes the stock of one product and returns what changed. A product that was deleted, or that its SKU no longer
   * selects, leaves the index. A product with another SKU or merchant is a loss under the old one and new under the other.
   */
  update(productId: string): StockChange[] {
    const before = this.#entries.get(productId)
    const after = this.#entryOf(productId)
    if (after) this.#entries.set(productId, after)
    else this.#entries.delete(productId)
    this.#move(before, after)
    this.#warehouseOrders.noteChange(productId)
    const product = after ? undefined : this.view.product(productId)
    const unselectedSku = product && skuOf(product)
    if (this.#watchers.size > 0) {
      const skus = new Set([before?.sku, after?.sku, unselectedSku, this.#unselectedSkus.get(productId)])
      for (const watcher of this.#watchers) for (const sku of skus) if (sku) watcher(sku)
    }
    if (unselectedSku) this.#unselectedSkus.set(productId, unselectedSku)
    else this.#unselectedSkus.delete(productId)
    if (before && after && before.sku === after.sku && before.warehouseCustomerId === after.warehouseCustomerId) {
      return isSame(before, after) ? [] : [gainOf(after, before.available)]
    }
    return [
      ...(before && !isAllZero(before.quantities) ? [lossOf(before)] : []),
      ...(after ? [gainOf(after, null)] : []),
    ]
  }

  /** The current and the last known SKU of a product. */
  skusOf(productId: string): string[] {
    const lastSku = this.#entries.get(productId)?.sku ?? this.#unselectedSkus.get(productId)
    const product = this.view.product(productId)
    const skus = new Set([lastSku, product && skuOf(product)])
    return Array.from(skus).flatMap((sku) => (sku ? [sku] : []))
  }

  /** Ids of all products with a SKU: a change of one can change which is selected. */
  idsOf(sku: string): string[] {
    return this.productsOf(sku).map(idOf)
  }

  /**
   * Notes which product a SKU alone selects now. Returns its stock if several products shared the SKU and it selected
   * another one, or none, when this was last called. Call it after {@link update} of all products with the SKU.
   */
  reselect(sku: string): StockIndexEntry | undefined {
    const products = this.productsOf(sku)
    const selection = selectProduct(products)
    const id = selection.status === 'ok' ? idOf(selection.product) : undefined
    const wasShared = this.#selectedOfShared.has(sku)
    const before = this.#selectedOfShared.get(sku)
    if (products.length > 1) this.#selectedOfShared.set(sku, id)
    else this.#selectedOfShared.delete(sku)
    return wasShared && id !== undefined && id !== before ? this.#entries.get(id) : undefined
  }

  #move(before: StockIndexEntry | undefined, after: StockIndexEntry | undefined): void {
    if (before === after) return
    for (const order of this.#ordersOf(before)) order.delete(before as StockIndexEntry)
    for (const order of this.#ordersOf(after)) order.add(after as StockIndexEntry)
    const merchant = before?.warehouseCustomerId
    if (merchant && this.#orderByMerchant.get(merchant)?.size === 0) this.#orderByMerchant.delete(merchant)
  }

  #ordersOf(entry: StockIndexEntry | undefined): readonly StockOrder[] {
    if (entry === undefined) return []
    const { warehouseCustomerId: merchant } = entry
    if (merchant === null) return [this.#order]
    const ofMerchant = this.#orderByMerchant.get(merchant) ?? new StockOrder()
    this.#orderByMerchant.set(merchant, ofMerchant)
    return [this.#order, ofMerchant]
  }

  #entryOf(productId: string): StockIndexEntry | undefined {
    const product = this.view.product(productId)
    const productSku = product && skuOf(product)
    if (!productSku || !this.#isSelected(product, productSku)) return undefined
    return this.summarise(product)
  }

  /** Whether the SKU selects this product among those of its merchant. */
  #isSelected(product: Product, sku: string): boolean {
    const products = this.productsOf(sku)
    if (products.length < 2) return true
    // A SKU that is shared from the beginning is noted as well.
    if (!this.#selectedOfShared.has(sku)) this.reselect(sku)
    const merchant = merchantOf(product)
    const selection = selectProduct(products.filter((other) => merchantOf(other) === merchant))
    return selection.status === 'ok' && idOf(selection.product) === idOf(product)
  }
}

const noOrder = new StockOrder()

const lossOf = (before: StockIndexEntry): StockChange => ({
  ...before,
  available: 0,
  quantities: { onhand: 0, committed: null, unfulfillable: null, fulfillable: 0, sellable: 0, awaiting: 0 },
  previousAvailable: before.available,
  isLoss: true,
})

/** The stock of a product that its SKU selects, as a change. */
export const gainOf = (entry: StockIndexEntry, previousAvailable: number | null): StockChange => ({
  ...entry,
  previousAvailable,
  isLoss: false,
})

/** 48 bits are enough to notice a change, and take less memory than the numbers. */
const hashOf = (warehouses: readonly WarehouseStock[]): number => {
  const quantities = warehouses.map((warehouse) => [warehouse.warehouse_id, warehouse.quantities])
  return Number.parseInt(hash('md5', JSON.stringify(quantities)).slice(0, 12), 16)
}

const isAllZero = (quantities: Quantities) => Object.values(quantities).every((quantity) => !quantity)

const isSame = (a: StockIndexEntry, b: StockIndexEntry) =>
  a.warehousesHash === b.warehousesHash && areSameQuantities(a.quantities, b.quantities)

const areSameQuantities = (a: Quantities, b: Quantities) =>
  a.fulfillable === b.fulfillable &&
  a.onhand === b.onhand &&
  a.committed === b.committed &&
  a.unfulfillable === b.unfulfillable &&
  a.sellable === b.sellable &&
  a.awaiting === b.awaiting
