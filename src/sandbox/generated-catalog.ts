import type { InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import type { Product, ProductReference } from '../records/product.js'
import { counts, firstMerchant, needs, newItem, newProduct, secondMerchant } from './new-records.js'
import { upstreamTime } from './record-changes.js'

const leaves = ['Sencha', 'Oolong', 'Assam', 'Keemun', 'Bancha', 'Yunnan', 'Nilgiri'] as const
const moods = ['Misty', 'Early', 'Quiet', 'Amber', 'Winter', 'Harbour', 'Garden'] as const
const warehouseIds = ['wh_oslo', 'wh_porto', 'wh_graz', 'wh_quiet'] as const
const generatedItemId = /^inv_\d{6,}_[ab]$/
const day = 86_400_000
const firstDay = Date.UTC(2025, 8, 1)

/** What one invented product brings with it. */
export interface GeneratedProduct {
  readonly product: Product
  readonly inventory: readonly InventoryItem[]
}

/** The SKU of the `n`-th invented product, from 0. Each of them is one product of one merchant, with sound numbers. */
export const generatedSku = (n: number): string => `BLEND-${digits(n)}`

/** How many items each product brings that is no kit. */
export type ItemsPerProduct = 1 | 2

/** Whether an inventory item of this id has been invented, as one of a product. */
export const isGeneratedItem = (id: string): boolean => generatedItemId.test(id)

/**
 * The `n`-th invented product and its items: the same for the same seed, however many there are. Every tenth is a kit
 * of two of the nine before it, the ones before those are six-packs, and the rest are plain. A kit brings no items;
 * each of the others has two unless told otherwise, in one warehouse each.
 */
export function generateProduct(seed: number, n: number, itemsPerProduct: ItemsPerProduct = 2): GeneratedProduct {
  const source = createRandom(Math.imul(seed, 0x01000193) ^ n)
  const changes = {
    warehouse_customer_id: Math.floor(n / 10) % 2 === 0 ? firstMerchant : secondMerchant,
    trackstar_updated_date: upstreamTime(firstDay + source.between(0, 45 * day)),
  }
  const name = `${source.pick(moods)} ${source.pick(leaves)} ${n}`
  const sku = generatedSku(n)
  const id = `prod_${digits(n)}`
  if (n % 10 === 9) {
    return {
      product: newProduct(id, sku, name, components(source, n, itemsPerProduct), { ...changes, is_kit: true }),
      inventory: [],
    }
  }
  const inventory = items(source, n, name, changes, itemsPerProduct)
  const unitQuantity = n % 10 === 8 ? 6 : 1
  const references = inventory.map((item) => needs(item.id, sku, unitQuantity))
  return { product: newProduct(id, sku, name, references, changes), inventory }
}

const digits = (n: number): string => String(n).padStart(6, '0')
const itemIds = (n: number, count: ItemsPerProduct): string[] =>
  [`inv_${digits(n)}_a`, `inv_${digits(n)}_b`].slice(0, count)

/** An item that no product draws on: packaging, say. */
export function generateSpareItem(seed: number, n: number): InventoryItem {
  const source = createRandom(Math.imul(seed, 0x01000193) ^ ~n)
  const changes = { trackstar_updated_date: upstreamTime(firstDay + source.between(0, 45 * day)) }
  const sku = `PACKAGING-${digits(n)}`
  return newItem(`inv_packaging_${digits(n)}`, sku, `Box ${n}`, [[source.pick(warehouseIds), stock(source)]], changes)
}

function items(
  source: Random,
  n: number,
  name: string,
  changes: Partial<InventoryItem>,
  count: ItemsPerProduct,
): InventoryItem[] {
  const first = source.between(0, 3)
  const second = (first + source.between(1, 3)) % 4
  return itemIds(n, count).map((id, index) => {
    const warehouseId = warehouseIds[index === 0 ? first : second] as string
    return newItem(id, generatedSku(n), name, [[warehouseId, stock(source)]], changes)
  })
}

function stock(source: Random): ItemQuantities {
  const onhand = source.between(0, 400)
  const committed = source.between(0, Math.floor(onhand / 4))
  return counts(onhand, committed, source.between(0, Math.floor(onhand / 50)), source.pick([0, 0, 0, 60]))
}

function components(source: Random, n: number, count: ItemsPerProduct): ProductReference[] {
  const first = n - source.between(6, 9)
  const second = n - source.between(2, 5)
  return [first, second].flatMap((component) => {
    const unitQuantity = source.between(1, 4)
    return itemIds(component, count).map((id) => needs(id, generatedSku(component), unitQuantity))
  })
}

/** A repeatable source of numbers: the same seed gives the same numbers. Good for inventing data, for nothing else. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** One of the choices. */
  pick<T>(choices: readonly [T, ...T[]]): T
}

/** The generator of a seed: a 32-bit counter, well mixed (splitmix32). */
export function createRandom(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return { between, pick: (choices) => choices[between(0, choices.length - 1)] as (typeof choices)[0] }
}
