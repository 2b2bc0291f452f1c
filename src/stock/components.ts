import { flagOf, isObject, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { type Product, referencedItemId, referencesOf, unitsOf } from '../records/product.js'
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
  readonly isKit: boolean
  /** Whether the product does not say so, but names several component SKUs. */
  readonly isKitAssumed: boolean
  readonly components: readonly Component[]
  /** In the order of their first components. */
  readonly groups: readonly Group[]
  /** References that are ignored. */
  readonly invalidReferences: readonly InvalidReference[]
}

/** A reference that is ignored: it names no item, or its unit quantity is not a number above zero. */
export interface InvalidReference {
  /** Null if it names no item. */
  readonly inventoryItemId: string | null
  /** The unit quantity as received. */
  readonly unitQuantity: unknown
}

/**
 * Resolves a product into components and groups. A plain product is one group. A kit has one group for each component SKU;
 * an item without a SKU is a group of its own. If a kit refers to an item more than once, the largest unit quantity of that
 * item's group applies to all of the group. A product that does not say whether it is a kit is one if its components have
 * several SKUs.
 */
export function resolveComponents(product: Product, items: ReadonlyMap<string, InventoryItem>): ProductComponents {
  const { valid, invalid } = readReferences(product)
  const flag = flagOf(product.is_kit)
  const isKitAssumed = flag === null && haveSeveralSkus(valid, items)
  const isKit = flag ?? isKitAssumed
  const components = mergeReferences(valid, isKit, items)
  const groups = isKit ? kitGroups(components) : plainGroups(components)
  return { isKit, isKitAssumed, components, groups, invalidReferences: invalid }
}

/** A component whose units may still change with its group. */
interface Draft extends Component {
  units: Exact
  /** Whether several references were merged into it. */
  isRepeated: boolean
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

/** A reference that can be used. */
interface Reference {
  readonly inventoryItemId: string
  readonly sku: string | null
  readonly units: number
}

function readReferences(product: Product): { valid: Reference[]; invalid: InvalidReference[] } {
  const valid: Reference[] = []
  const invalid: InvalidReference[] = []
  for (const reference of referencesOf(product)) {
    const inventoryItemId = referencedItemId(reference)
    const fields = isObject(reference) ? reference : {}
    const units = unitsOf(fields)
    if (inventoryItemId === null || units === null) {
      invalid.push({ inventoryItemId, unitQuantity: fields['unit_quantity'] })
    } else valid.push({ inventoryItemId, sku: skuOf(fields), units })
  }
  return { valid, invalid }
}

/** The SKU of a component: that of the first reference to its item, else the item's own. */
const componentSku = (
  { inventoryItemId, sku }: Reference,
  items: ReadonlyMap<string, InventoryItem>,
): string | null => {
  const item = sku === null ? items.get(inventoryItemId) : undefined
  return item === undefined ? sku : skuOf(item)
}

function haveSeveralSkus(references: readonly Reference[], items: ReadonlyMap<string, InventoryItem>): boolean {
  const skuById = new Map<string, string | null>()
  for (const reference of references) {
    const { inventoryItemId } = reference
    if (!skuById.has(inventoryItemId)) skuById.set(inventoryItemId, componentSku(reference, items))
  }
  const skus = new Set(skuById.values())
  skus.delete(null)
  return skus.size > 1
}

/**
 * Merges references to the same item, in the order of first reference. The unit quantities of a repeated item are added up
 * in a kit; in a plain product the item counts once, with the largest of them.
 */
function mergeReferences(
  references: readonly Reference[],
  isKit: boolean,
  items: ReadonlyMap<string, InventoryItem>,
): Draft[] {
  const merged = new Map<string, Draft>()
  for (const reference of references) {
    const { inventoryItemId, units } = reference
    const existing = merged.get(inventoryItemId)
    if (existing === undefined) {
      merged.set(inventoryItemId, { inventoryItemId, sku: componentSku(reference, items), units, isRepeated: false })
    } else {
      existing.units = isKit ? plus(existing.units, units) : larger(existing.units, units)
      existing.isRepeated = true
    }
  }
  return [...merged.values()]
}

/** The distinct ids of the items that the stock of a product needs, in the order of first reference. */
export const referencedItemIds = (product: Product): string[] => [
  ...new Set(readReferences(product).valid.map(({ inventoryItemId }) => inventoryItemId)),
]
