import { createHmac } from 'node:crypto'
import tap, { type Test } from 'tap'
import {
  type Delivery,
  DeliveryQueue,
  sandboxWebhookSecret,
  signWebhook,
  type WebhookFaults,
  WebhookSender,
} from '../../src/sandbox/webhook-sender.js'
import { ManualTimer } from './manual-timer.js'
import { eventually, startReceiver } from './webhook-receiver.js'

async function announcing(t: Test, faults: WebhookFaults = {}) {
  const clock = new ManualTimer()
  const receiver = await startReceiver(t)
  const webhooks = new WebhookSender(clock.now, clock.timer)
  t.teardown(() => webhooks.stop())
  webhooks.sendTo(receiver.url)
  webhooks.faults = faults
  const announce = (...ids: string[]) => {
    for (const id of ids) {
      webhooks.announce({
        connection_id: 'c',
        integration_name: 'sandbox',
        event_type: 'inventory.updated',
        data: { id, onhand: 3 },
        previous_attributes: { onhand: 4 },
      })
    }
  }
  const idsReceived = () => receiver.received.map(({ body }) => body.data['id']).join()
  return { clock, receiver, webhooks, announce, idsReceived }
}

tap.test('sends a signed event and logs its delivery', async (t) => {
  const { clock, receiver, webhooks, announce } = await announcing(t)
  announce('i')
  t.match(webhooks.deliveries, [{ event: 'inventory.updated', recordId: 'i', outcome: 'pending' }])
  await webhooks.flush()
  const [received] = receiver.received
  t.ok(received)
  if (!received) return
  const { id, timestamp, signature, raw, body, contentType } = received
  t.strictSame(body, {
    connection_id: 'c',
    integration_name: 'sandbox',
    event_type: 'inventory.updated',
    data: { id: 'i', onhand: 3 },
    previous_attributes: { onhand: 4 },
  })
  t.equal(contentType, 'application/json')
  t.equal(Number(timestamp), clock.now() / 1000)
  const key = Buffer.from(sandboxWebhookSecret.slice('whsec_'.length), 'base64')
  t.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${raw}`).digest('base64')}`)
  t.match(webhooks.deliveries, [{ id, outcome: 'delivered', status: 200, attempts: 1 }])
  t.equal(webhooks.deliveries.length, 1)
})

tap.test('sends the state at the time of the event', async (t) => {
  const { receiver, webhooks } = await announcing(t)
  const data = { id: 'i', onhand: 1 }
  webhooks.announce({ connection_id: 'c', integration_name: 's', event_type: 'inventory.updated', data })
  data.onhand = 2
  await webhooks.flush()
  t.match(receiver.received, [{ body: { data: { onhand: 1 } } }])
})

tap.test('sends and logs nothing without an address', async (t) => {
  const { webhooks, announce, receiver } = await announcing(t)
  webhooks.sendTo(undefined)
  announce('a')
  await webhooks.flush()
  t.strictSame([webhooks.deliveries.length, receiver.received.length], [0, 0])
})

tap.test('throws on a secret without a key before sending anything', async (t) => {
  const { webhooks, receiver } = await announcing(t)
  t.throws(() => webhooks.sendTo(receiver.url, ['whsec_']), { message: /expected a webhook secret/ })
})

tap.test('repeats every n-th event with the same id', async (t) => {
  const { receiver, webhooks, announce, idsReceived } = await announcing(t, { repeatEvery: 2 })
  announce('a', 'b', 'c', 'd')
  await webhooks.flush()
  t.equal(idsReceived(), 'a,b,b,c,d,d')
  t.equal(new Set(receiver.received.map(({ id }) => id)).size, 4)
  t.equal(receiver.received[1]?.id, receiver.received[2]?.id)
  t.equal(webhooks.deliveries.length, 6)
})

tap.test('sends a window of events in reverse order', async (t) => {
  const { webhooks, announce, idsReceived } = await announcing(t, { reorderWindow: 3 })
  announce('a', 'b', 'c', 'd', 'e')
  await eventually(() => idsReceived() === 'c,b,a')
  await webhooks.flush()
  t.equal(idsReceived(), 'c,b,a,e,d')
})

