import { connect } from 'node:net'
import tap from 'tap'
import { createSandbox, sandboxWebhookSecret, signWebhook, systemTimer } from '../../src/sandbox/sandbox.js'
import { ManualTimer } from './manual-timer.js'
import { idsOf, startSandbox } from './sandbox-client.js'
import { startReceiver } from './webhook-receiver.js'

const adjustment = { quantity: 2, adjustment_type: 'increase', warehouse_id: 'wh_oslo' }
const adjustPath = '/wms/inventory/inv_cup/adjust'
const put = (key?: string, json: unknown = adjustment) => ({
  method: 'PUT',
  json,
  ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
})

tap.test('serves records, each response with a request id of its own', async (t) => {
  const { call } = await startSandbox(t)
  const one = await call('/wms/products/prod_cup')
  t.match(one, { status: 200, body: { data: { sku: 'CUP' } } })
  const none = await call('/nowhere')
  t.match(none, { status: 404, body: { error: 'No such path: /nowhere', origin: 'trackstar' } })
  t.match(one.headers.get('content-type'), 'application/json')
  t.ok(one.headers.get('x-request-id'))
  t.not(none.headers.get('x-request-id'), one.headers.get('x-request-id'))
})

tap.test('serves changed data', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.data.products.delete('prod_cup')
  sandbox.data.products.set('new', { id: 'new', sku: 'CUP', name: 'Cup, glass' })
  t.strictSame(idsOf(await call('/wms/products?sku=CUP')), ['new'])
  t.equal((await call('/wms/products/prod_cup')).status, 404)
})

tap.test('rejects bad credentials before faults apply', async (t) => {
  const { sandbox, call } = await startSandbox(t, { apiKey: 'k', accessToken: 't', connectionId: 'c' })
  t.strictSame(sandbox.credentials, { apiKey: 'k', accessToken: 't', connectionId: 'c' })
  sandbox.fault('*', { status: 500 })
  const reply = await call('/wms/products', { headers: { 'x-trackstar-access-token': 'other' } })
  t.match(reply, { status: 401, body: { error: 'Invalid access token', origin: 'trackstar' } })
  t.equal((await call('/connections/c', { headers: { 'x-trackstar-api-key': 'other' } })).status, 401)
})

tap.test('needs no access token for a management path', async (t) => {
  const { call } = await startSandbox(t)
  const headers = { 'x-trackstar-access-token': '' }
  t.match(await call('/connections/conn_sandbox', { headers }), { status: 200, body: { data: { id: 'conn_sandbox' } } })
  t.equal((await call('/connections/sync', { method: 'POST', json: {}, headers })).status, 401)
})

tap.test('rejects more than ten reads in any second', async (t) => {
  let now = 10_000
  const { sandbox, call } = await startSandbox(t, { readRate: 10, now: () => now })
  for (let n = 0; n < 10; n++) t.equal((await call('/wms/warehouses')).status, 200)
  now += 999
  const reply = await call('/wms/warehouses')
  t.match(reply, { status: 429, body: { error: 'Rate limit exceeded', origin: 'trackstar' } })
  t.match(Object.fromEntries(reply.headers), {
    'x-ratelimit-limit': '10',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': '11',
    'retry-after': '1',
    date: 'Thu, 01 Jan 1970 00:00:10 GMT',
  })
  t.equal(sandbox.worstReadsPerSecond(), 11)
  now += 1
  t.equal((await call('/wms/warehouses')).status, 200)
  sandbox.options.readRate = 12
  t.equal((await call('/wms/warehouses')).headers.get('x-ratelimit-limit'), '12')
})

tap.test('records the calls, refused ones too', async (t) => {
  const { sandbox, call } = await startSandbox(t, { now: () => 42 })
  await call('/wms/products?sku=a%2Cb')
  await call('/nowhere', { method: 'DELETE' })
  t.match(sandbox.calls, [
    { method: 'GET', path: '/wms/products', status: 200, at: 42 },
    { method: 'DELETE', path: '/nowhere', status: 404 },
  ])
  t.equal(sandbox.calls[0]?.query.get('sku'), 'a,b')
  t.equal(sandbox.calls[0]?.headers['x-trackstar-api-key'], 'sandbox-api-key')
})

