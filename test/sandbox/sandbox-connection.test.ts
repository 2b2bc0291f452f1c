import tap from 'tap'
import { newConnection, syncNow } from '../../src/sandbox/sandbox-connection.js'

const start = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

tap.test('begins in good order', async (t) => {
  const connection = newConnection('conn_1', start)
  t.match(connection, { id: 'conn_1', errors: [], historical_sync_completed: { get_inventory: true } })
  t.ok(connection.sync_schedules.every(({ latest_sync }) => latest_sync === '2026-01-02T03:04:05Z'))
  const frequency = (name: string) =>
    connection.sync_schedules.find((one) => one.function_name === name)?.sync_frequency
  t.strictSame([frequency('get_products'), frequency('get_warehouses')], [3600, 43200])
})

tap.test('copies the named functions now', async (t) => {
  const connection = newConnection('conn_1', start)
  const body = { functions_to_sync: ['get_inventory'] }
  t.strictSame(syncNow(connection, body, start + 60_000), { id: 'conn_1', data: body, unused_fields: [] })
  t.match(connection.sync_schedules, [
    { function_name: 'get_products', latest_sync: '2026-01-02T03:04:05Z' },
    { function_name: 'get_inventory', latest_sync: '2026-01-02T03:05:05Z' },
  ])
})

tap.test('refuses to copy nothing or what it does not know', async (t) => {
  const connection = newConnection('conn_1', start)
  for (const body of [null, 1, {}, { functions_to_sync: [] }, { functions_to_sync: 'get_inventory' }]) {
    t.throws(() => syncNow(connection, body, start), { status: 422, message: /expected a list/ }, JSON.stringify(body))
  }
  const body = { functions_to_sync: ['get_inventory', 'get_tea'] }
  t.throws(() => syncNow(connection, body, start + 60_000), { status: 422, message: /unknown function: get_tea/ })
  t.equal(connection.sync_schedules[1]?.latest_sync, '2026-01-02T03:04:05Z', 'and copies none of them')
})
