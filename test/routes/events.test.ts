import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify, { type FastifyRequest } from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { EventReaders } from '../../src/events/event-readers.js'
import { StockFeed } from '../../src/events/stock-feed.js'
import auth from '../../src/http/auth.js'
import requestMetrics, { Metrics } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'
import { serverOptions } from '../../src/http/server-options.js'
import { eventsRoute } from '../../src/routes/events.js'
import type { Catalog } from '../../src/services/catalog.js'
import { stockSchemas } from '../../src/stock/stock.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { EventStream } from '../event-stream.js'
import { eventually, startService, withConnection } from '../harness.js'
import { change, simple, viewOf } from '../stock/view.js'

/** The route alone, on a port; the test writes to its feed. */
async function startAlone(t: Test, { counts = async () => {} }: { counts?: () => Promise<void> } = {}) {
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs: 10_000 }, pino({ level: 'silent' })))
  const products = Array.from({ length: 500 }, (_, n) => simple(`p${n}`))
  const feed = new StockFeed(viewOf(products, []), 'boot', () => 1_700_000_000_000)
  // A turn for each product, so that `counts` can delay the filling of the index.
  const counted = feed.start(counts, 0)
  const catalog = { mirrored: { isAuthoritative: true }, state: { mirror: { state: 'live' } } } as unknown as Catalog
  const metrics = new Metrics()
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(requestMetrics, { metrics })
  app.decorateRequest('client', {
    getter(this: FastifyRequest) {
      return String(this.headers['x-client'])
    },
  })
  for (const schema of stockSchemas) app.addSchema(schema)
  const readers = new EventReaders(feed.log)
  app.addHook('preClose', async () => readers.close())
  await withConnection(app, { catalog, feed, readers })
  await app.register(eventsRoute)
  t.teardown(() => app.close())
  const gauge = async (name: string) =>
    Object(await metrics.registry.getSingleMetric(name)?.get()).values[0].value as number
  const listen = async () => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    return Number(Object(app.server.address()).port)
  }
  return { app, feed, counted, readers, gauge, listen }
}

tap.test('opens a stream with headers that prevent caching and buffering', async (t) => {
  const { listen } = await startMirrored(t)
  const stream = await EventStream.open(t, await listen(), '/stock/events', { 'x-request-id': 'mine' })
  t.equal(stream.response.statusCode, 200)
  t.match(stream.response.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-request-id': 'mine',
  })
  t.notOk(stream.response.headers['content-length'])
  await eventually(() => stream.retryMs !== undefined)
  t.ok(Number(stream.retryMs) >= 1000 && Number(stream.retryMs) <= 5000, 'each reader has another retry time')
  t.match(stream.lastEventId, /^[\da-f]{8}-0$/)
})