tap.test('rejects a method that a path does not have', async (t) => {
  const { call } = await startSandbox(t)
  t.match(await call('/wms/products', { method: 'DELETE' }), {
    status: 405,
    body: { error: 'DELETE is not allowed here' },
  })
})

tap.test('responds with a fault until it is removed', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  const removeFault = sandbox.fault('/wms/products', { status: 503, headers: { 'retry-after': '7' } })
  const reply = await call('/wms/products')
  t.match(reply, { status: 503, body: { error: 'Fault of status 503', origin: 'trackstar' } })
  t.equal(reply.headers.get('retry-after'), '7')
  removeFault()
  t.equal((await call('/wms/products')).status, 200)
  sandbox.fault('/wms/*', { status: 501, body: { error: 'Not implemented' } })
  t.strictSame((await call('/wms/inventory')).body, { error: 'Not implemented' })
  sandbox.clearFaults()
  t.equal((await call('/wms/inventory')).status, 200)
})

tap.test('sends malformed JSON for a fault with a string body', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault('/wms/products', { body: '{"data": [' })
  t.match(await call('/wms/products'), { status: 200, text: '{"data": [', body: undefined })
})

tap.test('adds the headers of a fault to its usual response', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault('/wms/products', { headers: { 'x-ratelimit-remaining': '0' } })
  const reply = await call('/wms/products')
  t.equal(reply.status, 200)
  t.equal(reply.headers.get('x-ratelimit-remaining'), '0')
})

tap.test('resets the connection before the call takes effect', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault(adjustPath, { reset: true, times: 1 })
  await t.rejects(call(adjustPath, put()))
  t.equal(sandbox.calls[0]?.status, undefined)
  t.equal(sandbox.data.inventory.get('inv_cup')?.onhand, 44)
  t.equal((await call('/wms/products')).status, 200)
})

tap.test('truncates a response after the call took effect', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault(adjustPath, { truncate: true, times: 1 })
  await t.rejects(call(adjustPath, put('k')))
  t.equal(sandbox.data.inventory.get('inv_cup')?.onhand, 46)
  const again = await call(adjustPath, put('k'))
  t.match(again, { status: 200, body: { data: { onhand: 46 } } })
  t.equal(again.headers.get('idempotent-replayed'), 'true')
})

tap.test('responds with the state at the time of the call, however late', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault('/wms/inventory/inv_cup', { delayMs: 20 })
  const response = call('/wms/inventory/inv_cup')
  while (sandbox.calls.length === 0) await new Promise(setImmediate)
  Object.assign(sandbox.data.inventory.get('inv_cup') ?? {}, { onhand: 1 })
  t.match(await response, { body: { data: { onhand: 44 } } })
})

tap.test('delays every response by its latency', async (t) => {
  const { sandbox, call } = await startSandbox(t, { latencyMs: 30 })
  const startedAt = performance.now()
  await call('/wms/warehouses')
  t.ok(performance.now() - startedAt >= 29)
  sandbox.options.latencyMs = 0
  t.equal((await call('/wms/warehouses')).status, 200)
})

tap.test('serves an adjusted item to later reads', async (t) => {
  const { call } = await startSandbox(t, { now: () => Date.UTC(2026, 0, 1) })
  const reply = await call(adjustPath, put(undefined, { ...adjustment, location_id: 'A-1' }))
  t.match(reply, { status: 200, body: { id: 'inv_cup', data: { onhand: 46 }, unused_fields: ['location_id'] } })
  t.match(await call('/wms/inventory?trackstar_updated_date[gte]=2026-01-01T00:00:00Z'), {
    body: { data: [{ id: 'inv_cup', fulfillable: 42, inventory_by_warehouse_id: { wh_oslo: { onhand: 46 } } }] },
  })
})

