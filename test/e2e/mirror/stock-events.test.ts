import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import tap, { type Test } from 'tap'
import { EventSource } from 'undici'
import { EventStream } from '../../event-stream.js'
import { eventually } from '../../harness.js'
import { startMirrored } from './mirrored.js'

/** A proxy to the service whose connections can be cut. It shortens the retry time to a hundredth. */
async function startProxy(t: Test, port: number) {
  const sockets = new Set<Socket>()
  let isCut = false
  const proxy = createServer((clientSocket) => {
    if (isCut) {
      clientSocket.destroy()
      return
    }
    const serviceSocket = connect(port, '127.0.0.1')
    clientSocket.pipe(serviceSocket)
    serviceSocket.on('data', (chunk: Buffer) =>
      clientSocket.write(chunk.toString('latin1').replace(/retry: \d{4}/, 'retry: 0020'), 'latin1'),
    )
    for (const socket of [clientSocket, serviceSocket]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        clientSocket.destroy()
        serviceSocket.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  return {
    port: Number(Object(proxy.address()).port),
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore() {
      isCut = false
    },
  }
}

tap.test("a browser's EventSource receives each change once, across a reconnect", async (t) => {
  const { listen, move } = await startMirrored(t)
  const { port, cut, restore } = await startProxy(t, await listen())
  const source = new EventSource(`http://127.0.0.1:${port}/stock/events?sku=LIVE-JASMINE`)
  t.teardown(() => source.close())
  const received: unknown[][] = []
  let opened = 0
  let resets = 0
  source.addEventListener('open', () => opened++)
  source.addEventListener('reset', () => resets++)
  source.addEventListener('stock', (event) => {
    const { sku, previous_available, available } = JSON.parse(Object(event).data)
    received.push([sku, previous_available, available])
  })
  await eventually(() => opened === 1)
  cut()
  await move('inv_jasmine', -3, 'wh_oslo')
  await move('inv_cup', -1)
  restore()
  await eventually(() => opened === 2)
  await move('inv_jasmine', -1, 'wh_oslo')
  await eventually(() => received.length >= 2)
  t.strictSame(received, [
    ['LIVE-JASMINE', 40, 37],
    ['LIVE-JASMINE', 37, 36],
  ])
  t.equal(resets, 0)
})

tap.test('a reader that reconnects receives every event exactly once, wherever it left off', async (t) => {
  const { listen, move } = await startMirrored(t)
  const port = await listen()
  const all = await EventStream.open(t, port)
  const received: string[] = []
  let lastEventId = ''
  for (let round = 0; round < 6; round++) {
    const headers = lastEventId === '' ? {} : { 'last-event-id': lastEventId }
    const stream = await EventStream.open(t, port, '/stock/events', headers)
    await eventually(() => stream.retryMs !== undefined)
    for (let n = 0; n < round; n++) await move('inv_jasmine', n % 2 === 0 ? -1 : 1, 'wh_oslo')
    stream.leave()
    received.push(...stream.events.map(({ id }) => id))
    lastEventId = stream.lastEventId
    await move('inv_sencha', -1, 'wh_oslo')
  }
  const last = await EventStream.open(t, port, '/stock/events', { 'last-event-id': lastEventId })
  await eventually(() => last.retryMs !== undefined)
  received.push(...last.events.map(({ id }) => id))
  await eventually(() => all.events.length >= received.length)
  t.strictSame(
    received,
    all.events.map(({ id }) => id),
  )
  t.ok(received.length > 10)
})

tap.test('a reader of a previous run of the service receives a reset', async (t) => {
  const [first, second] = [await startMirrored(t), await startMirrored(t)]
  const stream = await EventStream.open(t, await first.listen())
  await first.move('inv_sencha', -1, 'wh_oslo')
  await stream.changes(1)
  await second.move('inv_sencha', -1, 'wh_oslo')
  const headers = { 'last-event-id': stream.lastEventId }
  const back = await EventStream.open(t, await second.listen(), '/stock/events', headers)
  await second.move('inv_sencha', -1, 'wh_oslo')
  await eventually(() => back.events.length === 2)
  t.match(back.events, [{ event: 'reset', data: '{}' }, { event: 'stock' }])
  t.match(back.events[0]?.id, /-1$/)
  t.match(back.events[1]?.id, /-2$/)
})

tap.test('sends an event for every kind of change, and the next stock agrees', async (t) => {
  const { listen, sandbox, get, app, connectWebhooks } = await startMirrored(t, {
    environment: { SYNC_INTERVAL_SECONDS: '1' },
  })
  const stream = await EventStream.open(t, await listen(), '/stock/events?sku=SENCHA-100')
  const shown = async () => (await get('/products/SENCHA-100/stock')).json().available
  sandbox.move('inv_sencha', { by: -1, warehouse_id: 'wh_oslo' })
  await stream.changes(1)
  t.equal(await shown(), 37, 'after an incremental read')
  await connectWebhooks()
  sandbox.move('inv_sencha', { by: -1, warehouse_id: 'wh_oslo' })
  await sandbox.flushWebhooks()
  t.equal(await shown(), 36, 'after a webhook')
  sandbox.sendWebhooksTo(undefined)
  const adjusted = await app.inject({
    method: 'PUT',
    url: '/inventory/inv_sencha/adjust',
    payload: { quantity: 6, adjustment_type: 'increase', warehouse_id: 'wh_oslo' },
  })
  t.equal(adjusted.statusCode, 200)
  t.equal(await shown(), 42, 'after an adjustment')
  t.strictSame(await stream.changes(3), [
    ['SENCHA-100', 38, 37],
    ['SENCHA-100', 37, 36],
    ['SENCHA-100', 36, 42],
  ])
})

tap.test('sends events when a product or an item is deleted', async (t) => {
  const environment = { SYNC_INTERVAL_SECONDS: '1', FULL_COMPARE_HOURS: '0.01' }
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead, elapsed: () => performance.now() + clock.ahead }
  const { listen, sandbox, get } = await startMirrored(t, { environment, clock })
  const stream = await EventStream.open(t, await listen(), '/stock/events?sku=SENCHA-100&sku=LIVE-GIFT')
  sandbox.remove('products', 'prod_sencha')
  sandbox.remove('inventory', 'inv_gift_box')
  clock.ahead += 60_000
  await stream.changes(1)
  // The pages of a comparison are spread over its interval.
  clock.ahead += 60_000
  t.strictSame((await stream.changes(2)).toSorted(), [
    ['LIVE-GIFT', 13, 0],
    ['SENCHA-100', 38, 0],
  ])
  t.equal((await get('/products/SENCHA-100/stock')).statusCode, 404)
})

tap.test('ends streams when the mirror stops following the catalog', async (t) => {
  const environment = { SYNC_INTERVAL_SECONDS: '1', CACHE_MAX_MB: '1' }
  const { listen, sandbox, get } = await startMirrored(t, { environment })
  const stream = await EventStream.open(t, await listen())
  const more = 'x'.repeat(600_000)
  for (const id of ['large_1', 'large_2']) sandbox.add('products', { id, sku: id, name: more, inventory_items: [] })
  await eventually(() => stream.isOver)
  t.equal((await get('/stock/events')).json().code, 'requires_mirror')
})

tap.test('sends events to a thousand readers', async (t) => {
  const { listen, move, get } = await startMirrored(t)
  const port = await listen()
  const streams = await Promise.all(
    Array.from({ length: 1000 }, () => EventStream.open(t, port, '/stock/events?sku=LIVE-GIFT')),
  )
  await move('inv_jasmine', -3, 'wh_oslo')
  await eventually(() => streams.every(({ events }) => events.length === 1))
  t.match((await get('/metrics')).body, /\nstock_event_readers\{connection="default"\} 1000\n/)
})
