import type { DocumentedItem as InventoryItem } from '../records/inventory-item.js'
import type { DocumentedProduct as Product } from '../records/product.js'
import type { DocumentedWarehouse as Warehouse } from '../records/warehouse.js'
import { fixedCatalogOf } from './catalog-edition.js'
import { generateProduct, generateSpareItem, type ItemsPerProduct } from './generated-catalog.js'
import { PageTokens } from './listing.js'
import { RecordStore } from './record-store.js'
import { newConnection, type SandboxConnection } from './sandbox-connection.js'

/** The record type of each list, by its name in upstream's paths. */
export interface Records {
  products: Product
  inventory: InventoryItem
  warehouses: Warehouse
}
/** A list by its name in upstream's paths. */
export type Resource = keyof Records

type Stores = { readonly [K in Resource]: RecordStore<Records[K]> }

/**
 * Everything that the sandbox serves, by id. Tests may add, replace, delete and change records freely; after changing a
 * record's `sku` in place, `set` it again. Changes made here send no event and update no dates. To have both, use `change`,
 * `add` and `move` of the sandbox.
 */
export interface SandboxData extends Stores {
  readonly connection: SandboxConnection
  readonly pageTokens: PageTokens
}

/** How to build the data. */
export interface DataOptions {
  /** Number of products. The fixed ones count, and are always there. */
  readonly products: number
  readonly seed: number
  /** Which edition of the fixed catalog; default 1. */
  readonly edition?: number
  /** Default 2. With 1, a catalog well over the fixed one has as many items as products. */
  readonly itemsPerProduct?: ItemsPerProduct
  readonly connectionId: string
  /** When upstream last synced with the warehouse system; ms since 1970. */
  readonly now: number
}

/** Creates the fixed catalog and adds generated products up to the given size. */
export function createData(options: DataOptions): SandboxData {
  const { products: size, seed, edition = 1, itemsPerProduct = 2, connectionId, now } = options
  const products = new RecordStore<Product>()
  const inventory = new RecordStore<InventoryItem>()
  const warehouses = new RecordStore<Warehouse>()
  const fixed = fixedCatalogOf(edition)
  for (const product of fixed.products) products.set(product.id, product)
  for (const item of fixed.inventory) inventory.set(item.id, item)
  for (const warehouse of fixed.warehouses) warehouses.set(warehouse.id, warehouse)
  for (let n = 0; products.size < size; n++) {
    const generated = generateProduct(seed, n, itemsPerProduct)
    products.set(generated.product.id, generated.product)
    for (const item of generated.inventory) inventory.set(item.id, item)
  }
  // Kits have no items of their own. Spare items make up the difference.
  for (let n = 0; inventory.size < products.size; n++) {
    const spare = generateSpareItem(seed, n)
    inventory.set(spare.id, spare)
  }
  const connection = newConnection(connectionId, now)
  return { products, inventory, warehouses, connection, pageTokens: new PageTokens() }
}