tap.test('replays a write by its key, and rejects the key for another write', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  const first = await call(adjustPath, put('k'))
  t.equal(first.headers.get('idempotent-replayed'), null)
  const second = await call(adjustPath, put('k'))
  t.equal(second.text, first.text)
  t.equal(second.headers.get('idempotent-replayed'), 'true')
  t.equal(sandbox.data.inventory.get('inv_cup')?.onhand, 46)
  t.equal((await call(adjustPath, put('k', { ...adjustment, quantity: 3 }))).status, 400)
  t.equal((await call('/wms/inventory/inv_tray/adjust', put('k'))).status, 400)
})

tap.test('rejects a key until the response to its first request is sent', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  sandbox.fault(adjustPath, { delayMs: 300, times: 1 })
  const first = call(adjustPath, put('k'))
  while (sandbox.data.inventory.get('inv_cup')?.onhand === 44) await new Promise(setImmediate)
  t.match(await call(adjustPath, put('k')), { status: 409, body: { origin: 'trackstar' } })
  t.equal((await first).status, 200)
  t.equal((await call(adjustPath, put('k'))).status, 200)
})

tap.test('releases the key of a failed write', async (t) => {
  const { call } = await startSandbox(t)
  const bad = { ...adjustment, warehouse_id: 'wh_nowhere' }
  t.match(await call(adjustPath, put('k', bad)), { status: 422, body: { origin: 'integration' } })
  t.equal((await call(adjustPath, put('k'))).status, 200)
})

tap.test('rejects a body that is not JSON', async (t) => {
  const { call } = await startSandbox(t)
  t.match(await call(adjustPath, { method: 'PUT', body: '{' }), {
    status: 422,
    body: { error: 'The body is not JSON' },
  })
})

tap.test('closes the connection when its data cannot be serialized', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  Object.assign(sandbox.data.inventory.get('inv_cup') ?? {}, { onhand: 1n })
  await t.rejects(call('/wms/inventory/inv_cup'))
})

tap.test('closes open and waiting connections at once, and may listen again', async (t) => {
  const sandbox = createSandbox({ products: 0 })
  const base = await sandbox.listen()
  await t.rejects(sandbox.listen(), { message: 'The sandbox is already listening' })
  sandbox.fault('*', { delayMs: 60_000 })
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  socket.on('error', () => {})
  const headers = { 'x-trackstar-api-key': 'sandbox-api-key', 'x-trackstar-access-token': 'sandbox-access-token' }
  const waiting = t.rejects(fetch(`${base}/wms/products`, { headers }))
  while (sandbox.calls.length === 0) await new Promise(setImmediate)
  await sandbox.close()
  await waiting
  await sandbox.close()
  const port = Number(new URL(base).port)
  t.equal(await sandbox.listen({ host: 'localhost', port }), `http://localhost:${port}`)
  await sandbox.close()
})

tap.test('rejects when its port is taken, and may listen elsewhere afterwards', async (t) => {
  const { base } = await startSandbox(t)
  const sandbox = createSandbox({ products: 0 })
  t.teardown(() => sandbox.close())
  await t.rejects(sandbox.listen({ port: Number(new URL(base).port) }), { code: 'EADDRINUSE' })
  t.match(await sandbox.listen(), /^http:\/\/127\.0\.0\.1:\d+$/)
})

tap.test('moves stock at the configured rate while it listens', async (t) => {
  const clock = new ManualTimer()
  const { sandbox, call } = await startSandbox(t, { movesPerSecond: 2, now: clock.now, timer: clock.timer })
  const moved = async (since: string) => idsOf(await call(`/wms/inventory?trackstar_updated_date[gte]=${since}`)).length
  t.equal(await moved('2026-01-01T00:00:00Z'), 0)
  clock.advance(5000)
  const count = await moved('2026-01-01T00:00:00Z')
  t.ok(count > 3 && count <= 10, `${count} items moved`)
  sandbox.options.movesPerSecond = 0
  clock.advance(60_000)
  t.equal(sandbox.options.movesPerSecond, 0)
  t.equal(await moved('2026-01-01T00:00:06Z'), 0)
  sandbox.options.movesPerSecond = 1
  await sandbox.close()
  t.equal(clock.pending, 0)
})

