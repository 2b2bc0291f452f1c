import { createHmac } from 'node:crypto'
import tap, { type Test } from 'tap'
import { sandboxWebhookSecret } from '../../src/sandbox/webhook-signature.js'
import { type WebhookFaults, Webhooks } from '../../src/sandbox/webhooks.js'
import { ManualTimer } from './manual-timer.js'
import { eventually, receiving } from './webhook-receiver.js'

async function announcing(t: Test, faults: WebhookFaults = {}) {
  const hand = new ManualTimer()
  const receiver = await receiving(t)
  const webhooks = new Webhooks(hand.now, hand.timer)
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
  return { hand, receiver, webhooks, announce, idsReceived }
}

tap.test('sends an event, signed, and logs what became of it', async (t) => {
  const { hand, receiver, webhooks, announce } = await announcing(t)
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
  t.equal(Number(timestamp), hand.now() / 1000)
  const key = Buffer.from(sandboxWebhookSecret.slice('whsec_'.length), 'base64')
  t.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${raw}`).digest('base64')}`)
  t.match(webhooks.deliveries, [{ id, outcome: 'delivered', status: 200, attempts: 1 }])
  t.equal(webhooks.deliveries.length, 1)
})

tap.test('tells what was so when it happened', async (t) => {
  const { receiver, webhooks } = await announcing(t)
  const data = { id: 'i', onhand: 1 }
  webhooks.announce({ connection_id: 'c', integration_name: 's', event_type: 'inventory.updated', data })
  data.onhand = 2
  await webhooks.flush()
  t.match(receiver.received, [{ body: { data: { onhand: 1 } } }])
})

tap.test('sends nothing without an address, and logs nothing', async (t) => {
  const { webhooks, announce, receiver } = await announcing(t)
  webhooks.sendTo(undefined)
  announce('a')
  await webhooks.flush()
  t.strictSame([webhooks.deliveries.length, receiver.received.length], [0, 0])
})

tap.test('refuses a secret without a key when it is told of it', async (t) => {
  const { webhooks, receiver } = await announcing(t)
  t.throws(() => webhooks.sendTo(receiver.url, ['whsec_']), { message: /expected a webhook secret/ })
})

tap.test('sends every n-th event again with the same id', async (t) => {
  const { receiver, webhooks, announce, idsReceived } = await announcing(t, { repeatEvery: 2 })
  announce('a', 'b', 'c', 'd')
  await webhooks.flush()
  t.equal(idsReceived(), 'a,b,b,c,d,d')
  t.equal(new Set(receiver.received.map(({ id }) => id)).size, 4)
  t.equal(receiver.received[1]?.id, receiver.received[2]?.id)
  t.equal(webhooks.deliveries.length, 6)
})

tap.test('sends a window of events last first', async (t) => {
  const { webhooks, announce, idsReceived } = await announcing(t, { reorderWindow: 3 })
  announce('a', 'b', 'c', 'd', 'e')
  await eventually(() => idsReceived() === 'c,b,a')
  await webhooks.flush()
  t.equal(idsReceived(), 'c,b,a,e,d')
})

tap.test('does not hold an unfinished window for long', async (t) => {
  const { hand, webhooks, announce, idsReceived } = await announcing(t, { reorderWindow: 3 })
  announce('a', 'b')
  t.equal(hand.waiting, 1)
  hand.advance(250)
  await eventually(() => idsReceived() === 'b,a')
  announce('c')
  await webhooks.stop()
  t.equal(hand.waiting, 0)
  t.equal(webhooks.deliveries.at(-1)?.outcome, 'failed')
})

tap.test('cuts every n-th event down to the id', async (t) => {
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
    'what has no id is left whole',
  )
  t.strictSame(bodies[3]?.data, { resource: 'products' })
})

tap.test('never sends every n-th event, and counts anew when the faults are set anew', async (t) => {
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

tap.test('remembers the last of many, and drops what a receiver that hangs will never take', async (t) => {
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
