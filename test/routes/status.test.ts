import Fastify from 'fastify'
import tap from 'tap'
import auth from '../../src/http/auth.js'
import type { ConnectionState } from '../../src/http/connection-state.js'
import { Metrics } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'
import { connectionStatus, metricsRoute, type Status, statusRoute } from '../../src/routes/status.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { eventually, startService } from '../harness.js'

const given: Status = {
  version: '1.2.3',
  started_at: '2026-11-23T10:00:00.000Z',
  replicas: null,
  configuration_error: null,
  connections: [
    {
      name: 'default',
      connection_id: 'conn',
      mode: 'mirror',
      leader: true,
      credentials: 'refused',
      last_error: { code: 'upstream_timeout', detail: 'too slow', at: '2026-11-23T10:00:00.000Z' },
      webhooks: { last_received_at: null, received: 0, ignored: 0 },
      mirror: {
        state: 'live',
        products: 1,
        inventory: 2,
        warehouses: 3,
        pages: 4,
        pages_left: null,
        doubtful: ['inventory'],
        synced_at: '2026-11-23T10:00:00.000Z',
      },
      cache: { entries: 1, bytes: 2, max_bytes: 3, hit_ratio: 0.5 },
      budget: { reads_per_second: 10, used_last_second: 1, waiting: 0 },
      circuit: 'closed',
      source: {
        synced_at: null,
        errors: [{ message: 'no', preventing_sync: true, first_seen: null, last_seen: '2026-11-23T10:00:00Z' }],
      },
    },
    {
      name: 'other',
      connection_id: null,
      mode: 'on-demand',
      leader: true,
      credentials: 'unknown',
      last_error: null,
      webhooks: null,
      mirror: null,
      cache: { entries: 0, bytes: 0, max_bytes: 3, hit_ratio: null },
      budget: { reads_per_second: 10, used_last_second: 0, waiting: 0 },
      circuit: 'open',
      source: null,
    },
  ],
}

tap.test('returns the status, nulls included', async (t) => {
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(statusRoute, { status: () => given })
  const reply = await app.inject('/status')
  t.equal(reply.statusCode, 200)
  t.match(reply.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' })
  t.strictSame(reply.json(), given)
})

tap.test("returns the progress of the mirror and the state of Trackstar's sync", async (t) => {
  const { get } = await startMirrored(t)
  await eventually(async () => (await get('/status')).json().connections[0].source !== null)
  await get('/products/CUP/stock')
  const { version, started_at, connections } = (await get('/status')).json()
  t.match(version, /^\d+\.\d+\.\d+/)
  t.match(started_at, /^\d{4}-\d\d-\d\dT.*Z$/)
  t.equal(connections.length, 1)
  t.match(connections[0], {
    connection_id: 'conn_sandbox',
    mode: 'mirror',
    mirror: {
      state: 'live',
      products: 100,
      inventory: Number,
      warehouses: 4,
      pages_left: 0,
      doubtful: [],
      synced_at: /^\d{4}-\d\d-\d\dT.*Z$/,
    },
    cache: { entries: Number, bytes: Number, max_bytes: 256_000_000, hit_ratio: 1 },
    budget: { reads_per_second: 1000, used_last_second: Number, waiting: 0 },
    circuit: 'closed',
    source: { synced_at: /Z$/, errors: [] },
  })
})

tap.test('shows whether the mirror is loading, and null without one', async (t) => {
  const { get, sandbox } = await startMirrored(t, { waits: false, sandbox: { latencyMs: 60 } })
  t.match((await get('/status')).json().connections[0], {
    mode: 'mirror',
    mirror: { state: 'loading', synced_at: null },
  })
  sandbox.options.latencyMs = 0
  const onDemand = await startService(t)
  t.match((await onDemand.get('/status')).json().connections[0], {
    connection_id: null,
    mode: 'on-demand',
    mirror: null,
  })
})

tap.test('shows an error of the connection after its webhook', async (t) => {
  const { get, sandbox, connectWebhooks } = await startMirrored(t)
  await eventually(async () => (await get('/status')).json().connections[0].source !== null)
  await connectWebhooks()
  sandbox.connection.addError({
    error_message: 'The password has expired',
    affected_endpoints: [{ endpoint: 'get_inventory', preventing_sync: true }],
  })
  await sandbox.flushWebhooks()
  await eventually(async () => (await get('/status')).json().connections[0].source.errors.length === 1)
  t.match((await get('/status')).json().connections[0].source.errors, [
    { message: 'The password has expired', preventing_sync: true },
  ])
})

tap.test('serves the current metrics of its registry without a key', async (t) => {
  const metrics = new Metrics()
  const counted = metrics.forConnection('default')
  counted.malformed('inventory')
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: [], tickets: { redeem: () => undefined } })
  await app.register(metricsRoute, { metrics })
  const reply = await app.inject('/metrics')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['content-type'], metrics.registry.contentType)
  t.equal(reply.headers['cache-control'], 'no-store')
  t.match(reply.body, /^trackstar_malformed_records_total\{connection="default",resource="inventory"\} 1$/m)
  t.equal((await app.inject({ method: 'HEAD', url: '/metrics' })).statusCode, 200)
  counted.malformed('inventory')
  t.match(
    (await app.inject('/metrics')).body,
    /^trackstar_malformed_records_total\{connection="default",resource="inventory"\} 2$/m,
  )
})

