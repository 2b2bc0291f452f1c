import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { eventually, startService } from '../../harness.js'
import { startMirrored } from './mirrored.js'

const path = '/webhooks/trackstar'

tap.test('shows what a webhook announces at once, in either mode, without a read', async (t) => {
  const webhooks = { TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret, TRACKSTAR_CONNECTION_ID: 'conn_sandbox' }
  for (const service of [await startMirrored(t), await startService(t, { environment: webhooks })]) {
    const { sandbox, get, listen, newCalls } = service
    t.equal((await get('/products/LIVE-GIFT/stock')).json().available, 13)
    sandbox.sendWebhooksTo(`http://127.0.0.1:${await listen()}${path}`)
    newCalls()
    sandbox.move('inv_jasmine', { by: -10, warehouse_id: 'wh_oslo' })
    sandbox.change('products', 'prod_cup', { name: 'Teacup' })
    sandbox.change('warehouses', 'wh_oslo', { name: 'Oslo airport' })
    await sandbox.flushWebhooks()
    t.strictSame(
      sandbox.deliveries.map(({ outcome, status, attempts }) => [outcome, status, attempts]),
      Array.from({ length: 3 }, () => ['delivered', 204, 1]),
    )
    t.equal((await get('/products/LIVE-GIFT/stock')).json().available, 10)
    const cup = (await get('/products/CUP/stock')).json()
    t.match(cup, { product: { name: 'Teacup' }, warehouses: [{ name: 'Oslo airport' }] })
    t.strictSame(
      newCalls().filter((call) => /inv_jasmine|prod_cup/.test(call)),
      [],
    )
  }
})

tap.test('ends in the right state after repeated, reordered and lost deliveries', async (t) => {
  const { sandbox, get, connectWebhooks } = await startMirrored(t)
  await connectWebhooks()
  sandbox.webhookFaults = { repeatEvery: 2, reorderWindow: 5 }
  for (let n = 0; n < 20; n++) sandbox.move('inv_jasmine', { by: n % 3 === 0 ? 5 : -2, warehouse_id: 'wh_oslo' })
  await sandbox.flushWebhooks()
  const item = sandbox.data.inventory.get('inv_jasmine')
  t.equal((await get('/products/LIVE-JASMINE/stock')).json().available, item?.fulfillable)
  t.ok(sandbox.deliveries.length > 20)
  t.ok(sandbox.deliveries.every(({ status }) => status === 204))
})

tap.test('reads a truncated record again in the background', async (t) => {
  const { sandbox, get, connectWebhooks, newCalls } = await startMirrored(t)
  await connectWebhooks()
  sandbox.webhookFaults = { truncateEvery: 1 }
  newCalls()
  const endDelay = sandbox.fault('/wms/*', { delayMs: 2000 })
  const begunAt = performance.now()
  sandbox.move('inv_jasmine', { by: -10, warehouse_id: 'wh_oslo' })
  sandbox.change('products', 'prod_cup', { name: 'Teacup' })
  await sandbox.flushWebhooks()
  t.ok(performance.now() - begunAt < 2000, 'the delivery is answered before the read')
  endDelay()
  await eventually(async () => (await get('/products/LIVE-JASMINE/stock')).json().available === 30)
  await eventually(async () => (await get('/products/CUP/stock')).json().product.name === 'Teacup')
  t.equal(newCalls().length, 2)
})

tap.test('serves a new record at once, and ignores an older delivery', async (t) => {
  const { sandbox, get, deliver, connectWebhooks } = await startMirrored(t)
  await connectWebhooks()
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  sandbox.add('inventory', { id: 'inv_new', fulfillable: 7 })
  sandbox.add('products', { id: 'prod_new', sku: 'NEW', inventory_items: [{ inventory_item_id: 'inv_new' }] })
  await sandbox.flushWebhooks()
  t.equal((await get('/products/NEW/stock')).json().available, 7)
  const old = { id: 'inv_new', fulfillable: 99, trackstar_updated_date: '2001-01-01T00:00:00Z' }
  t.equal((await deliver('inventory.updated', old)).statusCode, 204)
  t.equal((await get('/products/NEW/stock')).json().available, 7)
})

tap.test('has no webhook route without a secret', async (t) => {
  const { post } = await startService(t)
  const body = { connection_id: 'conn_sandbox', event_type: 'inventory.updated', data: {} }
  const headers = signWebhook(sandboxWebhookSecret, 'msg', Math.floor(Date.now() / 1000), JSON.stringify(body))
  const reply = await post(path, body, headers)
  t.equal(reply.statusCode, 404)
  t.equal(reply.json().code, 'route_not_found')
})

tap.test('rejects a delivery without a record, and changes nothing', async (t) => {
  const { deliver, get } = await startMirrored(t)
  const wrong = [
    ['inventory.updated', undefined],
    ['inventory.updated', null],
    ['inventory.updated', 'inv_cup'],
    ['inventory.updated', {}],
    ['inventory.updated', { id: true }],
    ['inventory.updated', [{ id: 'inv_cup', fulfillable: 7 }]],
    ['product.created', { id: '' }],
    ['warehouse.updated', { name: 'nowhere' }],
  ] as const
  for (const [type, data] of wrong) {
    const reply = await deliver(type, data)
    t.equal(reply.statusCode, 400, JSON.stringify(data))
    t.equal(reply.json().code, 'validation_failed')
  }
  const part = { id: 'inv_cup', fulfillable: 'many', trackstar_updated_date: '2030-01-01T00:00:00Z' }
  t.equal((await deliver('inventory.updated', part)).statusCode, 204, 'a part of a record is read again')
  t.equal((await deliver('inventory.updated', { id: 7 })).statusCode, 204, 'an id may be a number')
  for (const type of ['order.created', 'inventory.deleted', 'inventory', '__proto__', '']) {
    t.equal((await deliver(type, { id: 'inv_cup' })).statusCode, 204, type)
  }
  t.equal((await get('/products/CUP/stock')).json().available, 40)
})

tap.test('logs one line per delivery, without secrets and signatures', async (t) => {
  const lines: string[] = []
  const { deliver, post } = await startMirrored(t, {
    environment: { LOG_LEVEL: 'trace' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  await deliver('inventory.updated', { id: 'inv_9', note: 'not for the log' })
  await post(path, {}, { 'svix-id': 'msg_forged', 'svix-timestamp': '1', 'svix-signature': 'v1,Zm9yZ2Vk' })
  const requests = lines.map((line) => JSON.parse(line)).filter(({ route }) => route === path)
  t.match(requests, [{ status: 204 }, { status: 401, problem: 'unauthorized' }])
  for (const text of [sandboxWebhookSecret.slice(6), 'Zm9yZ2Vk', 'not for the log']) {
    t.notOk(
      lines.some((line) => line.includes(text)),
      text,
    )
  }
})

tap.test('answers a flood of deliveries without a call upstream', async (t) => {
  const { sandbox, connectWebhooks, get, newCalls } = await startMirrored(t)
  await connectWebhooks()
  newCalls()
  for (let n = 0; n < 200; n++) sandbox.move('inv_jasmine', { by: n % 2 === 0 ? -1 : 1, warehouse_id: 'wh_oslo' })
  await sandbox.flushWebhooks()
  t.strictSame(newCalls(), [])
  t.equal((await get('/products/LIVE-JASMINE/stock')).json().available, 40)
})