tap.test('sends one event for each SKU that a change affects, with the documented fields', async (t) => {
  const { listen, move, get } = await startMirrored(t)
  const stream = await EventStream.open(t, await listen())
  await move('inv_jasmine', -3, 'wh_oslo')
  t.strictSame(await stream.changes(2), [
    ['LIVE-JASMINE', 40, 37],
    ['LIVE-GIFT', 13, 12],
  ])
  const boot = stream.lastEventId.split('-')[0]
  t.match(stream.events, [
    { event: 'stock', id: `${boot}-1` },
    { event: 'stock', id: `${boot}-2` },
  ])
  for (const data of await stream.data(2)) {
    const stock = (await get(`/products/${String(data['sku'])}/stock`)).json()
    t.strictSame(
      { ...data, as_of: undefined },
      {
        sku: stock.sku,
        connection: 'default',
        product_id: stock.product.id,
        warehouse_customer_id: 'cust_aurora',
        available: stock.available,
        previous_available: data['previous_available'],
        quantities: stock.quantities,
        as_of: undefined,
      },
    )
    t.match(data['as_of'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  }
  await move('inv_jasmine', 1, 'wh_porto')
  t.strictSame((await stream.changes(3)).slice(2), [['LIVE-JASMINE', 37, 38]], '38 tins make as many boxes as 37')
})

tap.test('sends an event if any quantity of a kit changes', async (t) => {
  const { listen, move } = await startMirrored(t)
  const stream = await EventStream.open(t, await listen(), '/stock/events?sku=GONGFU-SET')
  await move('inv_cup', -5)
  t.strictSame(await stream.changes(1), [['GONGFU-SET', 6, 6]])
  t.match(await stream.data(1), [{ quantities: { awaiting: 2 } }], 'there are not enough cups for three more')
})

tap.test('sends nothing if the stock is unchanged', async (t) => {
  const { listen, sandbox, deliver, move } = await startMirrored(t)
  const stream = await EventStream.open(t, await listen())
  await deliver('inventory.updated', sandbox.change('inventory', 'inv_cup', { name: 'Teacup' }).record)
  await deliver('product.updated', sandbox.change('products', 'prod_cup', { name: 'Teacup' }).record)
  await move('inv_sencha', 1, 'wh_oslo')
  t.strictSame(await stream.changes(1), [['SENCHA-100', 38, 39]])
})

tap.test('sends events for a new product, and for a changed SKU', async (t) => {
  const { listen, sandbox, deliver } = await startMirrored(t)
  const stream = await EventStream.open(t, await listen())
  const product = sandbox.add('products', {
    id: 'prod_new',
    sku: 'NEW',
    inventory_items: [{ inventory_item_id: 'inv_cup', unit_quantity: 2 }],
  })
  await deliver('product.created', product)
  await deliver('product.updated', sandbox.change('products', 'prod_new', { sku: 'NEWER' }).record)
  t.strictSame(await stream.changes(3), [
    ['NEW', null, 20],
    ['NEW', 20, 0],
    ['NEWER', null, 20],
  ])
})

tap.test('sends events of the requested SKUs only', async (t) => {
  const { listen, move } = await startMirrored(t)
  const port = await listen()
  const skus = ['LIVE-GIFT', 'MINT/LEMON 50%', 'GREEN, BLACK + WHITE', '抹茶 30g', 'UNKNOWN']
  const query = skus.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&')
  const [some, one] = [
    await EventStream.open(t, port, `/stock/events?${query}`),
    await EventStream.open(t, port, '/stock/events?sku=LIVE-JASMINE'),
  ]
  await move('inv_sencha', -1, 'wh_oslo')
  await move('inv_jasmine', -3, 'wh_oslo')
  await move('inv/mint 50%', -1)
  await move('inv_mix,3', -1)
  await move('inv_抹茶', -1)
  t.strictSame(await some.changes(4), [
    ['LIVE-GIFT', 13, 12],
    ['MINT/LEMON 50%', 5, 4],
    ['GREEN, BLACK + WHITE', 7, 6],
    ['抹茶 30g', 9, 8],
  ])
  t.strictSame(await one.changes(1), [['LIVE-JASMINE', 40, 37]])
})

tap.test('rejects invalid requests', async (t) => {
  const { get, post } = await startMirrored(t)
  const many = Array.from({ length: 501 }, (_, n) => `sku=${n}`).join('&')
  const wrong = [
    ['/stock/events?sku=', 'sku[0]'],
    [`/stock/events?sku=A&sku=${'x'.repeat(256)}`, 'sku[1]'],
    [`/stock/events?${many}`, 'sku'],
    ['/stock/events?since=1', 'since'],
  ] as const
  for (const [url, field] of wrong) {
    const reply = await get(url)
    t.equal(reply.statusCode, 400)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] })
  }
  const long = await get('/stock/events', { 'last-event-id': 'x'.repeat(8193) })
  t.match(long.json(), { code: 'validation_failed', errors: [{ field: 'last-event-id' }] })
  const posted = await post('/stock/events', {})
  t.equal(posted.statusCode, 405)
})

