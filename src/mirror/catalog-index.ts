import { idOf, skuOf } from '../records/fields.js'
import { type Product, referencedItemId, referencesOf } from '../records/product.js'

/** Many values under one key; one alone is kept without a set, since most keys have just one. */
class MultiMap {
  readonly #values = new Map<string, string | Set<string>>()

  keys(): IterableIterator<string> {
    return this.#values.keys()
  }

  get(key: string): readonly string[] {
    const found = this.#values.get(key)
    return found === undefined ? [] : typeof found === 'string' ? [found] : [...found]
  }

  add(key: string, value: string): void {
    const found = this.#values.get(key)
    if (found instanceof Set) found.add(value)
    else if (found !== value) this.#values.set(key, found === undefined ? value : new Set([found, value]))
  }

  delete(key: string, value: string): void {
    const found = this.#values.get(key)
    if (found instanceof Set) found.delete(value)
    if (found === value || (found instanceof Set && found.size === 0)) this.#values.delete(key)
  }

  clear(): void {
    this.#values.clear()
  }
}

/** Finds products by SKU and by the inventory items that they draw on (where-used). */
export class CatalogIndex {
  readonly #bySku = new MultiMap()
  readonly #byItem = new MultiMap()
  readonly #productIds = new Set<string>()

  /** Ids of all products. */
  get productIds(): ReadonlySet<string> {
    return this.#productIds
  }

  productIdsOfSku(sku: string): readonly string[] {
    return this.#bySku.get(sku)
  }

  /** Ids of the products, kits included, that refer to the item. */
  productIdsOfItem(itemId: string): readonly string[] {
    return this.#byItem.get(itemId)
  }

  /** Ids of the items that products refer to. */
  referencedItemIds(): IterableIterator<string> {
    return this.#byItem.keys()
  }

  add(product: Product): void {
    const { id, sku, itemIds } = keysOf(product)
    this.#productIds.add(id)
    if (sku !== null) this.#bySku.add(sku, id)
    for (const itemId of itemIds) this.#byItem.add(itemId, id)
  }

  remove(product: Product): void {
    const { id, sku, itemIds } = keysOf(product)
    this.#productIds.delete(id)
    if (sku !== null) this.#bySku.delete(sku, id)
    for (const itemId of itemIds) this.#byItem.delete(itemId, id)
  }

  clear(): void {
    this.#bySku.clear()
    this.#byItem.clear()
    this.#productIds.clear()
  }
}

/** What a product is found by. */
const keysOf = (product: Product) => ({
  id: idOf(product),
  sku: skuOf(product),
  itemIds: referencesOf(product).flatMap((reference) => referencedItemId(reference) ?? []),
})
