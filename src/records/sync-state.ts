import { parseDate } from './dates.js'
import { isObject, objectsIn, textOf } from './fields.js'

/** The state of Trackstar's own copy of the warehouse system. */
export interface SyncState {
  /** When Trackstar last synced inventory, ISO 8601 UTC; null if unknown. */
  readonly syncedAt: string | null
  readonly errors: readonly SyncError[]
  /** The resources whose first sync is not finished: their lists may be partial. */
  readonly incomplete: readonly string[]
}

/** An error between Trackstar and the warehouse system. Times are ISO 8601 UTC. */
export interface SyncError {
  readonly message: string
  readonly preventing_sync: boolean
  readonly first_seen: string | null
  readonly last_seen: string | null
}

/** The upstream functions whose first run fills the resources that stock depends on. */
const resourceOf: ReadonlyMap<string, string> = new Map([
  ['get_products', 'products'],
  ['get_inventory', 'inventory'],
])

/**
 * Parses a response of `/connections/{id}`. `data` may be the object or a list of one; returns undefined if it is neither.
 * What is in it may have any type: parts that cannot be read are ignored.
 */
export function parseSyncState(body: unknown): SyncState | undefined {
  const data = isObject(body) ? body['data'] : undefined
  const connection: unknown = Array.isArray(data) ? data[0] : data
  if (!isObject(connection)) return undefined
  const { sync_schedules: schedules, historical_sync_completed: completed } = connection
  const schedule = objectsIn(schedules).find((entry) => entry['function_name'] === 'get_inventory')
  return {
    syncedAt: firstTime(schedule?.['latest_sync'], schedule?.['last_crawl_end'], schedule?.['latest_data']),
    errors: objectsIn(connection['errors']).map((error) => ({
      message:
        textOf(error['error_message']) ?? textOf(error['message']) ?? textOf(error['error_type']) ?? 'unnamed error',
      preventing_sync: objectsIn(error['affected_endpoints']).some((endpoint) => endpoint['preventing_sync'] === true),
      first_seen: firstTime(error['first_seen']),
      last_seen: firstTime(error['last_seen']),
    })),
    incomplete: Object.entries(isObject(completed) ? completed : {}).flatMap(([name, done]) => {
      const resource = resourceOf.get(name)
      return resource !== undefined && done === false ? [resource] : []
    }),
  }
}

/** The first of these that is a date, as ISO 8601 UTC to the second. */
function firstTime(...values: readonly unknown[]): string | null {
  const time = values.map(parseDate).find((instant) => instant !== undefined)
  return time === undefined ? null : `${new Date(time).toISOString().slice(0, 19)}Z`
}
