import tap, { type Test } from 'tap'
import { eventually, RunningClock, startService } from '../../harness.js'
import { type DeliveringService, startMirrored, webhookEnvironment, withDeliveries } from '../mirror/mirrored.js'

const path = '/connections/conn_sandbox'
const hour = 3600
const ago = (seconds: number) => `${new Date(Date.now() - seconds * 1000).toISOString().slice(0, 19)}Z`

interface SourceError {
  readonly message: string
  readonly preventing_sync: boolean
}

async function start(t: Test, clock = new RunningClock()): Promise<DeliveringService> {
  return withDeliveries(await startService(t, { environment: webhookEnvironment, clock }))
}

/** The source of a stock, once it is known. `/status` shows the same. */
async function sourceOf(t: Test, { get }: DeliveringService) {
  const { source } = (await get('/products/CUP/stock')).json()
  t.strictSame((await get('/status')).json().connections[0].source, source)
  return source as { synced_at: string | null; errors: SourceError[] } | null
}

const errorsOf = async (t: Test, service: DeliveringService) => (await sourceOf(t, service))?.errors ?? []

/** What the service shows of a connection. A marker among the errors tells that it was read. */
function showing(t: Test, service: DeliveringService) {
  let count = 0
  return async (connection: { errors?: unknown[]; [field: string]: unknown }, headers: Record<string, string> = {}) => {
    const marker = `marker ${++count}`
    const errors = [{ error_message: marker }, ...(connection.errors ?? [])]
    const endFault = service.sandbox.fault(path, { body: { data: { ...connection, errors } }, headers })
    await service.get('/products/CUP/stock')
    await service.deliver('connection-error.updated', {})
    await eventually(async () => (await errorsOf(t, service)).some(({ message }) => message === marker))
    endFault()
    const source = await sourceOf(t, service)
    return { synced_at: source?.synced_at, errors: source?.errors.filter(({ message }) => message !== marker) ?? [] }
  }
}

tap.test('names errors of either shape, and says whether they prevent a sync that stock needs', async (t) => {
  const shown = showing(t, await start(t))
  const type = 'invalid_credentials'
  const inventory = { endpoint: 'get_inventory', preventing_sync: true }
  const orders = { endpoint: '/wms/orders', preventing_sync: true }
  const cases: readonly (readonly [error: unknown, message: string, prevents: boolean])[] = [
    [{ error_type: type, resource: 'inventory', message: 'Expired' }, `${type} for inventory: Expired`, true],
    [{ error_type: 'missing_permission', resource: 'get_products' }, 'missing_permission for get_products', true],
    [{ error_type: type, message: 'Expired' }, `${type}: Expired`, true],
    [{ error_type: type, resource: null, message: null }, type, true],
    [{ error_type: 'melted', resource: 'warehouses', message: '' }, 'melted for warehouses', true],
    [{ error_type: 'melted', resource: 'a new one' }, 'melted for a new one', true],
    [{ resource: '/wms/inventory/{inventory_id}', message: 'No' }, '/wms/inventory/{inventory_id}: No', true],
    [
      { error_type: 'missing_permission', resource: ['orders', 'products'] },
      'missing_permission for orders, products',
      true,
    ],
    [{ error_type: 7, resource: {}, message: 'No' }, '7: No', true],
    [{ message: 'only a message' }, 'only a message', false],
    // Of resources that stock does not depend on.
    [{ error_type: type, resource: 'orders' }, `${type} for orders`, false],
    [
      { error_type: 'missing_permission', resource: 'inventory_ledger' },
      'missing_permission for inventory_ledger',
      false,
    ],
    [
      { error_type: 'missing_permission', resource: 'adjust_inventory' },
      'missing_permission for adjust_inventory',
      false,
    ],
    [{ error_message: 'No orders', affected_endpoints: [orders] }, 'No orders', false],
    // Both shapes in one.
    [{ error_message: 'Old', message: 'new', error_type: type, affected_endpoints: [inventory] }, `${type}: Old`, true],
    [{ error_type: type, message: 'a', affected_endpoints: [orders, inventory] }, `${type}: a`, true],
    [{ error_type: type, affected_endpoints: [orders] }, type, false],
    [{ error_type: type, message: 'b', affected_endpoints: [null, 'get_inventory'] }, `${type}: b`, true],
    [
      { error_type: type, resource: 'inventory', affected_endpoints: [{ ...inventory, preventing_sync: false }] },
      `${type} for inventory`,
      false,
    ],
  ]
  const { errors } = await shown({ errors: [null, 'text', ...cases.map(([error]) => error)] })
  t.strictSame(
    errors.map(({ message, preventing_sync: prevents }) => [message, prevents]),
    cases.map(([, message, prevents]) => [message, prevents]),
  )
  t.strictSame((await shown({ errors: [] })).errors, [], 'an error that ends')
})

