import tap from 'tap'
import { parseSyncState } from '../../src/records/sync-state.js'
import { newConnection } from '../../src/sandbox/sandbox-connection.js'

const silent = { syncedAt: null, errors: [], incomplete: [], schedules: [] }
const noon = Date.parse('2026-03-01T12:00:00Z')

tap.test('parses a connection, alone or in a list of one', async (t) => {
  const connection = newConnection('c', noon)
  const state = { syncedAt: '2026-03-01T12:00:00Z', errors: [], incomplete: [] }
  t.match(parseSyncState({ data: connection }), state)
  t.match(parseSyncState({ data: [connection] }), state)
})

tap.test('accepts a connection without details', async (t) => {
  t.strictSame(parseSyncState({ data: {} }), silent)
  const nothing = { historical_sync_completed: null, sync_schedules: null, errors: null }
  t.strictSame(parseSyncState({ data: nothing }), silent)
  t.strictSame(parseSyncState({ data: { sync_schedules: [], errors: [], historical_sync_completed: {} } }), silent)
})

tap.test('rejects a body that is not a connection', async (t) => {
  for (const body of [undefined, null, 'x', [], {}, { data: null }, { data: [] }, { data: 'x' }, { data: [7] }]) {
    t.equal(parseSyncState(body), undefined)
  }
})

tap.test('ignores the parts that it cannot read', async (t) => {
  for (const data of [
    { errors: {}, sync_schedules: 'none', historical_sync_completed: 'yes' },
    { errors: [null, 'slow'], sync_schedules: [null, 7], historical_sync_completed: [false] },
    { sync_schedules: [{ function_name: 7, latest_sync: '2026-03-01T12:00:00Z' }], extra: true },
  ]) {
    t.strictSame(parseSyncState({ data }), silent)
  }
  const errors = [{ error_message: 7, affected_endpoints: [null, { preventing_sync: true }], first_seen: {} }]
  t.strictSame(parseSyncState({ data: { errors } })?.errors, [
    { message: '7', preventing_sync: true, first_seen: null, last_seen: null },
  ])
  t.match(parseSyncState({ data: { errors: [{ error_type: 'invalid_credentials' }, { message: 'slow' }] } })?.errors, [
    { message: 'invalid_credentials' },
    { message: 'slow' },
  ])
})

tap.test('reads the time of the last inventory sync from any of its fields', async (t) => {
  const syncedAt = (schedule: object) => {
    const others = [{}, { function_name: 'get_products', latest_sync: 'other' }]
    return parseSyncState({ data: { sync_schedules: [...others, { function_name: 'get_inventory', ...schedule }] } })
      ?.syncedAt
  }
  const [a, b, c] = ['2026-03-01T12:00:00Z', '2026-03-01T12:00:01Z', '2026-03-01T12:00:02Z']
  t.equal(syncedAt({ latest_sync: a, last_crawl_end: b, latest_data: c }), a)
  for (const none of [null, undefined, 'yesterday', {}]) {
    t.equal(syncedAt({ latest_sync: none, last_crawl_end: b, latest_data: c }), b)
  }
  t.equal(syncedAt({ latest_data: c }), c)
  for (const odd of ['2026-03-01 12:00:00', '20260301T130000,5+01', 1_772_366_400, '1772366400000']) {
    t.equal(syncedAt({ latest_sync: odd }), a, `${odd}`)
  }
  t.equal(syncedAt({}), null)
  t.equal(syncedAt({ latest_sync: null }), null)
})

tap.test('lists the resources whose first sync is not finished', async (t) => {
  const incomplete = (historical_sync_completed: unknown) =>
    parseSyncState({ data: { historical_sync_completed } })?.incomplete
  t.strictSame(incomplete({ get_products: false, get_inventory: false }), ['products', 'inventory'])
  t.strictSame(incomplete({ get_products: true, get_inventory: null, get_orders: false, get_warehouses: false }), [])
  t.strictSame(incomplete(JSON.parse('{"__proto__": false, "constructor": false}')), [])
})

tap.test('lists the errors between Trackstar and the warehouse system', async (t) => {
  const errors = [
    {
      error_message: 'The password has changed',
      affected_endpoints: [{ preventing_sync: false }, { endpoint: 'get_inventory', preventing_sync: true }],
      first_seen: '2026-03-01T10:00:00Z',
      last_seen: '2026-03-01T11:00:00Z',
    },
    { error_message: 'slow', affected_endpoints: [{ preventing_sync: null }, {}] },
    { affected_endpoints: null, first_seen: null },
    {},
  ]
  const unseen = { first_seen: null, last_seen: null }
  t.strictSame(parseSyncState({ data: { errors } })?.errors, [
    {
      message: 'The password has changed',
      preventing_sync: true,
      first_seen: '2026-03-01T10:00:00Z',
      last_seen: '2026-03-01T11:00:00Z',
    },
    { message: 'slow', preventing_sync: false, ...unseen },
    { message: 'unnamed error', preventing_sync: false, ...unseen },
    { message: 'unnamed error', preventing_sync: false, ...unseen },
  ])
})