tap.test('releases an incomplete window after a short wait', async (t) => {
  const { clock, webhooks, announce, idsReceived } = await announcing(t, { reorderWindow: 3 })
  announce('a', 'b')
  t.equal(clock.pending, 1)
  clock.advance(250)
  await eventually(() => idsReceived() === 'b,a')
  announce('c')
  await webhooks.stop()
  t.equal(clock.pending, 0)
  t.equal(webhooks.deliveries.at(-1)?.outcome, 'failed')
})

tap.test('truncates every n-th event to the id', async (t) => {
  const { receiver, webhooks, announce } = await announcing(t, { truncateEvery: 2 })
  announce('a', 'b')
  webhooks.announce({ connection_id: 'c', integration_name: 's', event_type: 'x', data: { id: 'c' } })
  webhooks.announce({ connection_id: 'c', integration_name: 's', event_type: 'x', data: { resource: 'products' } })
  await webhooks.flush()
  const bodies = receiver.received.map(({ body }) => body)
  t.strictSame(bodies[1], {
    connection_id: 'c',
    integration_name: 'sandbox',
    event_type: 'inventory.updated',
    data: { id: 'b' },
    data_truncated: true,
  })
  t.strictSame(
    bodies.map((body) => body.data_truncated),
    [undefined, true, undefined, undefined],
    'an event without an id is sent whole',
  )
  t.strictSame(bodies[3]?.data, { resource: 'products' })
})

tap.test('drops every n-th event, and restarts its count when faults are set', async (t) => {
  const { webhooks, announce, idsReceived } = await announcing(t, { dropEvery: 3 })
  announce('a', 'b', 'c', 'd')
  await webhooks.flush()
  t.equal(idsReceived(), 'a,b,d')
  t.strictSame(
    webhooks.deliveries.map(({ outcome, attempts }) => `${outcome} ${attempts}`),
    ['delivered 1', 'delivered 1', 'dropped 0', 'delivered 1'],
  )
  webhooks.faults = { dropEvery: 2 }
  t.strictSame(webhooks.faults, { dropEvery: 2 })
  announce('e', 'f')
  await webhooks.flush()
  t.equal(idsReceived(), 'a,b,d,e')
})

tap.test('keeps recent deliveries, and drops events while too many are pending', async (t) => {
  const { receiver, webhooks, announce } = await announcing(t)
  receiver.answer = () => {}
  for (let n = 0; n < 10_001; n++) announce(`i${n}`)
  t.match(webhooks.deliveries.slice(-2), [
    { recordId: 'i9999', outcome: 'pending' },
    { recordId: 'i10000', outcome: 'dropped' },
  ])
  for (let n = 0; n < 1000; n++) announce('more')
  t.equal(webhooks.deliveries.length, 10_000)
  await webhooks.stop()
})

const delivery = (id: string): Delivery => ({
  id,
  event: 'inventory.updated',
  recordId: id,
  outcome: 'pending',
  status: undefined,
  attempts: 0,
})

async function sending(t: Test) {
  const clock = new ManualTimer()
  const receiver = await startReceiver(t)
  const sender = new DeliveryQueue(clock.now, clock.timer)
  t.teardown(() => sender.stop())
  const address = { url: receiver.url, secrets: [sandboxWebhookSecret] }
  const send = (id: string, url = receiver.url) => {
    const sent = delivery(id)
    sender.send(sent, JSON.stringify({ data: { id } }), { ...address, url })
    return sent
  }
  return { clock, receiver, sender, send }
}

tap.test('delivers in order, one at a time', async (t) => {
  const { receiver, sender, send } = await sending(t)
  const sent = Array.from({ length: 20 }, (_, n) => send(`m${n}`))
  t.equal(sender.pending, 20)
  await sender.flush()
  t.equal(sender.pending, 0)
  t.strictSame(
    receiver.received.map(({ id }) => id),
    sent.map(({ id }) => id),
  )
  t.ok(sent.every(({ outcome, status, attempts }) => outcome === 'delivered' && status === 200 && attempts === 1))
})

