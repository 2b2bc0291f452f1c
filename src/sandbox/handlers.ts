import type { DocumentedItem as InventoryItem } from '../records/inventory-item.js'
import { ApiError } from './api-error.js'
import { type FilterFields, inventoryFields, listPage, productFields, warehouseFields } from './listing.js'
import { type Announce, RecordChanges, touch } from './record-changes.js'
import { RecordStore, type Storable } from './record-store.js'
import { runSchedules, syncNow } from './sandbox-connection.js'
import type { SandboxData } from './sandbox-data.js'
import { quantitiesByWarehouse, shiftStock } from './stock-mover.js'

/** What a handler receives of a call. */
export interface HandlerRequest {
  readonly method: string
  readonly query: URLSearchParams
  /** Parsed JSON. */
  readonly body: unknown
  /** When the call arrived; ms since 1970. */
  readonly now: number
}

/** The handlers of a path, by method, and whether they need an access token. */
export interface Route {
  /** Management paths need the API key alone. */
  readonly needsToken: boolean
  /** Each returns the response body or throws an {@link ApiError}. */
  readonly methods: Readonly<Record<string, (request: HandlerRequest) => unknown>>
}

/**
 * Finds the route of a percent-encoded path. Segments are split first and decoded afterwards, so an id may contain any
 * character, `/` included. Changes made by the route's handlers are announced.
 */
export function findRoute(data: SandboxData, path: string, announce: Announce = () => {}): Route | undefined {
  const segments = decode(path)
  const [area, resource, id, subresource] = segments ?? []
  if (segments?.length === 2 && area === 'connections' && resource !== undefined) {
    return connectionRoute(data, resource, announce)
  }
  if (area !== 'wms') return undefined
  if (segments?.length === 2) return listRoute(data, resource)
  if (segments?.length === 3 && id !== undefined) return recordRoute(data, resource, id)
  if (segments?.length === 4 && id !== undefined) {
    return subresourceRoute(data, `${resource}/${subresource}`, id, announce)
  }
  return undefined
}