tap.test('regression: every stock grew by whatever Trackstar listed as errors', async (t) => {
  const shown = showing(t, await start(t))
  const others = Array.from({ length: 1000 }, (_, n) => ({ error_message: `${n} ${'x'.repeat(600)}` }))
  const preventing = { error_type: 'invalid_credentials', resource: Array.from({ length: 999 }, () => 'inventory') }
  const paused = { function_name: 'get_inventory', sync_status: 'paused' }
  const { errors } = await shown({
    errors: [...others.slice(0, 10), ...others.slice(0, 10), preventing],
    sync_schedules: Array.from({ length: 1000 }, () => paused),
  })
  t.equal(errors.length, 12, 'each once')
  t.ok(errors.every(({ message }) => message.length <= 501))
  const service = await start(t)
  service.sandbox.fault(path, { body: { data: { errors: [...others, preventing], sync_schedules: [paused] } } })
  await eventually(async () => (await errorsOf(t, service)).length > 0)
  const few = await errorsOf(t, service)
  t.equal(few.length, 20)
  t.match(few, [{ message: /^invalid_credentials for inventory/ }, { message: /paused/ }, { preventing_sync: false }])
})

tap.test('a schedule that is paused or overdue without an error prevents the sync', async (t) => {
  const shown = showing(t, await start(t))
  const stuck = async (...schedules: unknown[]) =>
    (await shown({ sync_schedules: schedules })).errors.map(({ preventing_sync: prevents, message }) => {
      t.ok(prevents)
      return /The sync of (\w+) is (\w+)/.exec(message)?.slice(1).join(' ')
    })
  const inventory = (more: object) => ({ function_name: 'get_inventory', sync_frequency: hour, ...more })
  const overdue = ['inventory overdue']
  for (const [schedule, expected] of [
    [inventory({ latest_sync: ago(3 * hour - 60) }), []],
    [inventory({ latest_sync: ago(3 * hour + 5) }), overdue],
    [inventory({ last_crawl_end: ago(3 * hour + 5), latest_data: ago(60) }), overdue],
    [inventory({ latest_sync: ago(9 * hour), last_crawl_end: ago(60), latest_data: ago(99 * hour) }), []],
    [inventory({ latest_sync: ago(9 * hour), in_progress: true }), overdue],
    // The first sync is not finished, or its time cannot be read.
    [inventory({ latest_sync: null, in_progress: true }), []],
    [inventory({ latest_sync: 'yesterday' }), []],
    [inventory({ latest_sync: ago(-9 * hour) }), []],
    // The frequency in other forms; if it is unknown, it is taken for a day.
    [inventory({ latest_sync: ago(4 * hour), sync_frequency: '3600' }), overdue],
    [inventory({ latest_sync: ago(4 * hour), sync_frequency: '60 minutes' }), overdue],
    [inventory({ latest_sync: ago(4 * hour), sync_frequency: '2h' }), []],
    [inventory({ latest_sync: ago(4 * hour), sync_frequency: hour * 1000 }), overdue],
    ...[undefined, null, 0, -5, 'often', {}].flatMap((frequency) => [
      [inventory({ latest_sync: ago(71 * hour), sync_frequency: frequency }), []] as const,
      [inventory({ latest_sync: ago(73 * hour), sync_frequency: frequency }), overdue] as const,
    ]),
    // Paused.
    [inventory({ latest_sync: ago(60), sync_status: 'paused' }), ['inventory paused']],
    [inventory({ latest_sync: null, sync_status: 'STUCK' }), ['inventory paused']],
    [inventory({ paused: true, sync_frequency: null }), ['inventory paused']],
    [inventory({ latest_sync: ago(60), sync_status: 'idle', paused: false, enabled: true }), []],
  ] as const) {
    t.strictSame(await stuck(schedule), expected, JSON.stringify(schedule))
  }
  const old = { latest_sync: ago(99 * hour), sync_frequency: hour }
  t.strictSame(
    await stuck(
      null,
      { function_name: 'get_orders', ...old },
      { function_name: 'get_inventory_ledger', ...old },
      { function_name: 7, ...old },
      { function_name: 'get_products', ...old },
      inventory({ latest_sync: ago(60) }),
      { function_name: 'get_warehouses', latest_sync: ago(20 * hour), sync_frequency: 12 * hour },
    ),
    ['products overdue'],
    'one of several, each by its own frequency, of those that stock depends on',
  )
})

