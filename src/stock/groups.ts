import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import { compare, type Exact, larger, smaller } from './rational.js'
import { mergeReferences, type References } from './references.js'

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
  readonly invalid: References['invalid']
}

/**
 * The contract's rules 0 and 1. A product that is no kit is one group. A kit has a group for each component SKU, in
 * which the largest unit quantity applies to all if the kit names one of its items twice; an item without any SKU is
 * a group of its own.
 */
export function resolveComponents(product: Product, items: ReadonlyMap<string, InventoryItem>): ProductComponents {
  const { merged, invalid } = mergeReferences(product)
  const components = merged.map(({ inventoryItemId, sku, units, repeated }) => ({
    inventoryItemId,
    sku: sku ?? (items.get(inventoryItemId)?.sku || null),
    units,
    repeated,
  }))
  const groups = product.is_kit ? kitGroups(components) : plainGroups(components)
  return { components, groups, invalid }
}

/** A component whose units the other ones of its group may still change. */
interface Draft extends Component {
  units: Exact
  readonly repeated: boolean
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
    if (members.some((member) => member.repeated)) applyLargest(members)
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