tap.test('answers HEAD with headers only', async (t) => {
  const { listen, get } = await startMirrored(t)
  const socket = connect(await listen(), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('HEAD /stock/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const reply = await text(socket)
  t.match(reply, /^HTTP\/1\.1 200 .*\r\n/)
  t.match(reply, /\r\ncontent-type: text\/event-stream/i)
  t.match(reply, /\r\n\r\n$/)
  t.match((await get('/metrics')).body, /\nstock_event_readers\{connection="default"\} 0\n/)
})

tap.test('requires a mirror', async (t) => {
  const { get } = await startService(t)
  const reply = await get('/stock/events')
  t.equal(reply.statusCode, 501)
  t.equal(reply.json().code, 'requires_mirror')
})

tap.test('answers mirror_loading while the catalog loads', async (t) => {
  const { get, sandbox } = await startMirrored(t, { waits: false, sandbox: { latencyMs: 50 } })
  const reply = await get('/stock/events')
  t.equal(reply.statusCode, 503)
  t.equal(reply.json().code, 'mirror_loading')
  t.equal(reply.headers['retry-after'], '5')
  sandbox.options.latencyMs = 0
  await eventually(async () => (await get('/stock/low?below=0')).statusCode === 200)
})

tap.test('answers mirror_loading while the index fills, as its readers would miss changes', async (t) => {
  let finishCount = () => {}
  const isCounted = new Promise<void>((resolve) => {
    finishCount = resolve
  })
  const { app, counted } = await startAlone(t, { counts: () => isCounted })
  const reply = await app.inject('/stock/events')
  t.equal(reply.statusCode, 503)
  t.equal(reply.json().code, 'mirror_loading')
  t.equal(reply.headers['retry-after'], '1')
  finishCount()
  await counted
  t.equal((await app.inject({ url: '/stock/events', payloadAsStream: true })).statusCode, 200)
})

tap.test('accepts at most ten thousand readers', async (t) => {
  const { app, readers, counted } = await startAlone(t)
  await counted
  const join = (client: string) =>
    app.inject({ url: '/stock/events', payloadAsStream: true, headers: { 'x-client': client } })
  for (let n = 0; n < 7500; n++) await join('shop')
  t.equal((await join('shop')).statusCode, 503, 'a single client leaves a quarter to others')
  for (let n = 0; n < 2500; n++) await join('office')
  t.equal(readers.count, 10_000)
  const reply = await app.inject({ url: '/stock/events', headers: { 'x-client': 'third' } })
  t.equal(reply.statusCode, 503)
  t.equal(reply.json().code, 'overloaded')
  t.equal(reply.headers['retry-after'], '10')
})

tap.test('disconnects a reader that does not read, and no other', async (t) => {
  const { app, feed, readers, gauge, listen, counted } = await startAlone(t)
  await counted
  const port = await listen()
  const [slow, quick] = [await EventStream.open(t, port), await EventStream.open(t, port)]
  slow.response.pause()
  const big = 'x'.repeat(60_000)
  let events = 0
  // The socket's own buffers come first.
  for (; readers.count === 2 && events < 2000; events++) {
    feed.log.publish(change(big), 'now')
    await eventually(() => quick.events.length > events)
  }
  t.equal(readers.count, 1)
  t.ok(events < 2000, `${events} events`)
  slow.response.resume()
  await eventually(() => slow.isOver)
  t.ok(slow.events.length < events)
  feed.log.publish(change('LAST'), 'now')
  await quick.data(events + 1)
  t.notOk(quick.isOver)
  await eventually(async () => (await gauge('http_requests_in_flight')) === 1)
  await app.close()
})

tap.test('ends streams when the service stops, even of a reader that does not read', async (t) => {
  const { app, feed, listen, counted } = await startAlone(t)
  await counted
  const port = await listen()
  const streams = await Promise.all(Array.from({ length: 50 }, () => EventStream.open(t, port)))
  const [slow, ...others] = streams
  slow?.response.pause()
  for (let n = 0; n < 4; n++) feed.log.publish(change('x'.repeat(60_000)), 'now')
  const begun = performance.now()
  await app.close()
  t.ok(performance.now() - begun < 5000)
  await eventually(() => others.every(({ isOver }) => isOver))
})

tap.test('does not count a closed stream as a request in flight', async (t) => {
  const { readers, gauge, listen, counted } = await startAlone(t)
  await counted
  const port = await listen()
  const streams = await Promise.all(Array.from({ length: 5 }, () => EventStream.open(t, port)))
  t.equal(readers.count, 5)
  t.equal(await gauge('http_requests_in_flight'), 5)
  for (const stream of streams) stream.leave()
  await eventually(async () => (await gauge('http_requests_in_flight')) === 0)
  t.equal(readers.count, 0)
})
