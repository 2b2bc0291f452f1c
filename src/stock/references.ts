import type { Product, ProductReference } from '../records/product.js'
import { type Exact, larger, plus } from './rational.js'

/** All that a product says of one inventory item, its references to it merged into one. */
export interface Reference {
  readonly inventoryItemId: string
  /** The SKU that its first reference gives it; null where that gives none. */
  readonly sku: string | null
  /** Units of the item that one unit of the product needs, above zero. */
  readonly units: Exact
  /** Whether more than one reference was merged. */
  readonly repeated: boolean
}

/** What a product's `inventory_items` come to. */
export interface References {
  /** One for each item, in the order first named. */
  readonly merged: readonly Reference[]
  /** Those whose `unit_quantity` is no number above zero; they are set aside before anything is merged. */
  readonly invalid: readonly ProductReference[]
}

/**
 * The contract's rule 0. An item that is referred to twice needs the sum of its unit quantities in a kit, and counts
 * once with the largest of them in a plain product.
 */
export function mergeReferences(product: Product): References {
  const merged = new Map<string, Reference>()
  const invalid: ProductReference[] = []
  for (const reference of product.inventory_items ?? []) {
    const units = unitsOf(reference)
    if (units === null) {
      invalid.push(reference)
      continue
    }
    const { inventory_item_id: inventoryItemId } = reference
    const earlier = merged.get(inventoryItemId)
    merged.set(
      inventoryItemId,
      earlier === undefined
        ? { inventoryItemId, sku: reference.sku || null, units, repeated: false }
        : {
            ...earlier,
            units: product.is_kit ? plus(earlier.units, units) : larger(earlier.units, units),
            repeated: true,
          },
    )
  }
  return { merged: [...merged.values()], invalid }
}

/** The ids of the items that must be read to answer for the product: one each, in the order first named. */
export function referencedItemIds(product: Product): string[] {
  const ids = new Set<string>()
  for (const reference of product.inventory_items ?? []) {
    if (unitsOf(reference) !== null) ids.add(reference.inventory_item_id)
  }
  return [...ids]
}

/** What `unit_quantity` says: 1 where it says nothing, null where it is no number above zero. */
function unitsOf({ unit_quantity: units }: ProductReference): number | null {
  if (units === undefined || units === null) return 1
  return typeof units === 'number' && Number.isFinite(units) && units > 0 ? units : null
}
