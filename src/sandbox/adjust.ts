import type { InventoryItem } from '../records/inventory-item.js'
import { touch } from './dates.js'
import { ApiError } from './refusal.js'
import type { SandboxData } from './sandbox-data.js'
import { breakdownOf, shiftStock } from './stock-shift.js'

const knownFields = new Set(['quantity', 'adjustment_type', 'warehouse_id'])

interface Adjustment {
  readonly by: number
  readonly warehouseId: string | undefined
  readonly unusedFields: readonly string[]
}

/**
 * `PUT /wms/inventory/{inventory_id}/adjust`: shifts the stock of an item, in all and in one warehouse, and dates the
 * record later than before. Without a `warehouse_id` the first of its breakdown is meant.
 * The warehouse system behind the sandbox knows no locations, so `location_id` comes back as unused.
 *
 * Refuses a bad body with a 422. The warehouse system refuses, with a 422 of its own origin, a warehouse that neither
 * the list nor the item knows, and taking more than is there.
 */
export function adjust(data: SandboxData, item: InventoryItem, body: unknown, now: number) {
  const { by, warehouseId, unusedFields } = parse(body)
  const places = breakdownOf(item)
  const id = warehouseId ?? Object.keys(places)[0]
  if (id !== undefined && !data.warehouses.has(id) && !(id in places)) {
    throw new ApiError(422, `Unknown warehouse: ${id}`, 'integration')
  }
  shiftStock(item, id, by)
  touch(item, now)
  return { id: item.id, data: item, unused_fields: unusedFields }
}

function parse(body: unknown): Adjustment {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError(422, 'expected a JSON object')
  const fields = new Map<string, unknown>(Object.entries(body))
  for (const [field, value] of fields) {
    if (value === null || value === '') throw new ApiError(422, `${field}: must be left out rather than null or empty`)
  }
  const quantity = fields.get('quantity')
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity <= 0) {
    throw new ApiError(422, `quantity: expected an integer above 0, but got: ${JSON.stringify(quantity)}`)
  }
  const type = fields.get('adjustment_type')
  if (type !== 'increase' && type !== 'decrease') {
    throw new ApiError(422, `adjustment_type: expected increase or decrease, but got: ${JSON.stringify(type)}`)
  }
  const warehouseId = fields.get('warehouse_id')
  if (warehouseId !== undefined && typeof warehouseId !== 'string') {
    throw new ApiError(422, `warehouse_id: expected a string, but got: ${JSON.stringify(warehouseId)}`)
  }
  const unusedFields = Array.from(fields.keys()).filter((field) => !knownFields.has(field))
  return { by: type === 'increase' ? quantity : -quantity, warehouseId, unusedFields }
}
