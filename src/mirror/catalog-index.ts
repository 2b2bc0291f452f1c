import type { Product } from '../records/product.js'

/** Many values under one key; one alone is kept without a set, since most keys have just one. */
class MultiMap {
  readonly #values = new Map<string, string | Set<string>>()

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

  add(product: Product): void {
    this.#productIds.add(product.id)
    if (product.sku) this.#bySku.add(product.sku, product.id)
    for (const { inventory_item_id } of product.inventory_items ?? []) this.#byItem.add(inventory_item_id, product.id)
  }

  remove(product: Product): void {
    this.#productIds.delete(product.id)
    if (product.sku) this.#bySku.delete(product.sku, product.id)
    for (const { inventory_item_id } of product.inventory_items ?? [])
      this.#byItem.delete(inventory_item_id, product.id)
  }

  clear(): void {
    this.#bySku.clear()
    this.#byItem.clear()
    this.#productIds.clear()
  }
}