function decode(path: string): string[] | undefined {
  try {
    return path.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

const route = (methods: Route['methods'], needsToken = true): Route => ({ needsToken, methods })

function connectionRoute(data: SandboxData, id: string, announce: Announce): Route {
  const POST = ({ body, now }: HandlerRequest) => {
    const response = syncNow(data.connection, body, now)
    announce('connection.force-sync-completed', response.data)
    return response
  }
  if (id === 'sync') return route({ POST })
  const GET = ({ now }: HandlerRequest) => {
    if (id !== data.connection.id) throw new ApiError(404, `Connection not found: ${id}`)
    runSchedules(data.connection, now)
    return { data: data.connection }
  }
  return route({ GET }, false)
}

function listRoute(data: SandboxData, resource: string | undefined): Route | undefined {
  const listOf = <R extends Storable>(store: RecordStore<R>, functionName: string, fields: FilterFields) =>
    route({ GET: ({ query }) => listPage(syncedRecords(data, store, functionName), fields, query, data.pageTokens) })
  if (resource === 'products') return listOf(data.products, 'get_products', productFields)
  if (resource === 'inventory') return listOf(data.inventory, 'get_inventory', inventoryFields)
  if (resource === 'warehouses') return listOf(data.warehouses, 'get_warehouses', warehouseFields)
  return undefined
}

function recordRoute(data: SandboxData, resource: string | undefined, id: string): Route | undefined {
  if (resource === 'products') {
    return route({
      GET: () => ({ data: getRecord(syncedRecords(data, data.products, 'get_products'), 'Product', id) }),
    })
  }
  if (resource === 'inventory' && id === 'ledger') return route({ GET: ledgerNotEnabled })
  if (resource === 'inventory') return route({ GET: () => ({ data: getItem(data, id) }) })
  if (resource === 'warehouses') return route({ GET: () => ({ data: getWarehouse(data, id) }) })
  return undefined
}

function subresourceRoute(data: SandboxData, kind: string, id: string, announce: Announce): Route | undefined {
  if (kind === 'inventory/adjust') {
    return route({ PUT: ({ body, now }) => adjustAndAnnounce(data, getItem(data, id).id, body, now, announce) })
  }
  if (kind === 'warehouses/locations') {
    return route({
      GET: ({ query }) => {
        const locations = locationsIn(data, getWarehouse(data, id).id)
        return listPage(locations, warehouseFields, query, data.pageTokens)
      },
    })
  }
  return undefined
}

function adjustAndAnnounce(data: SandboxData, id: string, body: unknown, now: number, announce: Announce) {
  let response: ReturnType<typeof adjust> | undefined
  new RecordChanges(data, () => now, announce).update('inventory', id, (item) => {
    response = adjust(data, item, body, now)
  })
  return response
}

const getItem = (data: SandboxData, id: string) =>
  getRecord(syncedRecords(data, data.inventory, 'get_inventory'), 'Inventory item', id)

const getWarehouse = (data: SandboxData, id: string) =>
  getRecord(syncedRecords(data, data.warehouses, 'get_warehouses'), 'Warehouse', id)

function getRecord<R extends Storable>(store: RecordStore<R>, kind: string, id: string): R {
  const record = store.get(id)
  if (record === undefined) throw new ApiError(404, `${kind} not found: ${id}`)
  return record
}

/** The records that upstream serves: none until the historical sync of the function is complete. */
const syncedRecords = <R extends Storable>(
  data: SandboxData,
  store: RecordStore<R>,
  functionName: string,
): RecordStore<R> => (data.connection.historical_sync_completed[functionName] === false ? new RecordStore<R>() : store)

/** Upstream enables the ledger for an organisation on request. */
const ledgerNotEnabled = (): never => {
  throw new ApiError(501, 'The inventory ledger is not enabled for this organisation')
}

/** The locations in a warehouse that inventory items name. */
function locationsIn(data: SandboxData, warehouseId: string): RecordStore<Storable & { warehouse_id: string }> {
  const store = new RecordStore<Storable & { name: string; warehouse_id: string }>()
  for (const { locations } of data.inventory.values()) {
    for (const { location_id: id, warehouse_id } of locations ?? []) {
      if (id && warehouse_id === warehouseId) store.set(id, { id, name: id, warehouse_id })
    }
  }
  return store
}

const usedFields = new Set(['quantity', 'adjustment_type', 'warehouse_id'])

interface Adjustment {
  readonly delta: number
  readonly warehouseId: string | undefined
  readonly unusedFields: readonly string[]
}

/**
 * `PUT /wms/inventory/{inventory_id}/adjust`: changes the stock of an item, in total and in one warehouse, and moves its
 * update date forward. Without `warehouse_id`, the first warehouse of the item's breakdown is adjusted. The sandbox's
 * warehouse system has no locations, so it reports `location_id` as an unused field.
 * @throws {ApiError} 422 for an invalid body; 422 with origin `integration` for a warehouse that neither the list nor the
 * item has, and for a decrease below 0
 */
export function adjust(data: SandboxData, item: InventoryItem, body: unknown, now: number) {
  const { delta, warehouseId, unusedFields } = parseAdjustment(body)
  const breakdown = quantitiesByWarehouse(item)
  const id = warehouseId ?? Object.keys(breakdown)[0]
  if (id !== undefined && !data.warehouses.has(id) && !(id in breakdown)) {
    throw new ApiError(422, `Unknown warehouse: ${id}`, 'integration')
  }
  shiftStock(item, id, delta)
  touch(item, now)
  return { id: item.id, data: item, unused_fields: unusedFields }
}

function parseAdjustment(body: unknown): Adjustment {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError(422, 'expected a JSON object')
  }
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
  const unusedFields = Array.from(fields.keys()).filter((field) => !usedFields.has(field))
  return { delta: type === 'increase' ? quantity : -quantity, warehouseId, unusedFields }
}