tap.test('a wrong clock of the service makes no schedule overdue, and hides none', async (t) => {
  for (const ahead of [-1000, 1000]) {
    const clock = new RunningClock()
    clock.setWallClock(ahead * hour * 1000)
    const shown = showing(t, await start(t, clock))
    const schedule = { function_name: 'get_inventory', sync_frequency: hour }
    t.strictSame((await shown({ sync_schedules: [{ ...schedule, latest_sync: ago(2 * hour) }] })).errors, [])
    const { errors } = await shown({ sync_schedules: [{ ...schedule, latest_sync: ago(4 * hour) }] })
    t.match(errors, [{ preventing_sync: true, last_seen: null }])
    t.equal(errors.length, 1)
  }
})

tap.test('shows the latest of several inventory schedules', async (t) => {
  const shown = showing(t, await start(t))
  const [older, newer] = [ago(600), ago(60)]
  const sync_schedules = [older, newer, older].map((latest_sync) => ({ function_name: 'get_inventory', latest_sync }))
  t.equal((await shown({ sync_schedules })).synced_at, newer)
})

tap.test('shows a schedule that a webhook calls stuck until it syncs again', async (t) => {
  for (const service of [await startMirrored(t), await start(t)]) {
    const { sandbox, listen } = service
    await eventually(async () => (await sourceOf(t, service)) !== null)
    sandbox.sendWebhooksTo(`http://127.0.0.1:${await listen()}/webhooks/trackstar`)
    const [, schedule] = sandbox.data.connection.sync_schedules
    if (schedule === undefined) throw new Error('there is no schedule')
    schedule.latest_sync = ago(2 * hour)
    sandbox.connection.stickSchedule('inventory')
    await sandbox.flushWebhooks()
    t.match(await errorsOf(t, service), [
      {
        message: `The sync of inventory is stuck; its latest data is of ${schedule.latest_sync}`,
        preventing_sync: true,
      },
    ])
    const reads = sandbox.calls.filter(({ path: called }) => called === path).length
    await service.deliver('connection-error.deleted', {})
    await eventually(() => sandbox.calls.filter(({ path: called }) => called === path).length > reads)
    t.equal((await errorsOf(t, service)).length, 1, 'the state does not show it')

    sandbox.connection.resumeSchedule('inventory')
    await service.deliver('connection-error.deleted', {})
    await eventually(async () => (await errorsOf(t, service)).length === 0)
  }
})

