import tap from 'tap'
import { connectionStatus } from '../src/connection.js'
import type { ConnectionState } from '../src/http/metrics.js'
import type { SyncState } from '../src/records/sync-state.js'

const store = (entries: number) => ({ entries, bytes: entries * 10, maxBytes: 1000, evictions: 0 })
const state: ConnectionState = {
  budget: { readsPerSecond: 10, usedLastSecond: 3, waiting: 1 },
  circuit: 'open',
  isRefused: false,
  stores: { records: store(5), absences: store(2) },
  lookups: { hit: 6, stale: 1, negative: 1, miss: 2 },
  keysWaiting: 0,
  requestsWaiting: 0,
  mirror: null,
}
const report = (given: Partial<ConnectionState> = {}, source?: SyncState, trackstarConnectionId?: string) =>
  connectionStatus({ catalogMode: 'on-demand', trackstarConnectionId }, { ...state, ...given }, source)

tap.test('reports the state of a connection', async (t) => {
  t.strictSame(report(), {
    connection_id: null,
    mode: 'on-demand',
    mirror: null,
    cache: { entries: 5, bytes: 50, max_bytes: 1000, hit_ratio: 0.8 },
    budget: { reads_per_second: 10, used_last_second: 3, waiting: 1 },
    circuit: 'open',
    source: null,
  })
  t.equal(report({}, undefined, 'conn').connection_id, 'conn')
})

tap.test('has no hit ratio before the first lookup', async (t) => {
  t.equal(report({ lookups: { hit: 0, stale: 0, negative: 0, miss: 0 } }).cache.hit_ratio, null)
  t.equal(report({ lookups: { hit: 0, stale: 0, negative: 0, miss: 3 } }).cache.hit_ratio, 0)
})

tap.test("reports Trackstar's own state", async (t) => {
  const errors = [{ message: 'no', preventing_sync: true, first_seen: null, last_seen: null }]
  t.strictSame(report({}, { syncedAt: 'then', errors, incomplete: [] }).source, { synced_at: 'then', errors })
})

tap.test('reports the progress of the mirror', async (t) => {
  const mirror = {
    state: 'live',
    pages: 3,
    pagesLeft: null,
    syncedAt: 1_700_000_000_000,
    unreliableResources: ['inventory'],
    products: 1,
    inventory: 0,
    warehouses: 2,
  } as const
  t.match(report({ mirror }).mirror, {
    state: 'live',
    products: 1,
    inventory: 0,
    warehouses: 2,
    pages: 3,
    pages_left: null,
    doubtful: ['inventory'],
    synced_at: '2023-11-14T22:13:20.000Z',
  })
  const loading = { ...mirror, state: 'loading', syncedAt: undefined }
  t.match(report({ mirror: loading } as unknown as ConnectionState).mirror, { state: 'loading', synced_at: null })
})
