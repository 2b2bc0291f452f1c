import type { Config } from './config/config.js'
import type { Connection } from './connection.js'
import type { Status } from './routes/status.js'
import type { Catalog } from './services/catalog.js'

/** What `/status` says of the one connection. */
export function connectionStatus(
  { trackstarConnectionId, catalogMode }: Pick<Config, 'trackstarConnectionId' | 'catalogMode'>,
  catalog: Catalog,
  { budget, circuit }: Connection,
): Status['connections'][number] {
  const { stores, lookups, mirror } = catalog.state
  const { readsPerSecond, usedLastSecond, waiting } = budget.state
  const asked = lookups.hit + lookups.stale + lookups.negative + lookups.miss
  const source = catalog.connectionState()
  return {
    connection_id: trackstarConnectionId ?? null,
    mode: catalogMode,
    mirror: mirror && {
      state: mirror.state,
      products: mirror.products,
      inventory: mirror.inventory,
      warehouses: mirror.warehouses,
      pages: mirror.pages,
      pages_left: mirror.pagesLeft,
      doubtful: [...mirror.unreliableResources],
      synced_at: mirror.syncedAt === undefined ? null : new Date(mirror.syncedAt).toISOString(),
    },
    cache: {
      entries: stores.records.entries,
      bytes: stores.records.bytes,
      max_bytes: stores.records.maxBytes,
      hit_ratio: asked === 0 ? null : 1 - lookups.miss / asked,
    },
    budget: { reads_per_second: readsPerSecond, used_last_second: usedLastSecond, waiting },
    circuit: circuit.state,
    source: source ? { synced_at: source.syncedAt, errors: [...source.errors] } : null,
  }
}
