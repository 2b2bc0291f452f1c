import type { InventoryItem } from '../records/inventory-item.js'
import type { Product, ProductReference } from '../records/product.js'
import { compare, type Exact, larger, plus, smaller } from './rational.js'

/** One item as a part of a product. */
export interface Component {
  readonly inventoryItemId: string
  /** The product's name for the item, else the item's own SKU, else null. An empty one is none. */
  readonly sku: string | null
  /** Units of the item that one unit of the product needs, as the arithmetic uses them. */
  readonly units: Exact
}

/** Items that can stand in for each other; never empty. */
export interface Group {
  /** In a kit the component's SKU, null where it has none; null in a product that is no kit. */
  readonly sku: string | null
  /** In product order. */
  readonly components: readonly Component[]
  /** The units that all of its components need alike, null where they differ. */
  readonly units: Exact | null
}

/** A product taken apart: what it draws on, in product order, how that falls into groups, and what was set aside. */
export interface ProductComponents {
  readonly components: readonly Component[]
  /** In the order of their first components. */
  readonly groups: readonly Group[]
  readonly invalidReferences: MergedReferences['invalid']
}

/**
 * The contract's rules 0 and 1. A product that is no kit is one group. A kit has a group for each component SKU, in
 * which the largest unit quantity applies to all if the kit names one of its items twice; an item without any SKU is
 * a group of its own.
 */
export function resolveComponents(product: Product, items: ReadonlyMap<string, InventoryItem>): ProductComponents {
  const { merged, invalid } = mergeReferences(product)
  const components = merged.map(({ inventoryItemId, sku, units, isRepeated }) => ({
    inventoryItemId,
    sku: sku ?? (items.get(inventoryItemId)?.sku || null),
    units,
    isRepeated,
  }))
  const groups = product.is_kit ? kitGroups(components) : plainGroups(components)
  return { components, groups, invalidReferences: invalid }
}

/** A component whose units the other ones of its group may still change. */
interface Draft extends Component {
  units: Exact
  readonly isRepeated: boolean
}

const plainGroups = (components: readonly Draft[]): Group[] =>
  components.length === 0 ? [] : [groupOf(null, components)]

function kitGroups(components: readonly Draft[]): Group[] {
  const bySku = new Map<string | Draft, Draft[]>()
  for (const component of components) {
    const key = component.sku ?? component
    const known = bySku.get(key)
    if (known === undefined) bySku.set(key, [component])
    else known.push(component)
  }
  return Array.from(bySku, ([key, members]) => {
    if (members.some((member) => member.isRepeated)) applyLargest(members)
    return groupOf(typeof key === 'string' ? key : null, members)
  })
}

function applyLargest(members: readonly Draft[]): void {
  const largest = members.map((member) => member.units).reduce(larger)
  for (const member of members) member.units = largest
}

function groupOf(sku: string | null, components: readonly Component[]): Group {
  const smallest = components.map((component) => component.units).reduce(smaller)
  const alike = components.every((component) => compare(component.units, smallest) === 0)
  return { sku, components, units: alike ? smallest : null }
}

/** All that a product says of one inventory item, its references to it merged into one. */
export interface MergedReference {
  readonly inventoryItemId: string
  /** The SKU that its first reference gives it; null where that gives none. */
  readonly sku: string | null
  /** Units of the item that one unit of the product needs, above zero. */
  readonly units: Exact
  /** Whether more than one reference was merged. */
  readonly isRepeated: boolean
}

/** What a product's `inventory_items` come to. */
export interface MergedReferences {
  /** One for each item, in the order first named. */
  readonly merged: readonly MergedReference[]
  /** Those whose `unit_quantity` is no number above zero; they are set aside before anything is merged. */
  readonly invalid: readonly ProductReference[]
}

/**
 * The contract's rule 0. An item that is referred to twice needs the sum of its unit quantities in a kit, and counts
 * once with the largest of them in a plain product.
 */
export function mergeReferences(product: Product): MergedReferences {
  const merged = new Map<string, MergedReference>()
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
        ? { inventoryItemId, sku: reference.sku || null, units, isRepeated: false }
        : {
            ...earlier,
            units: product.is_kit ? plus(earlier.units, units) : larger(earlier.units, units),
            isRepeated: true,
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
