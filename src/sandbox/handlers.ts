import type { InventoryItem } from '../records/inventory-item.js'
import { ApiError } from './api-error.js'
import { type FilterFields, inventoryFields, listPage, productFields, warehouseFields } from './listing.js'
import { type Announce, RecordChanges, touch } from './record-changes.js'
import { RecordStore, type Storable } from './record-store.js'
import { syncNow } from './sandbox-connection.js'
import type { SandboxData } from './sandbox-data.js'
import { quantitiesByWarehouse, shiftStock } from './stock-mover.js'

/** What a handler gets to see of a call. */
export interface HandlerRequest {
  readonly method: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly now: number
}

/** Where a path leads: what it needs besides the API key, and what each method does there. */
export interface Route {
  /** Management paths take the API key alone. */
  readonly needsToken: boolean
  readonly methods: Readonly<Record<string, (asked: HandlerRequest) => unknown>>
}

/**
 * Finds the route of a path, which is percent-encoded as it came. Undefined where there is none. What a write there
 * changes is announced.
 *
 * Segments are taken as they are and compared after decoding, so an id may hold anything, `/` included.
 */
export function findRoute(data: SandboxData, path: string, announce: Announce = () => {}): Route | undefined {
  const segments = decode(path)
  const [area, resource, id, rest] = segments ?? []
  if (segments?.length === 2 && area === 'connections' && resource !== undefined)
    return connection(data, resource, announce)
  if (area !== 'wms') return undefined
  if (segments?.length === 2) return list(data, resource)
  if (segments?.length === 3 && id !== undefined) return one(data, resource, id)
  if (segments?.length === 4 && id !== undefined) return below(data, `${resource}/${rest}`, id, announce)
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

function connection(data: SandboxData, id: string, announce: Announce): Route {
  const POST = ({ body, now }: HandlerRequest) => {
    const answer = syncNow(data.connection, body, now)
    announce('connection.force-sync-completed', answer.data)
    return answer
  }
  if (id === 'sync') return route({ POST })
  const GET = () => {
    if (id !== data.connection.id) throw new ApiError(404, `Connection not found: ${id}`)
    return { data: data.connection }
  }
  return route({ GET }, false)
}

function list(data: SandboxData, resource: string | undefined): Route | undefined {
  const listOf = <R extends Storable>(store: RecordStore<R>, name: string, fields: FilterFields) =>
    route({ GET: ({ query }) => listPage(copied(data, store, name), fields, query, data.pageTokens) })
  if (resource === 'products') return listOf(data.products, 'get_products', productFields)
  if (resource === 'inventory') return listOf(data.inventory, 'get_inventory', inventoryFields)
  if (resource === 'warehouses') return listOf(data.warehouses, 'get_warehouses', warehouseFields)
  return undefined
}

function one(data: SandboxData, resource: string | undefined, id: string): Route | undefined {
  if (resource === 'products') {
    return route({ GET: () => ({ data: found(copied(data, data.products, 'get_products'), 'Product', id) }) })
  }
  if (resource === 'inventory' && id === 'ledger') return route({ GET: noLedger })
  if (resource === 'inventory') return route({ GET: () => ({ data: item(data, id) }) })
  if (resource === 'warehouses') return route({ GET: () => ({ data: warehouse(data, id) }) })
  return undefined
}

function below(data: SandboxData, kind: string, id: string, announce: Announce): Route | undefined {
  if (kind === 'inventory/adjust') {
    return route({ PUT: ({ body, now }) => adjusted(data, item(data, id).id, body, now, announce) })
  }
  if (kind === 'warehouses/locations') {
    return route({
      GET: ({ query }) => listPage(locations(data, warehouse(data, id).id), warehouseFields, query, data.pageTokens),
    })
  }
  return undefined
}

function adjusted(data: SandboxData, id: string, body: unknown, now: number, announce: Announce) {
  let answer: ReturnType<typeof adjust> | undefined
  new RecordChanges(data, () => now, announce).update('inventory', id, (record) => {
    answer = adjust(data, record, body, now)
  })
  return answer
}

const item = (data: SandboxData, id: string) =>
  found(copied(data, data.inventory, 'get_inventory'), 'Inventory item', id)

const warehouse = (data: SandboxData, id: string) =>
  found(copied(data, data.warehouses, 'get_warehouses'), 'Warehouse', id)

function found<R extends Storable>(store: RecordStore<R>, kind: string, id: string): R {
  const record = store.get(id)
  if (record === undefined) throw new ApiError(404, `${kind} not found: ${id}`)
  return record
}

/** Until the first copy of a function is finished, upstream has none of its records. */
const copied = <R extends Storable>(data: SandboxData, store: RecordStore<R>, name: string): RecordStore<R> =>
  data.connection.historical_sync_completed[name] === false ? new RecordStore<R>() : store

/** The ledger is off unless an organisation asks for it. */
const noLedger = (): never => {
  throw new ApiError(501, 'The inventory ledger is not enabled for this organisation')
}

/** The locations that items name in a warehouse. */
function locations(data: SandboxData, warehouseId: string): RecordStore<Storable & { warehouse_id: string }> {
  const store = new RecordStore<Storable & { name: string; warehouse_id: string }>()
  for (const { locations: places } of data.inventory.values()) {
    for (const { location_id: id, warehouse_id: at } of places ?? []) {
      if (id && at === warehouseId) store.set(id, { id, name: id, warehouse_id: at })
    }
  }
  return store
}

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
  const places = quantitiesByWarehouse(item)
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