const store = (entries: number) => ({ entries, bytes: entries * 10, maxBytes: 1000, evictions: 0 })
const state: ConnectionState = {
  name: 'default',
  budget: { readsPerSecond: 10, usedLastSecond: 3, waiting: 1 },
  circuit: 'open',
  connectionId: undefined,
  mode: 'on-demand',
  isLeader: true,
  credentials: 'unknown',
  lastError: null,
  webhooks: null,
  source: undefined,
  stores: { records: store(5), absences: store(2) },
  lookups: { hit: 6, stale: 1, negative: 1, miss: 2 },
  keysWaiting: 0,
  requestsWaiting: 0,
  readers: 0,
  mirror: null,
}
const report = (given: Partial<ConnectionState> = {}) => connectionStatus({ ...state, ...given })

tap.test('reports the state of a connection', async (t) => {
  t.strictSame(report(), {
    name: 'default',
    connection_id: null,
    mode: 'on-demand',
    leader: true,
    credentials: 'unknown',
    last_error: null,
    webhooks: null,
    mirror: null,
    cache: { entries: 5, bytes: 50, max_bytes: 1000, hit_ratio: 0.8 },
    budget: { reads_per_second: 10, used_last_second: 3, waiting: 1 },
    circuit: 'open',
    source: null,
  })
  t.equal(report({ connectionId: 'conn' }).connection_id, 'conn')
})

tap.test('has no hit ratio before the first lookup', async (t) => {
  t.equal(report({ lookups: { hit: 0, stale: 0, negative: 0, miss: 0 } }).cache.hit_ratio, null)
  t.equal(report({ lookups: { hit: 0, stale: 0, negative: 0, miss: 3 } }).cache.hit_ratio, 0)
})

tap.test("reports Trackstar's own state", async (t) => {
  const errors = [{ message: 'no', preventing_sync: true, first_seen: null, last_seen: null }]
  t.strictSame(report({ source: { syncedAt: 'then', errors, incomplete: [] } }).source, { synced_at: 'then', errors })
})

tap.test('reports the progress of the mirror', async (t) => {
  const mirror = {
    state: 'live',
    pages: 3,
    pagesLeft: null,
    syncedAt: 1_700_000_000_000,
    unreliableResources: ['inventory'],
    unreadResources: [],
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

tap.test('reports the latest error and the webhooks', async (t) => {
  const lastError = { code: 'upstream_timeout', detail: 'too slow', at: 1_700_000_000_000 }
  t.strictSame(report({ lastError }).last_error, { ...lastError, at: '2023-11-14T22:13:20.000Z' })
  const none = { lastReceivedAt: undefined, received: 0, ignored: 0 }
  t.strictSame(report({ webhooks: none }).webhooks, { last_received_at: null, received: 0, ignored: 0 })
  t.strictSame(report({ webhooks: { lastReceivedAt: 1_700_000_000_000, received: 3, ignored: 1 } }).webhooks, {
    last_received_at: '2023-11-14T22:13:20.000Z',
    received: 3,
    ignored: 1,
  })
})
