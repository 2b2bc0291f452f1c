/** What codes and times are in words. */

/** @type {Readonly<Record<string, string>>} */
const issues = {
  no_inventory_items: 'The product lists no inventory items',
  inventory_item_missing: 'Trackstar does not know one of its items',
  quantity_unknown: 'A quantity is not stated and counts as 0',
  invalid_unit_quantity: 'A component needs an invalid number of units and is left out',
  invalid_reference: 'A component names no item and is left out',
  kit_flag_missing: 'Trackstar does not say whether it is a kit; it is answered as one',
  merchant_mismatch: 'An item belongs to another merchant than the product',
  quantity_inconsistent: 'More can be sold than is in the warehouse',
  warehouse_unknown: 'A warehouse is not known',
  upstream_sync_incomplete: "Trackstar's own first copy is not finished",
  warehouse_breakdown_missing: 'An item has stock but does not say in which warehouse',
  warehouse_breakdown_mismatch: 'The warehouses do not add up to the total',
  connection_unanswered: 'A connection did not answer and is left out of the sum',
}

/** @param {string} code */
export const issueInWords = (code) => issues[code] ?? code.replaceAll('_', ' ')

/** @type {Readonly<Record<string, string>>} */
export const quantityNames = {
  onhand: 'On hand',
  committed: 'Committed',
  unfulfillable: 'Unfulfillable',
  fulfillable: 'Fulfillable',
  sellable: 'Sellable',
  awaiting: 'Awaiting',
}

/**
 * How long ago a time was.
 * @param {string | null | undefined} time ISO 8601
 * @param {number} now epoch ms
 */
export function ageOf(time, now) {
  const seconds = Math.max(0, Math.round((now - Date.parse(time ?? '')) / 1000))
  if (!Number.isFinite(seconds)) return 'at an unknown time'
  if (seconds < 2) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

const numbers = new Intl.NumberFormat('en')

/** @param {number | null | undefined} value */
export const numberText = (value) => (value === null || value === undefined ? '–' : numbers.format(value))

/** @param {number} value with its sign */
export const changeText = (value) => (value > 0 ? `+${numberText(value)}` : numberText(value).replace('-', '−'))

/** @param {number | string} time */
export const clockTime = (time) => new Date(time).toLocaleTimeString('en-GB')
