import { warehouses } from './fake-upstream.js'
import type { Json } from './join.js'
import type { Random } from './random.js'

/** Every SKU of the products. */
export const skus = ['A', 'B', 'C-1', 'D/2', 'E,5', 'Ü +%'] as const

function quantities(random: Random): Json & Record<'onhand' | 'fulfillable' | 'committed' | 'unfulfillable', number> {
  const committed = random.int(0, 5)
  const unfulfillable = random.int(0, 2)
  const fulfillable = random.int(-2, 30)
  const onhand = committed + unfulfillable + fulfillable
  return { onhand, committed, unfulfillable, fulfillable, sellable: fulfillable, awaiting: random.int(0, 4) }
}

/** @param odd the probability of each oddity */
export function newItem(id: string, random: Random, odd: number): Json {
  const parts = warehouses.map(({ id: warehouseId }) => [warehouseId, quantities(random)] as const)
  const present = parts.slice(0, random.int(1, parts.length))
  const total = (name: string) => present.reduce((sum, [, part]) => sum + Number(part[name]), 0)
  const item: Record<string, unknown> = {
    id,
    sku: `part-${random.int(1, 4)}`,
    name: `Item ${id}`,
    warehouse_customer_id: null,
    active: true,
    onhand: total('onhand'),
    committed: total('committed'),
    unfulfillable: total('unfulfillable'),
    fulfillable: total('fulfillable'),
    sellable: total('sellable'),
    awaiting: total('awaiting'),
    inventory_by_warehouse_id: Object.fromEntries(present),
  }
  if (!random.chance(odd)) return item
  switch (random.int(0, 7)) {
    case 0:
      return { ...item, fulfillable: null }
    case 1:
      return { ...item, fulfillable: null, committed: null }
    case 2:
      return { ...item, inventory_by_warehouse_id: null }
    case 3:
      return { ...item, fulfillable: String(item['fulfillable']) }
    case 4:
      return { ...item, fulfillable: Number(item['onhand']) + 7 }
    case 5:
      return { ...item, warehouse_customer_id: random.pick(['m1', 'm2']) }
    case 6:
      return { ...item, name: 17, lots: 'none', measurements: [] }
    default:
      return { ...item, onhand: 'many', sku: 400 + random.int(0, 3) }
  }
}

/** @param itemIds the items that it may refer to */
export function newProduct(id: string, random: Random, odd: number, itemIds: readonly string[]): Json {
  const references = (count: number): Json[] =>
    Array.from({ length: count }, () => ({
      inventory_item_id: random.chance(0.95) ? random.pick(itemIds) : 'no-such-item',
      sku: random.chance(0.7) ? `part-${random.int(1, 4)}` : null,
      unit_quantity: random.pick([1, 1, 2, 3, null]),
    }))
  const is_kit = random.chance(0.35)
  const product: Record<string, unknown> = {
    id,
    sku: random.pick(skus),
    name: `Product ${id}`,
    gtin: null,
    is_kit,
    active: random.chance(0.75),
    warehouse_customer_id: random.pick(['m1', 'm1', 'm1', 'm2', null]),
    inventory_items: references(is_kit ? random.int(1, 4) : random.int(0, 2)),
  }
  if (!random.chance(odd)) return product
  switch (random.int(0, 8)) {
    case 7:
      return { ...product, is_kit: null, inventory_items: [...references(2), ...references(1)] }
    case 8: {
      const [part] = references(1)
      return {
        ...product,
        inventory_items: [part, { ...part, unit_quantity: random.pick([0.5, '2', 3]) }, ...references(1)],
      }
    }
    case 0:
      return { ...product, gtin: 4006381333931 }
    case 1:
      return { ...product, sku: random.int(1, 3) }
    case 2:
      return { ...product, inventory_items: [{ inventory_item_id: '', sku: 'x' }, ...references(1)] }
    case 3:
      return { ...product, inventory_items: [null, 'text', ...references(1)] }
    case 4:
      return {
        ...product,
        is_kit: null,
        inventory_items: references(2).map((part, n) => ({ ...part, sku: `part-${n}` })),
      }
    case 5:
      return { ...product, inventory_items: [{ ...references(1)[0], unit_quantity: 0 }, ...references(1)] }
    default:
      return { ...product, inventory_items: null }
  }
}
