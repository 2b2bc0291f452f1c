import { idOf, merchantOf } from '../records/fields.js'
import { hasSubstitutes, type InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { Warehouse } from '../records/warehouse.js'
import type { InvalidReference, ProductComponents } from './components.js'
import type { ItemAmounts, SelectedWarehouses, StatedAmounts } from './quantities.js'
import { compare, type Exact, plus } from './rational.js'
import type { StockIssue } from './stock.js'

/** An issue, and whether it may make a number of the response too low or too high, so that it is not complete. */
export interface Finding {
  readonly issue: StockIssue
  readonly affectsNumbers: boolean
}

const finding = (
  code: StockIssue['code'],
  inventoryItemId: string | null,
  detail: string,
  affectsNumbers = true,
): Finding => ({ issue: { code, inventory_item_id: inventoryItemId, detail }, affectsNumbers })

/** What is wrong with a product's own record. */
export function productFindings(
  product: Product,
  { components, invalidReferences, isKitAssumed }: ProductComponents,
): Finding[] {
  const findings = invalidReferences.map(invalidReference)
  if (components.length + invalidReferences.length === 0) {
    findings.push(finding('no_inventory_items', null, `Product ${idOf(product)} lists no inventory items.`))
  }
  if (isKitAssumed) {
    findings.push(
      finding(
        'kit_flag_missing',
        null,
        `Product ${idOf(product)} does not say whether it is a kit. It counts as one, because its components have several SKUs.`,
      ),
    )
  }
  return findings
}

const invalidReference = ({ inventoryItemId, unitQuantity }: InvalidReference): Finding =>
  inventoryItemId === null
    ? finding(
        'invalid_reference',
        null,
        "A reference of the product is ignored: it does not name an inventory item's id.",
      )
    : finding(
        'invalid_unit_quantity',
        inventoryItemId,
        `The product's reference to inventory item ${inventoryItemId} is ignored: its unit quantity must be a number above zero, but is ${described(unitQuantity)}.`,
      )

/** Upstream does not know the item. */
export const inventoryItemMissing = (inventoryItemId: string): Finding =>
  finding(
    'inventory_item_missing',
    inventoryItemId,
    `Trackstar does not know inventory item ${inventoryItemId}, which the product refers to.`,
  )

/** Upstream has not finished the first sync of a resource, or cannot list all of it. */
export const upstreamSyncIncomplete = (resource: string): Finding =>
  finding(
    'upstream_sync_incomplete',
    null,
    `The connection's ${resource} may lack records or be outdated: Trackstar has not finished their first sync, or cannot list all of them.`,
  )

/** One issue for each selected warehouse that neither the warehouse list nor any item knows. */
export function warehouseUnknown(
  selected: SelectedWarehouses,
  warehouses: ReadonlyMap<string, Warehouse>,
  amountsById: ReadonlyMap<string, ItemAmounts>,
): Finding[] {
  return [...(selected ?? [])]
    .filter((id) => !warehouses.has(id) && ![...amountsById.values()].some(({ byWarehouse }) => byWarehouse.has(id)))
    .map(unknownWarehouse)
}

/** Neither the warehouse list nor any item knows the warehouse. */
export const unknownWarehouse = (id: string): Finding =>
  finding(
    'warehouse_unknown',
    null,
    `Neither the warehouse list nor any inventory item of the product knows the warehouse ${id}.`,
  )

/** A connection of a group says neither how much it has nor that it has none. */
export const connectionUnanswered = (connection: string, reason: string): Finding =>
  finding('connection_unanswered', null, `The connection ${connection} is not counted. ${reason}`)

/**
 * The issues of an item's numbers, as far as they affect the selected warehouses. An item without a breakdown says nothing
 * about single warehouses, so an unknown quantity of the item affects all of them.
 */
export function itemFindings(
  product: Product,
  item: InventoryItem,
  amounts: ItemAmounts,
  selected: SelectedWarehouses,
): Finding[] {
  const { overall, byWarehouse } = amounts
  const inventoryItemId = idOf(item)
  const findings: Finding[] = []
  const report = (code: StockIssue['code'], detail: string, affectsNumbers = true) =>
    findings.push(finding(code, inventoryItemId, `Inventory item ${inventoryItemId} ${detail}`, affectsNumbers))

  const hasStock = isNonZero(overall.onhand) || isNonZero(overall.fulfillable)
  const hasBreakdown = byWarehouse.size > 0
  if (!overall.isFulfillableKnown && (selected === undefined || (!hasBreakdown && !hasStock))) {
    report('quantity_unknown', 'does not state its fulfillable quantity.')
  }
  for (const [warehouseId, inWarehouse] of byWarehouse) {
    if (!inWarehouse.isFulfillableKnown && (selected === undefined || selected.has(warehouseId))) {
      report('quantity_unknown', `does not state its fulfillable quantity in warehouse ${warehouseId}.`)
    }
  }
  if (overall.isFulfillableKnown && isMore(overall.fulfillable, overall.onhand) && !hasSubstitutes(item)) {
    report('quantity_inconsistent', 'states a fulfillable quantity that is more than its onhand quantity.')
  }
  const merchants = [merchantOf(product), merchantOf(item)]
  if (!merchants.includes(null) && merchants[0] !== merchants[1]) {
    report('merchant_mismatch', 'belongs to another merchant than the product.')
  }
  if (!hasBreakdown && hasStock) {
    report('warehouse_breakdown_missing', 'has stock but no breakdown by warehouse.', selected !== undefined)
  }
  if (hasBreakdown) {
    const onhand = addsUp('onhand', amounts) ? [] : ['onhand']
    const fulfillable = addsUp('fulfillable', amounts) ? [] : ['fulfillable']
    const fields = [...onhand, ...fulfillable]
    if (fields.length > 0) {
      report(
        'warehouse_breakdown_mismatch',
        `has a breakdown by warehouse that does not add up to its total: ${fields.join(' and ')}.`,
        fulfillable.length > 0,
      )
    }
  }
  return findings
}

const isNonZero = (amount: Exact | null): boolean => amount !== null && compare(amount, 0) !== 0

const isMore = (amount: Exact, other: Exact | null): boolean => other !== null && compare(amount, other) > 0

/** Whether a quantity of the warehouses adds up to the item's. If one of them is unknown, nothing contradicts it. */
function addsUp(field: 'onhand' | 'fulfillable', { overall, byWarehouse }: ItemAmounts): boolean {
  const total = stated(field, overall)
  if (total === null) return true
  let sum: Exact = 0
  for (const amounts of byWarehouse.values()) {
    const amount = stated(field, amounts)
    if (amount === null) return true
    sum = plus(sum, amount)
  }
  return compare(sum, total) === 0
}

const stated = (field: 'onhand' | 'fulfillable', amounts: StatedAmounts): Exact | null =>
  field === 'fulfillable' && !amounts.isFulfillableKnown ? null : amounts[field]

/** A number, or only the type of any other value, which may be long. */
const described = (value: unknown): string => (typeof value === 'number' ? `${value}` : `of type ${typeof value}`)
