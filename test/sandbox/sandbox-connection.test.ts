import tap from 'tap'
import { ConnectionChanges, newConnection, runSchedules, syncNow } from '../../src/sandbox/sandbox-connection.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const lastSync = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

tap.test('starts without errors and with complete historical syncs', async (t) => {
  const connection = newConnection('conn_1', lastSync)
  t.match(connection, { id: 'conn_1', errors: [], historical_sync_completed: { get_inventory: true } })
  t.ok(connection.sync_schedules.every(({ latest_sync }) => latest_sync === '2026-01-02T03:04:05Z'))
  const frequency = (name: string) =>
    connection.sync_schedules.find((one) => one.function_name === name)?.sync_frequency
  t.strictSame([frequency('get_products'), frequency('get_warehouses')], [3600, 43200])
})

tap.test('syncs the named functions now', async (t) => {
  const connection = newConnection('conn_1', lastSync)
  const body = { functions_to_sync: ['get_inventory'] }
  t.strictSame(syncNow(connection, body, lastSync + 60_000), { id: 'conn_1', data: body, unused_fields: [] })
  t.match(connection.sync_schedules, [
    { function_name: 'get_products', latest_sync: '2026-01-02T03:04:05Z' },
    { function_name: 'get_inventory', latest_sync: '2026-01-02T03:05:05Z' },
  ])
})

tap.test('rejects a sync without functions or of an unknown function', async (t) => {
  const connection = newConnection('conn_1', lastSync)
  for (const body of [null, 1, {}, { functions_to_sync: [] }, { functions_to_sync: 'get_inventory' }]) {
    t.throws(
      () => syncNow(connection, body, lastSync),
      { status: 422, message: /expected a list/ },
      JSON.stringify(body),
    )
  }
  const body = { functions_to_sync: ['get_inventory', 'get_tea'] }
  t.throws(() => syncNow(connection, body, lastSync + 60_000), { status: 422, message: /unknown function: get_tea/ })
  t.equal(connection.sync_schedules[1]?.latest_sync, '2026-01-02T03:04:05Z', 'and syncs none of them')
})

const start = Date.UTC(2026, 3, 1)

const changing = () => {
  const clock = { now: start }
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: start })
  const announced: unknown[] = []
  const connection = new ConnectionChanges(
    data,
    () => clock.now,
    (event, about, previous) => announced.push(JSON.parse(JSON.stringify({ event, about, previous }))),
  )
  return { data, announced, connection, clock }
}

tap.test('begins the historical sync of some resources, and of all', async (t) => {
  const { data, announced, connection } = changing()
  connection.beginHistoricalSync('inventory')
  const { historical_sync_completed: completed, sync_schedules: schedules } = data.connection
  t.strictSame(completed, { get_products: true, get_inventory: false, get_warehouses: true })
  t.match(schedules[1], { function_name: 'get_inventory', latest_sync: null, in_progress: true })
  t.match(schedules[0], { in_progress: false })
  connection.beginHistoricalSync()
  t.strictSame(completed, { get_products: false, get_inventory: false, get_warehouses: false })
  t.strictSame(announced, [])
})

tap.test('completes a historical sync once, and dates its records now', async (t) => {
  const { data, announced, connection, clock } = changing()
  connection.beginHistoricalSync('inventory', 'products')
  clock.now += 60_000
  connection.finishHistoricalSync('inventory')
  connection.finishHistoricalSync('inventory')
  t.strictSame(announced, [
    {
      event: 'connection.historical-sync-completed',
      about: {
        resource: 'inventory',
        oldest_data_date: '2026-03-02T00:01:00Z',
        newest_data_date: '2026-04-01T00:01:00Z',
      },
    },
  ])
  const date = '2026-04-01T00:01:00Z'
  t.match(data.inventory.get('inv_cup'), {
    trackstar_updated_date: date,
    trackstar_created_date: date,
    updated_date: '2025-10-20T06:15:00Z',
  })
  t.match(data.products.get('prod_cup'), { trackstar_updated_date: '2025-10-20T07:00:00Z' })
  t.match(data.connection.sync_schedules[1], { latest_sync: date, in_progress: false })
  connection.finishHistoricalSync()
  t.match(announced.slice(1), [{ about: { resource: 'products' } }])
  t.equal(announced.length, 2)
})

