import { createHash } from 'node:crypto'
import tap from 'tap'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import type { ServiceOptions } from '../harness.js'
import { eventually, overSocket, startService } from '../harness.js'

const more = { quantity: 5, adjustment_type: 'increase' } as const

/** A service, and a function that sends adjustments to it. */
async function start(t: Parameters<typeof startService>[0], options?: ServiceOptions) {
  const service = await startService(t, options)
  return { ...service, put: putter(service) }
}

const putter =
  ({ app }: Pick<Awaited<ReturnType<typeof startService>>, 'app'>) =>
  (id: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    app.inject({
      method: 'PUT',
      url: `/inventory/${encodeURIComponent(id)}/adjust`,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })

tap.test('returns the adjusted item as upstream does', async (t) => {
  const { put, sandbox, newCalls } = await start(t)
  const reply = await put('inv_sencha', { ...more, warehouse_id: 'wh_oslo' })
  t.equal(reply.statusCode, 200)
  t.match(reply.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' })
  t.notOk(reply.headers['idempotent-replayed'])
  t.match(reply.json(), {
    id: 'inv_sencha',
    data: { id: 'inv_sencha', onhand: 55, trackstar_tags: ['green', { season: 'spring' }] },
    unused_fields: [],
  })
  t.strictSame(reply.json().data, JSON.parse(JSON.stringify(sandbox.data.inventory.get('inv_sencha'))))
  t.strictSame(newCalls(), ['PUT /wms/inventory/inv_sencha/adjust'])
  const less = await put('inv_sencha', { quantity: 2, adjustment_type: 'decrease', location_id: 'A-01-1' })
  t.match(less.json(), { data: { onhand: 53 }, unused_fields: ['location_id'] })
})

tap.test('rejects an invalid body without a call upstream', async (t) => {
  const { put, app, newCalls } = await start(t)
  const wrong = [
    [{ ...more, quantity: 0 }, 'quantity'],
    [{ ...more, quantity: -1 }, 'quantity'],
    [{ ...more, quantity: 1.5 }, 'quantity'],
    [{ ...more, quantity: '1' }, 'quantity'],
    [{ ...more, quantity: null }, 'quantity'],
    [{ ...more, quantity: true }, 'quantity'],
    [{ ...more, quantity: [1] }, 'quantity'],
    [{ ...more, quantity: 1e9 + 1 }, 'quantity'],
    [{ adjustment_type: 'increase' }, 'quantity'],
    [{ quantity: 1 }, 'adjustment_type'],
    [{ quantity: 1, adjustment_type: 'set' }, 'adjustment_type'],
    [{ quantity: 1, adjustment_type: 'Increase' }, 'adjustment_type'],
    [{ quantity: 1, adjustment_type: null }, 'adjustment_type'],
    [{ ...more, warehouse_id: '' }, 'warehouse_id'],
    [{ ...more, warehouse_id: null }, 'warehouse_id'],
    [{ ...more, warehouse_id: 7 }, 'warehouse_id'],
    [{ ...more, location_id: '' }, 'location_id'],
    [{ ...more, location_id: null }, 'location_id'],
    [{ ...more, location_id: 'x'.repeat(256) }, 'location_id'],
    [{ ...more, reason: 'stocktake' }, 'reason'],
    [{ ...more, inventory_item_id: 'inv_cup' }, 'inventory_item_id'],
    ['{"quantity":1e400,"adjustment_type":"increase"}', 'quantity'],
    ['null', ''],
    ['[]', ''],
    ['5', ''],
  ] as const
  for (const [body, field] of wrong) {
    const reply = await put('inv_sencha', body)
    t.equal(reply.statusCode, 400, JSON.stringify(body))
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, JSON.stringify(body))
  }
  t.equal((await put('inv_sencha', '{')).statusCode, 400)
  t.equal((await put('inv_sencha', '')).statusCode, 400)
  t.equal((await app.inject({ method: 'PUT', url: '/inventory/inv_sencha/adjust' })).statusCode, 400)
  t.equal((await put('inv_sencha', 'quantity=1', { 'content-type': 'text/plain' })).statusCode, 415)
  t.equal((await put('inv_sencha', { ...more, location_id: 'x'.repeat(1024 * 1024) })).statusCode, 413)
  t.equal((await put('x'.repeat(256), more)).statusCode, 400)
  t.strictSame(newCalls(), [])
})

tap.test('encodes any id in the path upstream', async (t) => {
  const { listen, newCalls } = await start(t)
  const port = await listen()
  const body = JSON.stringify(more)
  const put = (id: string) =>
    overSocket(
      port,
      `PUT /inventory/${id}/adjust HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  for (const id of ['.', '..', '%2e', '%2E%2e']) {
    const reply = await put(id)
    t.equal(reply.status, 400, id)
    t.match(JSON.parse(reply.body), { code: 'validation_failed', errors: [{ field: 'id' }] })
  }
  t.strictSame(newCalls(), [])
  t.equal((await put('..%2F..%2Fwms%2Fproducts%3Flimit=1%23')).status, 404)
  t.equal((await put('inv%2Fmint%2050%25')).status, 200)
  t.equal((await put('inv_%E6%8A%B9%E8%8C%B6')).status, 200)
  t.strictSame(
    newCalls().map((call) => call.replace(/\?.*/, '?…')),
    [
      'PUT /wms/inventory/../../wms/products?…',
      'PUT /wms/inventory/inv/mint 50%/adjust',
      'PUT /wms/inventory/inv_抹茶/adjust',
    ],
    'decoded for this test',
  )
})

tap.test('makes an adjustment once per key', async (t) => {
  const { put, sandbox, newCalls } = await start(t)
  const key = { 'idempotency-key': 'stocktake-17' }
  const first = await put('inv_sencha', more, key)
  const second = await put('inv_sencha', more, key)
  t.equal(first.headers['idempotency-key'], 'stocktake-17')
  t.notOk(first.headers['idempotent-replayed'])
  t.equal(second.statusCode, 200)
  t.match(second.headers, { 'idempotency-key': 'stocktake-17', 'idempotent-replayed': 'true' })
  t.strictSame(second.json(), first.json())
  t.equal(sandbox.data.inventory.get('inv_sencha')?.onhand, 55)
  t.equal(newCalls().length, 2)
  for (const reply of [await put('inv_sencha', { ...more, quantity: 6 }, key), await put('inv_cup', more, key)]) {
    t.equal(reply.statusCode, 409)
    t.match(reply.json(), { code: 'idempotency_conflict', origin: 'trackstar' })
  }
})

tap.test('generates a key if the request has none', async (t) => {
  const { put, sandbox } = await start(t)
  const [first, second] = [await put('inv_sencha', more), await put('inv_sencha', more)]
  const keys = [first, second].map(({ headers }) => String(headers['idempotency-key']))
  for (const key of keys) t.match(key, /^[\da-f]{8}-[\da-f-]{27}$/)
  t.not(keys[0], keys[1])
  t.equal(sandbox.data.inventory.get('inv_sencha')?.onhand, 60)
  const again = await put('inv_sencha', more, { 'idempotency-key': String(keys[1]) })
  t.equal(again.headers['idempotent-replayed'], 'true', 'it can be used to repeat the request')
})

tap.test("sends a hash of the caller's key, never the key itself", async (t) => {
  const { put, sandbox } = await start(t)
  const made = await put('inv_sencha', more)
  await put('inv_sencha', more, { 'idempotency-key': 'stocktake-17' })
  const sent = sandbox.calls.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['idempotency-key'])
  const hashed = (key: unknown) =>
    createHash('sha256')
      .update(`anonymous\0${String(key)}`)
      .digest('hex')
  t.strictSame(sent, [hashed(made.headers['idempotency-key']), hashed('stocktake-17')])
})

tap.test('accepts visible ASCII as a key, and nothing else', async (t) => {
  const { put, newCalls } = await start(t)
  for (const key of ['', ' ', 'a b', 'x'.repeat(256), 'schlüssel', 'a\tb', 'a, a']) {
    const reply = await put('inv_sencha', more, { 'idempotency-key': key })
    t.equal(reply.statusCode, 400, key)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field: 'idempotency-key' }] })
  }
  t.strictSame(newCalls(), [])
  t.equal(
    (await put('inv_sencha', more, { 'idempotency-key': `${'~'.repeat(127)}${'!'.repeat(128)}` })).statusCode,
    200,
  )
})

tap.test('passes on rejections with their origin', async (t) => {
  const { put, sandbox } = await start(t)
  const unknown = await put('inv_unknown', more)
  t.equal(unknown.statusCode, 404)
  t.equal(unknown.json().code, 'inventory_item_not_found')
  const tooMuch = await put('inv_sencha', { quantity: 999, adjustment_type: 'decrease' })
  t.equal(tooMuch.statusCode, 422)
  t.match(tooMuch.json(), { code: 'upstream_rejected', origin: 'integration', detail: /on hand/ })
  const nowhere = await put('inv_sencha', { ...more, warehouse_id: 'wh_moon' })
  t.match(nowhere.json(), { code: 'upstream_rejected', origin: 'integration', detail: /wh_moon/ })
  const cases = [
    [400, 422, 'upstream_rejected'],
    [401, 502, 'upstream_auth_failed'],
    [403, 403, 'forbidden'],
    [409, 409, 'idempotency_conflict'],
    [501, 501, 'not_supported_by_integration'],
  ] as const
  for (const [upstreamStatus, status, code] of cases) {
    sandbox.clearFaults()
    sandbox.fault('*', { status: upstreamStatus, body: { error: 'no, because', origin: 'integration' } })
    const reply = await put('inv_sencha', more)
    t.equal(reply.statusCode, status, `${upstreamStatus}`)
    t.match(reply.json(), { code }, `${upstreamStatus}`)
    if (upstreamStatus !== 401)
      t.match(reply.json(), { origin: 'integration', detail: /no, because/ }, `${upstreamStatus}`)
  }
})

tap.test('returns the key with a failure, so that the request can be repeated', async (t) => {
  const { put, sandbox } = await start(t, { environment: { REQUEST_TIMEOUT_MS: '300', TRACKSTAR_TIMEOUT_MS: '100' } })
  const end = sandbox.fault('*', { delayMs: 400 })
  const late = await put('inv_sencha', more)
  t.equal(late.statusCode, 504)
  t.equal(late.json().code, 'upstream_timeout')
  const key = String(late.headers['idempotency-key'])
  t.match(key, /^[\da-f-]{36}$/)
  end()
  t.equal(
    (await put('inv_sencha', more, { 'idempotency-key': key })).statusCode,
    409,
    'the first request is in progress',
  )
  await eventually(async () => (await put('inv_sencha', more, { 'idempotency-key': key })).statusCode === 200)
  const again = await put('inv_sencha', more, { 'idempotency-key': key })
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.equal(sandbox.data.inventory.get('inv_sencha')?.onhand, 55, 'adjusted once')
})

tap.test('shows the adjustment in the next stock without a read, in either mode', async (t) => {
  const services = [await startService(t), await startMirrored(t)]
  for (const service of services) {
    const { get, newCalls } = service
    t.equal((await get('/products/SENCHA-100/stock')).json().available, 38)
    const reply = await putter(service)('inv_sencha', { ...more, warehouse_id: 'wh_oslo' })
    t.equal(reply.statusCode, 200)
    newCalls()
    const stock = (await get('/products/SENCHA-100/stock')).json()
    t.match(stock, { available: 43, warehouses: [{ warehouse_id: 'wh_oslo', available: 27 }, {}] })
    t.strictSame(newCalls(), [])
  }
})

tap.test('a replay does not restore the old stock', async (t) => {
  const { put, get } = await start(t)
  const key = { 'idempotency-key': 'k' }
  await put('inv_sencha', more, key)
  await put('inv_sencha', more)
  await put('inv_sencha', more, key)
  t.equal((await get('/products/SENCHA-100/stock')).json().available, 48)
})

tap.test('passes on a response without an item', async (t) => {
  const { put, sandbox } = await start(t)
  sandbox.fault('*', { status: 200, body: { id: 'inv_sencha', unused_fields: ['warehouse_id'], more: [1] } })
  const reply = await put('inv_sencha', more)
  t.equal(reply.statusCode, 200)
  t.strictSame(reply.json(), { id: 'inv_sencha', unused_fields: ['warehouse_id'], more: [1] })
})

tap.test('supports no other method', async (t) => {
  const { get } = await start(t)
  const reply = await get('/inventory/inv_sencha/adjust')
  t.equal(reply.statusCode, 405)
  t.equal(reply.headers['allow'], 'PUT')
})