tap.test('retries with a new timestamp while later webhooks are sent', async (t) => {
  const { clock, receiver, sender, send } = await sending(t)
  receiver.answer = (response, nth) => void response.writeHead([503, 200, 302][nth - 1] ?? 204).end()
  const [first, second] = [send('a'), send('b')]
  await eventually(() => second.outcome === 'delivered')
  t.match(first, { outcome: 'pending', status: 503, attempts: 1 })
  clock.advance(2000)
  await eventually(() => first.attempts === 2)
  const flushed = sender.flush()
  await eventually(() => clock.pending === 1)
  clock.advance(2000)
  await flushed
  t.match(first, { outcome: 'delivered', status: 204, attempts: 3 })
  t.strictSame(
    receiver.received.map(({ id }) => id),
    ['a', 'b', 'a', 'a'],
  )
  const seconds = receiver.received.map(({ timestamp }) => Number(timestamp))
  t.equal(Number(seconds[3]) - Number(seconds[0]), 4)
})

tap.test('fails after four attempts without throwing', async (t) => {
  const { clock, receiver, sender, send } = await sending(t)
  receiver.answer = (response) => void response.destroy()
  const sent = [send('a'), send('b', 'http://127.0.0.1:1/nobody'), send('c', 'no address')]
  for (let n = 0; n < 3; n++) {
    await eventually(() => clock.pending === 3)
    clock.advance(2000)
  }
  await sender.flush()
  t.ok(sent.every(({ outcome, status, attempts }) => outcome === 'failed' && status === undefined && attempts === 4))
})

tap.test('fails all pending webhooks when stopped, and may send again', async (t) => {
  const { clock, receiver, sender, send } = await sending(t)
  receiver.answer = (response) => void response.writeHead(500).end()
  const failing = send('a')
  await eventually(() => clock.pending === 1)
  receiver.answer = () => {}
  const sent = [failing, send('b'), send('c')]
  await eventually(() => receiver.received.length === 2)
  await sender.stop()
  t.strictSame(
    sent.map(({ outcome, attempts }) => [outcome, attempts]),
    [
      ['failed', 1],
      ['failed', 1],
      ['failed', 0],
    ],
  )
  t.equal(clock.pending, 0)
  receiver.answer = (response) => void response.end()
  const again = send('d')
  await sender.flush()
  t.equal(again.outcome, 'delivered')
})

tap.test('starts no retry after a stop during an attempt', async (t) => {
  const { clock, receiver, sender, send } = await sending(t)
  receiver.answer = () => {}
  const hanging = send('a')
  await eventually(() => receiver.received.length === 1)
  await sender.stop()
  t.match(hanging, { outcome: 'failed', attempts: 1 })
  t.equal(clock.pending, 0)
})

// The example in the tests of Svix's and Standard Webhooks' own libraries.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const body = '{"test": 2432232314}'

tap.test('signs as Svix does', async (t) => {
  t.strictSame(signWebhook(secret, id, 1614265330, body), {
    'svix-id': id,
    'svix-timestamp': '1614265330',
    'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

tap.test('signs the bytes of the body', async (t) => {
  const text = '{"name": "抹茶"}'
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = `v1,${createHmac('sha256', key).update(`${id}.7.${text}`).digest('base64')}`
  t.equal(signWebhook(secret, id, 7, text)['svix-signature'], expected)
  t.equal(signWebhook([secret], id, 7, Buffer.from(text))['svix-signature'], expected)
})

tap.test('returns a signature for each of several secrets', async (t) => {
  const both = signWebhook([sandboxWebhookSecret, secret], id, 7, body)['svix-signature'].split(' ')
  t.equal(both[0], signWebhook(sandboxWebhookSecret, id, 7, body)['svix-signature'])
  t.equal(both[1], signWebhook(secret, id, 7, body)['svix-signature'])
})

tap.test('throws on a secret without a key', async (t) => {
  for (const wrong of ['', 'whsec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
    t.throws(() => signWebhook(wrong, id, 7, body), { message: /expected a webhook secret/ })
  }
})