tap.test('ends a report of a stuck schedule at a completed sync, or after a day', async (t) => {
  const clock = new RunningClock()
  const service = await start(t, clock)
  const { deliver } = service
  await eventually(async () => (await sourceOf(t, service)) !== null)
  const messages = async () => (await errorsOf(t, service)).map(({ message }) => message)
  for (const data of [{ function_name: 'get_orders' }, { resource: 'warehouse-locations' }]) {
    await deliver('connection.schedule-stuck', data)
    t.strictSame(await messages(), [], 'stock does not depend on it')
  }
  await deliver('connection.schedule-stuck', { function_name: 'get_inventory' })
  await deliver('connection.schedule-stuck', { schedule: { function_name: 'get_products' }, latest_data: null })
  await deliver('connection.schedule-stuck', { resource: 'inventory' })
  for (const data of [null, undefined, 'x', {}]) await deliver('connection.schedule-stuck', data)
  const connection = 'A sync of the connection is stuck'
  t.strictSame(await messages(), ['The sync of inventory is stuck', 'The sync of products is stuck', connection])
  await deliver('connection.force-sync-completed', { functions_to_sync: ['get_inventory'] })
  t.strictSame(await messages(), ['The sync of products is stuck'])
  await deliver('sync-job-completed', {})
  t.strictSame(await messages(), [])
  await deliver('connection.schedule-stuck', { function_name: 'get_inventory' })
  clock.advance(23 * hour * 1000)
  t.equal((await messages()).length, 1)
  clock.advance(hour * 1000)
  t.equal((await messages()).length, 0)
})

tap.test('reports a stuck schedule once, and not at all if newer data came since', async (t) => {
  const service = await start(t)
  const shown = showing(t, service)
  const overdue = { function_name: 'get_inventory', sync_frequency: hour, latest_sync: ago(4 * hour) }
  await shown({ sync_schedules: [overdue] })
  await service.deliver('connection.schedule-stuck', { function_name: 'get_inventory' })
  t.match(await shown({ sync_schedules: [overdue] }), { errors: [{ message: /overdue/ }] })
  t.equal((await shown({ sync_schedules: [overdue] })).errors.length, 1)
  const running = { ...overdue, latest_sync: ago(30), latest_data: ago(60) }
  t.strictSame((await shown({ sync_schedules: [running] })).errors, [], 'it moved on')
  await service.deliver('connection.schedule-stuck', { function_name: 'get_inventory', latest_data: ago(9 * hour) })
  t.strictSame((await shown({ sync_schedules: [running] })).errors, [], 'a late delivery')
})

tap.test('shows a stuck schedule while the state of the connection cannot be read', async (t) => {
  const service = await start(t)
  service.sandbox.fault(path, { status: 500 })
  await service.deliver('connection.schedule-stuck', { function_name: 'get_inventory' })
  t.match(await sourceOf(t, service), { synced_at: null, errors: [{ preventing_sync: true }] })
})

tap.test('reads a record whose webhook has data_url by its id', async (t) => {
  for (const service of [await startMirrored(t), await start(t)]) {
    const { sandbox, deliver, get, newCalls } = service
    t.equal((await get('/products/CUP/stock')).json().available, 40)
    newCalls()
    const cut = {
      ...sandbox.data.inventory.get('inv_cup'),
      fulfillable: 1,
      trackstar_updated_date: '2030-01-01T00:00:00Z',
    }
    const url = 'https://trackstar.example/blobs/1'
    for (const [data, also] of [
      [cut, { data_url: url }],
      [cut, { data_url: url, data_truncated: null }],
      [{ id: 'inv_cup', data_url: url }, {}],
      [{ id: 'inv_cup' }, { data_url: url, data_truncated: true }],
    ] as const) {
      t.equal((await deliver('inventory.updated', data, also)).statusCode, 204)
      const calls: string[] = []
      await eventually(() => calls.push(...newCalls().filter((call) => !call.includes(path))) > 0)
      t.strictSame(calls, ['GET /wms/inventory?ids[in]=inv_cup'])
      await eventually(async () => (await get('/products/CUP/stock')).json().stale === false)
      t.equal((await get('/products/CUP/stock')).json().available, 40)
      newCalls()
    }
    t.equal((await deliver('inventory.updated', cut, { data_url: null })).statusCode, 204)
    t.equal((await get('/products/CUP/stock')).json().available, 1, 'without a url, the data is whole')
    t.equal((await deliver('warehouse.updated', { id: 'wh_oslo', name: 'x' }, { data_url: url })).statusCode, 204)
    t.equal((await deliver('inventory.updated', {}, { data_url: url })).statusCode, 400, 'as without an id')
  }
})
