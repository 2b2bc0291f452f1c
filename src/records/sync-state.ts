import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { nullish } from '../schema.js'

/** The fields of an upstream connection that this service uses. */
const Connection = Type.Object(
  {
    historical_sync_completed: nullish(Type.Record(Type.String(), Type.Unknown())),
    sync_schedules: nullish(
      Type.Array(
        Type.Object({
          function_name: nullish(Type.String()),
          latest_sync: nullish(Type.String()),
          last_crawl_end: nullish(Type.String()),
          latest_data: nullish(Type.String()),
        }),
      ),
    ),
    errors: nullish(
      Type.Array(
        Type.Object({
          error_message: nullish(Type.String()),
          affected_endpoints: nullish(Type.Array(Type.Object({ preventing_sync: nullish(Type.Boolean()) }))),
          first_seen: nullish(Type.String()),
          last_seen: nullish(Type.String()),
        }),
      ),
    ),
  },
  { additionalProperties: true },
)
const connection = Compile(Connection)

/** The state of Trackstar's own copy of the warehouse system. */
export interface SyncState {
  /** When Trackstar last synced inventory; null if unknown. */
  readonly syncedAt: string | null
  readonly errors: readonly SyncError[]
  /** The resources whose first sync is not finished: their lists may be partial. */
  readonly incomplete: readonly string[]
}

/** An error between Trackstar and the warehouse system. */
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

/** Parses a response of `/connections/{id}`. `data` may be the object or a list of one; returns undefined if it is neither. */
export function parseSyncState(body: unknown): SyncState | undefined {
  const data: unknown = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined
  const found: unknown = Array.isArray(data) ? data[0] : data
  if (!connection.Check(found)) return undefined
  const schedule = found.sync_schedules?.find((entry) => entry.function_name === 'get_inventory')
  return {
    syncedAt: schedule?.latest_sync ?? schedule?.last_crawl_end ?? schedule?.latest_data ?? null,
    errors: (found.errors ?? []).map((error) => ({
      message: error.error_message ?? 'unnamed error',
      preventing_sync: error.affected_endpoints?.some((endpoint) => endpoint.preventing_sync === true) ?? false,
      first_seen: error.first_seen ?? null,
      last_seen: error.last_seen ?? null,
    })),
    incomplete: Object.entries(found.historical_sync_completed ?? {}).flatMap(([name, done]) => {
      const resource = resourceOf.get(name)
      return resource !== undefined && done === false ? [resource] : []
    }),
  }
}