tap.test('does not move stock by default', async (t) => {
  const clock = new ManualTimer()
  await startSandbox(t, { now: clock.now, timer: clock.timer })
  t.equal(clock.pending, 0)
})

tap.test('moves stock on request, and serves the changes to incremental reads', async (t) => {
  const now = Date.UTC(2026, 0, 1)
  const { sandbox, call } = await startSandbox(t, { now: () => now })
  sandbox.move('inv_cup', { by: -4, warehouse_id: 'wh_oslo' })
  sandbox.change('inventory', 'inv_tray', { awaiting: 9 })
  const { id } = sandbox.move().record
  sandbox.remove('inventory', 'inv_tray')
  const changed = await call('/wms/inventory?trackstar_updated_date[gte]=2026-01-01T00:00:00Z')
  t.strictSame(idsOf(changed), ['inv_cup', id])
  t.match(changed.body, { data: [{ onhand: 40, fulfillable: 36 }] })
  const empty = createSandbox({ products: 0 })
  empty.data.inventory.clear()
  t.throws(() => empty.move(), { message: 'There is no item to move' })
})

tap.test('incremental reads miss nothing while stock moves between pages', async (t) => {
  let now = Date.UTC(2026, 0, 1)
  const { sandbox, call } = await startSandbox(t, { now: () => now })
  const copies = new Map<string, unknown>()
  const read = async (since: number) => {
    let token: unknown = null
    do {
      const query = `limit=7&trackstar_updated_date[gte]=${new Date(since).toISOString()}`
      const { body } = await call(`/wms/inventory?${query}${token === null ? '' : `&page_token=${String(token)}`}`)
      for (const record of Array.isArray(body?.['data']) ? body['data'] : []) copies.set(record.id, record)
      token = body?.['next_token'] ?? null
      now += 400
      sandbox.move()
    } while (token !== null)
  }
  let since = 0
  for (let round = 0; round < 6; round++) {
    const startedAt = now - 1000
    await read(since)
    since = startedAt
  }
  now += 60_000
  await read(since)
  const moved = sandbox.move().record.id
  const differing = [...sandbox.data.inventory.values()].filter(
    (item) => item.id !== moved && JSON.stringify(item) !== JSON.stringify(copies.get(item.id)),
  )
  t.ok(differing.length <= 1, `${differing.length} items differ; the one that moved after the last page may`)
})

tap.test('rejects page tokens after they expired', async (t) => {
  const { sandbox, call } = await startSandbox(t)
  const { body } = await call('/wms/inventory?limit=5')
  const next = `/wms/inventory?limit=5&page_token=${String(body?.['next_token'])}`
  t.equal((await call(next)).status, 200)
  sandbox.expirePageTokens()
  const refused = { error: 'page_token: has expired', origin: 'trackstar' }
  t.match(await call(next), { status: 422, body: refused })
  const { body: locations } = await call('/wms/warehouses/wh_oslo/locations?limit=1')
  sandbox.expirePageTokens()
  const path = `/wms/warehouses/wh_oslo/locations?page_token=${String(locations?.['next_token'])}`
  t.match(await call(path), { status: 422, body: refused })
})

