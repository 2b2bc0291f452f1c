import tap from 'tap'
import { ConnectionChanges } from '../../src/sandbox/connection-changes.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const start = Date.UTC(2026, 3, 1)

const changing = () => {
  const clock = { now: start }
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now: start })
  const told: unknown[] = []
  const connection = new ConnectionChanges(
    data,
    () => clock.now,
    (event, about, previous) => told.push(JSON.parse(JSON.stringify({ event, about, previous }))),
  )
  return { data, told, connection, clock }
}

tap.test('begins the first copy of all, and of some', async (t) => {
  const { data, told, connection } = changing()
  connection.beginHistoricalSync('inventory')
  const { historical_sync_completed: completed, sync_schedules: schedules } = data.connection
  t.strictSame(completed, { get_products: true, get_inventory: false, get_warehouses: true })
  t.match(schedules[1], { function_name: 'get_inventory', latest_sync: null, in_progress: true })
  t.match(schedules[0], { in_progress: false })
  connection.beginHistoricalSync()
  t.strictSame(completed, { get_products: false, get_inventory: false, get_warehouses: false })
  t.strictSame(told, [])
})

tap.test('finishes a first copy, once, and its records are as new as that', async (t) => {
  const { data, told, connection, clock } = changing()
  connection.beginHistoricalSync('inventory', 'products')
  clock.now += 60_000
  connection.finishHistoricalSync('inventory')
  connection.finishHistoricalSync('inventory')
  t.strictSame(told, [
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
  t.match(told.slice(1), [{ about: { resource: 'products' } }])
  t.equal(told.length, 2)
})

tap.test('needs no schedule for it', async (t) => {
  const { data, connection } = changing()
  data.connection.sync_schedules.length = 0
  connection.beginHistoricalSync('products')
  t.equal(data.connection.historical_sync_completed['get_products'], false)
})

tap.test('adds, changes and removes errors, and tells of each', async (t) => {
  const { data, told, connection, clock } = changing()
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
    told.filter((one) => Object(one).about.id === id),
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

tap.test('throws where there is no such error', async (t) => {
  const { connection } = changing()
  t.throws(() => connection.changeError('err_9'), { message: 'There is no connection error err_9' })
  t.throws(() => connection.removeError('err_9'), { message: 'There is no connection error err_9' })
})
