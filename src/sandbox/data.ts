import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import { newConnection, type SandboxConnection } from './connection.js'
import { fixedCatalogue, fixedWarehouses } from './fixed-catalogue.js'
import { invent } from './invented-catalogue.js'
import { RecordStore } from './record-store.js'

/**
 * All that the sandbox serves, by id. Add, replace, delete and change records as you like; after changing a record's
 * `sku` in place, `set` it again.
 */
export interface SandboxData {
  readonly products: RecordStore<Product>
  readonly inventory: RecordStore<InventoryItem>
  readonly warehouses: RecordStore<Warehouse>
  readonly connection: SandboxConnection
}

/** What a catalogue is made from. */
export interface DataOptions {
  /** How many products, the fixed ones included; there are never fewer than those. */
  readonly products: number
  readonly seed: number
  readonly connectionId: string
  /** When upstream last copied from the warehouse system; ms since 1970. */
  readonly now: number
}

/** The fixed catalogue, filled up with invented products. */
export function createData({ products: size, seed, connectionId, now }: DataOptions): SandboxData {
  const products = new RecordStore<Product>()
  const inventory = new RecordStore<InventoryItem>()
  const warehouses = new RecordStore<Warehouse>()
  const fixed = fixedCatalogue()
  for (const product of fixed.products) products.set(product.id, product)
  for (const item of fixed.inventory) inventory.set(item.id, item)
  for (const make of fixedWarehouses) {
    const warehouse = make()
    warehouses.set(warehouse.id, warehouse)
  }
  for (let n = 0; products.size < size; n++) {
    const invention = invent(seed, n)
    products.set(invention.product.id, invention.product)
    for (const item of invention.inventory) inventory.set(item.id, item)
  }
  return { products, inventory, warehouses, connection: newConnection(connectionId, now) }
}