tap.test('begins a historical sync of a function without a schedule', async (t) => {
  const { data, connection } = changing()
  data.connection.sync_schedules.length = 0
  connection.beginHistoricalSync('products')
  t.equal(data.connection.historical_sync_completed['get_products'], false)
})

tap.test('adds, changes and removes errors, and announces each change', async (t) => {
  const { data, announced, connection, clock } = changing()
  const affected_endpoints = [{ endpoint: '/wms/inventory', preventing_sync: true }]
  const id = connection.addError({ error_message: 'The password has changed', affected_endpoints })
  const other = connection.addError({ error_message: 'Slow' })
  t.not(id, other)
  const first_seen = '2026-04-01T00:00:00Z'
  const error = { id, error_message: 'The password has changed', affected_endpoints, first_seen, last_seen: first_seen }
  t.strictSame(data.connection.errors[0], error)
  clock.now += 60_000
  connection.changeError(id, { error_message: 'The password is wrong' })
  connection.changeError(id)
  const last_seen = '2026-04-01T00:01:00Z'
  const changed = { ...error, error_message: 'The password is wrong', last_seen }
  t.strictSame(data.connection.errors[0], changed)
  connection.removeError(id)
  t.match(data.connection.errors, [{ id: other, affected_endpoints: [] }])
  t.equal(data.connection.errors.length, 1)
  t.strictSame(
    announced.filter((one) => Object(one).about.id === id),
    [
      { event: 'connection-error.created', about: error },
      {
        event: 'connection-error.updated',
        about: changed,
        previous: { error_message: 'The password has changed', last_seen: first_seen },
      },
      { event: 'connection-error.updated', about: changed, previous: {} },
      { event: 'connection-error.deleted', about: changed },
    ],
  )
})

tap.test('adds errors of the newer shape, which have no dates', async (t) => {
  const { data, announced, connection } = changing()
  const id = connection.addError({ error_type: 'missing_permission', resource: 'inventory', message: 'Not allowed' })
  const error = { id, error_type: 'missing_permission', resource: 'inventory', message: 'Not allowed' }
  t.strictSame(data.connection.errors, [error])
  connection.changeError(id, { message: 'Still not allowed' })
  t.strictSame(data.connection.errors, [{ ...error, message: 'Still not allowed' }])
  t.match(announced, [{ event: 'connection-error.created', about: error }, { event: 'connection-error.updated' }])
})

tap.test('syncs by its schedules, except those that are paused, stuck or set by a test', async (t) => {
  const { data, announced, connection, clock } = changing()
  const syncs = () => {
    runSchedules(data.connection, clock.now)
    return data.connection.sync_schedules.map(({ latest_sync }) => latest_sync?.slice(11, 16))
  }
  clock.now += 150 * 60_000
  t.strictSame(syncs(), ['02:00', '02:00', '00:00'])
  connection.pauseSchedule('products')
  connection.stickSchedule('inventory')
  Object.assign(data.connection.sync_schedules[2] ?? {}, { latest_sync: '2026-01-01T01:30:00Z' })
  clock.now += 24 * 3600_000
  t.strictSame(syncs(), ['02:00', '02:00', '01:30'])
  t.equal(data.connection.sync_schedules[0]?.sync_status, 'paused')
  t.strictSame(announced, [
    {
      event: 'connection.schedule-stuck',
      about: { function_name: 'get_inventory', latest_data: '2026-04-01T02:00:00Z' },
    },
  ])
  connection.resumeSchedule('products')
  connection.resumeSchedule('inventory')
  t.strictSame(syncs(), ['02:30', '02:30', '01:30'])
  t.notOk(data.connection.sync_schedules[0]?.sync_status)
  data.connection.sync_schedules.length = 0
  t.throws(() => connection.pauseSchedule('products'), { message: 'There is no schedule of products' })
})

tap.test('throws on an unknown error id', async (t) => {
  const { connection } = changing()
  t.throws(() => connection.changeError('err_9'), { message: 'There is no connection error err_9' })
  t.throws(() => connection.removeError('err_9'), { message: 'There is no connection error err_9' })
})
