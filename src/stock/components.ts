import type { InventoryItem } from '../records/inventory-item.js'
import type { Product, ProductReference } from '../records/product.js'
import { compare, type Exact, larger, plus, smaller } from './rational.js'

/** One inventory item as a part of a product. */
export interface Component {
  readonly inventoryItemId: string
  /** The SKU that the product gives the item, else the item's own, else null. An empty SKU counts as none. */
  readonly sku: string | null
  /** Units of the item that one unit of the product needs, after references are merged. */
  readonly units: Exact
}

/** Items that are interchangeable; never empty. */
export interface Group {
  /** The component's SKU in a kit, null if it has none; null in a plain product. */
  readonly sku: string | null
  /** In product order. */
  readonly components: readonly Component[]
  /** The unit quantity of all components; null if they differ. */
  readonly units: Exact | null
}

/** The components of a product, in product order, and the groups that they form. */
export interface ProductComponents {
  readonly components: readonly Component[]
  /** In the order of their first components. */
  readonly groups: readonly Group[]
  /** References that are ignored because of their unit quantity. */
  readonly invalidReferences: MergedReferences['invalid']
}

/**
 * Resolves a product into components and groups. A plain product is one group. A kit has one group for each component SKU;
 * an item without a SKU is a group of its own. If a kit refers to an item more than once, the largest unit quantity of that
 * item's group applies to all of the group.
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

/** A component whose units may still change with its group. */
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
    const members = bySku.get(key)
    if (members === undefined) bySku.set(key, [component])
    else members.push(component)
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
  const isUniform = components.every((component) => compare(component.units, smallest) === 0)
  return { sku, components, units: isUniform ? smallest : null }
}

/** All references of a product to one inventory item, merged. */
export interface MergedReference {
  readonly inventoryItemId: string
  /** The SKU of the first reference, or null. */
  readonly sku: string | null
  /** Units of the item that one unit of the product needs, above zero. */
  readonly units: Exact
  /** Whether more than one reference was merged. */
  readonly isRepeated: boolean
}

/** The result of merging a product's `inventory_items`. */
export interface MergedReferences {
  /** One for each item, in the order of first reference. */
  readonly merged: readonly MergedReference[]
  /** References whose `unit_quantity` is not a number above zero. They are not merged. */
  readonly invalid: readonly ProductReference[]
}

/**
 * Merges references to the same item. The unit quantities of a repeated item are added up in a kit; in a plain product the
 * item counts once, with the largest of them.
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
    const existing = merged.get(inventoryItemId)
    merged.set(
      inventoryItemId,
      existing === undefined
        ? { inventoryItemId, sku: reference.sku || null, units, isRepeated: false }
        : {
            ...existing,
            units: product.is_kit ? plus(existing.units, units) : larger(existing.units, units),
            isRepeated: true,
          },
    )
  }
  return { merged: [...merged.values()], invalid }
}

/** The distinct ids of the items that the stock of a product needs, in the order of first reference. */
export function referencedItemIds(product: Product): string[] {
  const ids = new Set<string>()
  for (const reference of product.inventory_items ?? []) {
    if (unitsOf(reference) !== null) ids.add(reference.inventory_item_id)
  }
  return [...ids]
}

/** The unit quantity of a reference: 1 if absent or null; null if it is not a number above zero. */
function unitsOf({ unit_quantity: units }: ProductReference): number | null {
  if (units === undefined || units === null) return 1
  return typeof units === 'number' && Number.isFinite(units) && units > 0 ? units : null
}
