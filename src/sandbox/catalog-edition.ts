import type { DocumentedItem as InventoryItem } from '../records/inventory-item.js'
import type { DocumentedProduct as Product } from '../records/product.js'
import type { DocumentedWarehouse as Warehouse } from '../records/warehouse.js'
import { fixedCatalog, fixedWarehouses } from './fixed-catalog.js'
import { counts, needs, newItem, newProduct } from './new-records.js'

interface PartialSku {
  readonly sku: string
  /** Which connections have it, in words. */
  readonly where: string
  readonly isIn: (edition: number) => boolean
}

/** The fixed SKUs that not every connection has. */
export const partialSkus: readonly PartialSku[] = [
  { sku: 'KETTLE-1L', where: 'only `one`', isIn: (edition) => edition === 1 },
  { sku: 'OOLONG-250', where: '`one`, `three`, `five` and so on', isIn: (edition) => edition % 2 === 1 },
  { sku: 'MUGICHA-200', where: '`two`, `four`, `six` and so on', isIn: (edition) => edition % 2 === 0 },
]

/** The records of one connection that are the same at every start. */
export interface FixedCatalog {
  readonly products: readonly Product[]
  readonly inventory: readonly InventoryItem[]
  readonly warehouses: readonly Warehouse[]
}

/**
 * Creates the fixed catalog of the `edition`-th connection, from 1: that of the first with `edition` times the units, so that
 * sums and differences fit as they do there, and without the SKUs that it does not have. Ids are the same in all editions.
 */
export function fixedCatalogOf(edition: number): FixedCatalog {
  const { products, inventory } = fixedCatalog()
  const warehouses = fixedWarehouses()
  if (edition === 1) return { products, inventory, warehouses }
  const isHere = ({ sku }: { sku?: unknown }) => partialSkus.find((one) => one.sku === sku)?.isIn(edition) ?? true
  return {
    products: [...products, mugicha.product()].filter(isHere),
    inventory: [...inventory, mugicha.item()].filter(isHere).map((item) => multiply(item, edition)),
    warehouses: warehouses.map((one) => (one.name ? { ...one, name: `${one.name} ${edition}` } : one)),
  }
}

const mugicha = {
  product: () => newProduct('prod_mugicha', 'MUGICHA-200', 'Mugicha, 200 g', [needs('inv_mugicha', 'MUGICHA-200')]),
  item: () => newItem('inv_mugicha', 'MUGICHA-200', 'Mugicha, 200 g', [['wh_porto', counts(9, 1)]]),
}

/** The fields that count units, of items, of their warehouses, lots and locations. */
const unitFields = new Set([
  'onhand',
  'committed',
  'unfulfillable',
  'fulfillable',
  'sellable',
  'unsellable',
  'awaiting',
  'quantity',
])

/** Multiplies every number of units, however deep. */
function multiply<T>(value: T, by: number): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((part: unknown) => multiply(part, by)) as T
  // A breakdown by warehouse has no prototype, because a warehouse may be called `__proto__`.
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value))
  for (const [key, part] of Object.entries(value)) {
    copy[key] = unitFields.has(key) && typeof part === 'number' ? part * by : multiply(part, by)
  }
  return copy as T
}
