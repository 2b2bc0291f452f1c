import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { fixedCatalog, fixedWarehouses } from './fixed-catalog.js'
import { generateProduct, generateSpareItem, type ItemsPerProduct } from './generated-catalog.js'
import { PageTokens } from './listing.js'
import { RecordStore } from './record-store.js'
import { newConnection, type SandboxConnection } from './sandbox-connection.js'

/** What upstream has lists of, as its paths call it, and what each is a list of. */
export interface Records {
  products: Product
  inventory: InventoryItem
  warehouses: Warehouse
}
/** A list of upstream's, as its path calls it. */
export type Resource = keyof Records

type Stores = { readonly [K in Resource]: RecordStore<Records[K]> }

/**
 * All that the sandbox serves, by id. Add, replace, delete and change records as you like; after changing a record's
 * `sku` in place, `set` it again. What is done here is not announced, and dates nothing: `change`, `add` and `move` of
 * the sandbox are.
 */
export interface SandboxData extends Stores {
  readonly connection: SandboxConnection
  readonly pageTokens: PageTokens
}

/** What a catalogue is made from. */
export interface DataOptions {
  /** How many products, the fixed ones included; there are never fewer than those. */
  readonly products: number
  readonly seed: number
  /** Default 2. With 1 there are as many items as products, but for a catalogue that is little more than the fixed one. */
  readonly itemsPerProduct?: ItemsPerProduct
  readonly connectionId: string
  /** When upstream last copied from the warehouse system; ms since 1970. */
  readonly now: number
}

/** The fixed catalogue, filled up with invented products. */
export function createData(options: DataOptions): SandboxData {
  const { products: size, seed, itemsPerProduct = 2, connectionId, now } = options
  const products = new RecordStore<Product>()
  const inventory = new RecordStore<InventoryItem>()
  const warehouses = new RecordStore<Warehouse>()
  const fixed = fixedCatalog()
  for (const product of fixed.products) products.set(product.id, product)
  for (const item of fixed.inventory) inventory.set(item.id, item)
  for (const make of fixedWarehouses) {
    const warehouse = make()
    warehouses.set(warehouse.id, warehouse)
  }
  for (let n = 0; products.size < size; n++) {
    const invention = generateProduct(seed, n, itemsPerProduct)
    products.set(invention.product.id, invention.product)
    for (const item of invention.inventory) inventory.set(item.id, item)
  }
  // Kits bring no items, so one for each of the others is too few.
  for (let n = 0; inventory.size < products.size; n++) {
    const spare = generateSpareItem(seed, n)
    inventory.set(spare.id, spare)
  }
  const connection = newConnection(connectionId, now)
  return { products, inventory, warehouses, connection, pageTokens: new PageTokens() }
}