tap.test('sends signed webhooks of changes by tests and by calls', async (t) => {
  const receiver = await startReceiver(t)
  const webhooks = { url: receiver.url, secrets: [sandboxWebhookSecret] }
  const { sandbox, call } = await startSandbox(t, { webhooks, connectionId: 'conn_1' })
  sandbox.move('inv_cup', { by: -1 })
  sandbox.add('products', { id: 'prod_new', sku: 'NEW' })
  sandbox.connection.addError({ error_message: 'The password has changed' })
  await call(adjustPath, put())
  await call(adjustPath, put(undefined, { ...adjustment, warehouse_id: 'wh_nowhere' }))
  await call('/connections/sync', { method: 'POST', json: { functions_to_sync: ['get_inventory'] } })
  sandbox.announce('connection.deleted', { id: 'conn_2' }, { connectionId: 'conn_2' })
  sandbox.announce('x.updated', { id: 'x' }, { previousAttributes: { y: 1 } })
  await sandbox.flushWebhooks()
  t.strictSame(receiver.events(), [
    'inventory.updated inv_cup',
    'product.created prod_new',
    'connection-error.created err_1',
    'inventory.updated inv_cup',
    'connection.force-sync-completed undefined',
    'connection.deleted conn_2',
    'x.updated x',
  ])
  t.match(receiver.received[3]?.body, {
    connection_id: 'conn_1',
    integration_name: 'sandbox',
    data: { onhand: 45, inventory_by_warehouse_id: { wh_oslo: { onhand: 45 } } },
    previous_attributes: { onhand: 43, 'inventory_by_warehouse_id.wh_oslo.onhand': 43 },
  })
  t.equal(receiver.received[5]?.body.connection_id, 'conn_2')
  t.strictSame(receiver.received[6]?.body.previous_attributes, { y: 1 })
  t.ok(sandbox.deliveries.every(({ outcome }) => outcome === 'delivered'))
})

tap.test('signs with every secret, and follows changes of the address and of the faults', async (t) => {
  const receiver = await startReceiver(t)
  const { sandbox } = await startSandbox(t)
  sandbox.move('inv_cup')
  const other = `whsec_${Buffer.from('another').toString('base64')}`
  sandbox.sendWebhooksTo(receiver.url, [other, sandboxWebhookSecret])
  sandbox.webhookFaults = { repeatEvery: 1 }
  t.strictSame(sandbox.webhookFaults, { repeatEvery: 1 })
  sandbox.move('inv_cup')
  await sandbox.flushWebhooks()
  t.equal(receiver.received.length, 2)
  const [first, second] = receiver.received
  t.equal(first?.id, second?.id)
  const expected = signWebhook(
    [other, sandboxWebhookSecret],
    first?.id ?? '',
    Number(first?.timestamp),
    first?.raw ?? '',
  )
  t.equal(first?.signature, expected['svix-signature'])
  t.equal(first?.signature.split(' ').length, 2)
})

tap.test('announces a completed historical sync, and nothing about its records before', async (t) => {
  const receiver = await startReceiver(t)
  const { sandbox, call } = await startSandbox(t)
  sandbox.sendWebhooksTo(receiver.url)
  sandbox.connection.beginHistoricalSync()
  sandbox.move('inv_cup')
  t.strictSame(idsOf(await call('/wms/inventory')), [])
  const since = encodeURIComponent(new Date(Date.now() - 1000).toISOString())
  sandbox.connection.finishHistoricalSync('inventory')
  const found = idsOf(await call(`/wms/inventory?trackstar_updated_date[gte]=${since}`))
  t.equal(found.length, sandbox.data.inventory.size, 'all of them are new')
  t.strictSame(idsOf(await call('/wms/products')), [])
  await sandbox.flushWebhooks()
  t.strictSame(
    receiver.received.map(({ body }) => [body.event_type, body.data['resource']]),
    [['connection.historical-sync-completed', 'inventory']],
  )
})

tap.test('fails pending webhooks when it closes, even without a response', async (t) => {
  const receiver = await startReceiver(t)
  receiver.answer = () => {}
  const { sandbox } = await startSandbox(t)
  sandbox.sendWebhooksTo(receiver.url)
  sandbox.move()
  await sandbox.close()
  t.match(sandbox.deliveries, [{ outcome: 'failed' }])
})

tap.test('calls back after the time, unless it is cancelled', async (t) => {
  const done: string[] = []
  const callOff = systemTimer(1, () => done.push('called off'))
  callOff()
  const finished = new Promise<void>((resolve) => {
    systemTimer(5, () => {
      done.push('done')
      resolve()
    })
  })
  // The timer does not keep the process alive, so something else must.
  const keepRunning = setInterval(() => {}, 1000)
  await finished
  clearInterval(keepRunning)
  t.strictSame(done, ['done'])
})
