import type { DocumentedItem as InventoryItem, ItemQuantities } from '../records/inventory-item.js'
import type { DocumentedProduct as Product, ProductReference } from '../records/product.js'
import { counts, firstMerchant, needs, newItem, newProduct, secondMerchant } from './new-records.js'
import { upstreamTime } from './record-changes.js'

const leaves = ['Sencha', 'Oolong', 'Assam', 'Keemun', 'Bancha', 'Yunnan', 'Nilgiri'] as const
const adjectives = ['Misty', 'Early', 'Quiet', 'Amber', 'Winter', 'Harbour', 'Garden'] as const
const warehouseIds = ['wh_oslo', 'wh_porto', 'wh_graz', 'wh_quiet'] as const
const generatedItemId = /^inv_\d{6,}_[ab]$/
const dayMs = 86_400_000
const firstUpdateAt = Date.UTC(2025, 8, 1)

/** A generated product and its inventory items. */
export interface GeneratedProduct {
  readonly product: Product
  readonly inventory: readonly InventoryItem[]
}

/** The SKU of the `n`-th generated product, from 0. Each SKU has one product of one merchant, with consistent quantities. */
export const generatedSku = (n: number): string => `BLEND-${digits(n)}`

/** How many inventory items each product has that is not a kit. */
export type ItemsPerProduct = 1 | 2

/** Whether `id` is that of an inventory item of a generated product. */
export const isGeneratedItem = (id: string): boolean => generatedItemId.test(id)

/**
 * Generates the `n`-th product and its items. Depends on `seed` and `n` alone, not on the size of the catalog. In each ten
 * products, the last is a kit of two of the other nine and has no items of its own, the one before it is a six-pack, and
 * the rest are plain. Each item is in one warehouse.
 */
export function generateProduct(seed: number, n: number, itemsPerProduct: ItemsPerProduct = 2): GeneratedProduct {
  const random = createRandom(Math.imul(seed, 0x01000193) ^ n)
  const overrides = {
    warehouse_customer_id: Math.floor(n / 10) % 2 === 0 ? firstMerchant : secondMerchant,
    trackstar_updated_date: upstreamTime(firstUpdateAt + random.between(0, 45 * dayMs)),
  }
  const name = `${random.pick(adjectives)} ${random.pick(leaves)} ${n}`
  const sku = generatedSku(n)
  const id = `prod_${digits(n)}`
  if (n % 10 === 9) {
    return {
      product: newProduct(id, sku, name, components(random, n, itemsPerProduct), { ...overrides, is_kit: true }),
      inventory: [],
    }
  }
  const inventory = items(random, n, name, overrides, itemsPerProduct)
  const unitQuantity = n % 10 === 8 ? 6 : 1
  const references = inventory.map((item) => needs(item.id, sku, unitQuantity))
  return { product: newProduct(id, sku, name, references, overrides), inventory }
}

const digits = (n: number): string => String(n).padStart(6, '0')
const itemIds = (n: number, count: ItemsPerProduct): string[] =>
  [`inv_${digits(n)}_a`, `inv_${digits(n)}_b`].slice(0, count)

/** An item that no product refers to, such as packaging. */
export function generateSpareItem(seed: number, n: number): InventoryItem {
  const random = createRandom(Math.imul(seed, 0x01000193) ^ ~n)
  const overrides = { trackstar_updated_date: upstreamTime(firstUpdateAt + random.between(0, 45 * dayMs)) }
  const sku = `PACKAGING-${digits(n)}`
  return newItem(`inv_packaging_${digits(n)}`, sku, `Box ${n}`, [[random.pick(warehouseIds), stock(random)]], overrides)
}

function items(
  random: Random,
  n: number,
  name: string,
  overrides: Partial<InventoryItem>,
  count: ItemsPerProduct,
): InventoryItem[] {
  const first = random.between(0, 3)
  const second = (first + random.between(1, 3)) % 4
  return itemIds(n, count).map((id, index) => {
    const warehouseId = warehouseIds[index === 0 ? first : second] as string
    return newItem(id, generatedSku(n), name, [[warehouseId, stock(random)]], overrides)
  })
}

function stock(random: Random): ItemQuantities {
  const onhand = random.between(0, 400)
  const committed = random.between(0, Math.floor(onhand / 4))
  return counts(onhand, committed, random.between(0, Math.floor(onhand / 50)), random.pick([0, 0, 0, 60]))
}

function components(random: Random, n: number, count: ItemsPerProduct): ProductReference[] {
  const first = n - random.between(6, 9)
  const second = n - random.between(2, 5)
  return [first, second].flatMap((component) => {
    const unitQuantity = random.between(1, 4)
    return itemIds(component, count).map((id) => needs(id, generatedSku(component), unitQuantity))
  })
}

/** Repeatable pseudo-random numbers for generated data. Not for security. */
export interface Random {
  /** An integer from `low` to `high`, inclusive. */
  between(low: number, high: number): number
  /** One of the choices. */
  pick<T>(choices: readonly [T, ...T[]]): T
}

/** Creates a splitmix32 generator. The same seed gives the same numbers. */
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
