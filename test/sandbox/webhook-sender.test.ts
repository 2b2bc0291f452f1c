import tap, { type Test } from 'tap'
import { type Delivery, WebhookSender } from '../../src/sandbox/webhook-sender.js'
import { sandboxWebhookSecret } from '../../src/sandbox/webhook-signature.js'
import { ManualTimer } from './manual-timer.js'
import { eventually, receiving } from './webhook-receiver.js'

const delivery = (id: string): Delivery => ({
  id,
  event: 'inventory.updated',
  recordId: id,
  outcome: 'pending',
  status: undefined,
  attempts: 0,
})

async function sending(t: Test) {
  const hand = new ManualTimer()
  const receiver = await receiving(t)
  const sender = new WebhookSender(hand.now, hand.timer)
  t.teardown(() => sender.stop())
  const address = { url: receiver.url, secrets: [sandboxWebhookSecret] }
  const send = (id: string, url = receiver.url) => {
    const sent = delivery(id)
    sender.send(sent, JSON.stringify({ data: { id } }), { ...address, url })
    return sent
  }
  return { hand, receiver, sender, send }
}

tap.test('delivers one after the other', async (t) => {
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

tap.test('tries again what was not accepted, by the clock of then, while the next go on', async (t) => {
  const { hand, receiver, sender, send } = await sending(t)
  receiver.answer = (response, nth) => void response.writeHead([503, 200, 302][nth - 1] ?? 204).end()
  const [first, second] = [send('a'), send('b')]
  await eventually(() => second.outcome === 'delivered')
  t.match(first, { outcome: 'pending', status: 503, attempts: 1 })
  hand.advance(2000)
  await eventually(() => first.attempts === 2)
  const flushed = sender.flush()
  await eventually(() => hand.waiting === 1)
  hand.advance(2000)
  await flushed
  t.match(first, { outcome: 'delivered', status: 204, attempts: 3 })
  t.strictSame(
    receiver.received.map(({ id }) => id),
    ['a', 'b', 'a', 'a'],
  )
  const seconds = receiver.received.map(({ timestamp }) => Number(timestamp))
  t.equal(Number(seconds[3]) - Number(seconds[0]), 4)
})

tap.test('gives up after four tries, and never throws', async (t) => {
  const { hand, receiver, sender, send } = await sending(t)
  receiver.answer = (response) => void response.destroy()
  const sent = [send('a'), send('b', 'http://127.0.0.1:1/nobody'), send('c', 'no address')]
  for (let n = 0; n < 3; n++) {
    await eventually(() => hand.waiting === 3)
    hand.advance(2000)
  }
  await sender.flush()
  t.ok(sent.every(({ outcome, status, attempts }) => outcome === 'failed' && status === undefined && attempts === 4))
})

tap.test('gives up at once all that is on its way when stopped, and may send again', async (t) => {
  const { hand, receiver, sender, send } = await sending(t)
  receiver.answer = (response) => void response.writeHead(500).end()
  const failing = send('a')
  await eventually(() => hand.waiting === 1)
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
  t.equal(hand.waiting, 0)
  receiver.answer = (response) => void response.end()
  const again = send('d')
  await sender.flush()
  t.equal(again.outcome, 'delivered')
})

tap.test('waits for nothing after it was stopped in the middle of a try', async (t) => {
  const { hand, receiver, sender, send } = await sending(t)
  receiver.answer = () => {}
  const hanging = send('a')
  await eventually(() => receiver.received.length === 1)
  await sender.stop()
  t.match(hanging, { outcome: 'failed', attempts: 1 })
  t.equal(hand.waiting, 0)
})
