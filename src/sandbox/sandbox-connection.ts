import { upstreamTime } from './dates.js'
import { ApiError } from './refusal.js'

/** What keeps a connection from working as it should. */
export interface SandboxConnectionError {
  id?: string
  error_message: string
  affected_endpoints: { endpoint: string; preventing_sync: boolean }[]
  first_seen: string
  last_seen: string
}

/** What `GET /connections/{connection_id}` tells of a connection. */
export interface SandboxConnection {
  id: string
  integration_name: string
  /** Function name → whether the first copy of it is finished. While it is false, there are no records of it. */
  historical_sync_completed: Record<string, boolean>
  sync_schedules: { function_name: string; latest_sync: string | null; sync_frequency: number; in_progress: boolean }[]
  errors: SandboxConnectionError[]
  available_actions: string[]
}

const hour = 3600
const frequencies = { get_products: hour, get_inventory: hour, get_warehouses: 12 * hour }

/** A connection that is in good order and was last copied at `now`. */
export const newConnection = (id: string, now: number): SandboxConnection => ({
  id,
  integration_name: 'sandbox',
  historical_sync_completed: { get_products: true, get_inventory: true, get_warehouses: true },
  sync_schedules: Object.entries(frequencies).map(([function_name, sync_frequency]) => ({
    function_name,
    latest_sync: upstreamTime(now),
    sync_frequency,
    in_progress: false,
  })),
  errors: [],
  available_actions: [...Object.keys(frequencies), 'get_warehouse_locations', 'adjust_inventory'],
})

/**
 * `POST /connections/sync`: copies the named functions at once, so their schedules tell `now`. Refuses with a 422 a
 * body without names and a name that has no schedule.
 */
export function syncNow(connection: SandboxConnection, body: unknown, now: number) {
  const names: unknown = Object(body).functions_to_sync
  if (!Array.isArray(names) || names.length === 0) {
    throw new ApiError(422, 'functions_to_sync: expected a list of function names')
  }
  const schedules = names.map((name: unknown) => {
    const schedule = connection.sync_schedules.find(({ function_name }) => function_name === name)
    if (!schedule) throw new ApiError(422, `functions_to_sync: unknown function: ${String(name)}`)
    return schedule
  })
  for (const schedule of schedules) schedule.latest_sync = upstreamTime(now)
  return { id: connection.id, data: { functions_to_sync: names as unknown[] }, unused_fields: [] }
}
