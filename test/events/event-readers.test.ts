import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import tap, { type Test } from 'tap'
import { EventLog } from '../../src/events/event-log.js'
import { EventReaders } from '../../src/events/event-readers.js'
import { eventually, settle } from '../harness.js'
import { change } from '../stock/view.js'

/** A response that records what is written to it; unless `reads`, its client reads nothing. */
class TestResponse extends EventEmitter {
  text = ''
  unread = 0
  ended = false
  destroyed = false
  reads = true

  get writableLength(): number {
    return this.unread
  }
  write(text: string): boolean {
    this.text += text
    if (!this.reads) this.unread += text.length
    return this.reads
  }
  end(): void {
    this.ended = true
    this.emit('close')
  }
  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
  /** The numbers of the received stock events, and `reset` for each reset. */
  get received(): string[] {
    return Array.from(this.text.matchAll(/^(?:event: (reset)|event: stock\nid: b-(\d+))$/gm), (found) =>
      String(found[1] ?? found[2]),
    )
  }
}

function start(t: Test) {
  const heartbeats: (() => void)[] = []
  let heartbeatsEnded = 0
  const timer = { unref: () => {} }
  t.intercept(globalThis, 'setInterval', {
    value: (heartbeat: () => void, ms: number) => {
      if (ms === 15_000) heartbeats.push(heartbeat)
      return timer
    },
  })
  t.intercept(globalThis, 'clearInterval', {
    value: (cleared: unknown) => void (cleared === timer && heartbeatsEnded++),
  })
  const log = new EventLog('b', 'default')
  const readers = new EventReaders(log)
  t.teardown(() => readers.close())
  const join = (skus?: string[], lastEventId?: string, response = new TestResponse()) => {
    readers.add(response as unknown as ServerResponse, skus && new Set(skus), lastEventId)
    return response
  }
  const publish = async (...skus: string[]) => {
    for (const sku of skus) log.publish(change(sku), 'now')
    await settle()
  }
  const heartbeat = () => {
    for (const one of heartbeats) one()
  }
  return { log, readers, join, publish, heartbeat, heartbeatsEnded: () => heartbeatsEnded }
}

tap.test('sends each reader the events of its SKUs', async (t) => {
  const { join, publish, readers } = start(t)
  const [all, some] = [join(), join(['B', 'C'])]
  t.equal(readers.count, 2)
  await publish('A', 'B', 'A', 'C')
  t.strictSame(all.received, ['1', '2', '3', '4'])
  t.strictSame(some.received, ['2', '4'])
})

tap.test('sends the retry time and the current position first', async (t) => {
  const { join, publish } = start(t)
  t.match(join().text, /^retry: [1-5]\d{3}\nid: b-0\n\n$/)
  await publish('A')
  t.match(join(['B']).text, /^retry: [1-5]\d{3}\nid: b-1\n\n$/)
  const times = new Set(Array.from({ length: 20 }, () => join().text.slice(0, 12)))
  t.ok(times.size > 10, 'regression: all readers reconnected at the same moment')
})

tap.test('sends a reconnecting reader the missed events once', async (t) => {
  const { join, publish } = start(t)
  await publish('A', 'B', 'A')
  const all = join(undefined, 'b-1')
  const some = join(['A'], 'b-1')
  const current = join(undefined, 'b-3')
  await publish('A')
  t.strictSame(all.received, ['2', '3', '4'])
  t.strictSame(some.received, ['3', '4'])
  t.strictSame(current.received, ['4'])
  t.match(some.text, /^event: stock\nid: b-3\n.*\n\nretry: \d+\nid: b-3\n\nevent: stock\nid: b-4\n/)
})

tap.test('neither repeats nor omits events for a reader that connects while they are pending', async (t) => {
  const { log, join } = start(t)
  const early = join()
  log.publish(change('A'), 'now')
  const fresh = join()
  const back = join(undefined, 'b-0')
  log.publish(change('A'), 'now')
  await settle()
  t.strictSame(early.received, ['1', '2'])
  t.strictSame(fresh.received, ['2'])
  t.strictSame(back.received, ['1', '2'])
})

tap.test('sends reset if the missed events are unknown', async (t) => {
  const { join, publish } = start(t)
  await publish('A', 'B')
  for (const id of ['other-1', 'b-3', '', 'nonsense']) {
    const back = join(undefined, id)
    t.match(back.text, /^event: reset\nid: b-2\ndata: \{\}\n\nretry: /, id)
    t.strictSame(back.received, ['reset'])
  }
})

tap.test('sends reset if the missed events exceed what a reader may leave unread', async (t) => {
  const { log, join, publish } = start(t)
  for (let n = 0; n < 600; n++) log.publish(change(n === 7 ? 'RARE' : 'A'.repeat(200)), 'now')
  await settle()
  t.strictSame(join(undefined, 'b-0').received, ['reset'])
  t.strictSame(join(['RARE'], 'b-0').received, ['8'], 'only events of the reader’s SKUs count')
  const back = join(undefined, 'b-500')
  t.equal(back.received.length, 100)
  await publish('A')
  t.equal(back.received.at(-1), '601')
})

tap.test('disconnects a reader that does not read, and no other', async (t) => {
  const { join, publish, readers } = start(t)
  const [slow, quick] = [join(), join()]
  slow.reads = false
  const big = 'x'.repeat(10_000)
  for (let n = 0; n < 40; n++) await publish(big)
  t.ok(slow.destroyed)
  t.ok(slow.unread <= 256 * 1024, `${slow.unread} characters were buffered`)
  t.ok(slow.received.length < 30)
  t.equal(quick.received.length, 40)
  t.notOk(quick.destroyed)
  t.equal(readers.count, 1)
})

tap.test('bounds what all readers together leave unread', async (t) => {
  const { log, join } = start(t)
  for (let n = 0; n < 100; n++) log.publish(change('x'.repeat(500)), 'now')
  t.equal(join(undefined, 'b-0').received.length, 100)
  const slow = Array.from({ length: 4000 }, () => join(['A']))
  for (const response of slow) response.reads = false
  t.strictSame(join(undefined, 'b-0').received, ['reset'], 'the limit of each is smaller')
  const quick = join(['A'])
  for (let n = 0; n < 200; n++) log.publish(change('A'), 'now')
  await eventually(() => quick.received.length === 200)
  const kept = slow.filter(({ destroyed }) => !destroyed)
  t.ok(kept.length > 0 && kept.length < slow.length, `${kept.length} of ${slow.length} are still connected`)
  t.ok(kept.reduce((sum, { unread }) => sum + unread, 0) <= 128 * 1024 * 1024)
})

tap.test('readers of all connections and groups count in the bound of the process', async (t) => {
  const open = { total: 0 }
  const [log, other] = [new EventLog('b', 'au'), new EventLog('c', 'us')]
  const [readers, others] = [new EventReaders(log, open), new EventReaders(other, open)]
  t.teardown(() => [readers, others].map((one) => one.close()))
  const add = (to: EventReaders, lastEventId?: string) => {
    const response = new TestResponse()
    to.add(response as unknown as ServerResponse, undefined, lastEventId)
    return response
  }
  for (let n = 0; n < 100; n++) log.publish(change('x'.repeat(500)), 'now')
  t.equal(add(readers, 'b-0').received.length, 100)
  const many = Array.from({ length: 4000 }, () => add(others))
  t.strictSame(add(readers, 'b-0').received, ['reset'], 'the limit of each is smaller')
  for (const response of many) response.destroy()
  t.equal(open.total, 2)
  t.equal(add(readers, 'b-0').received.length, 100)
  readers.close()
  t.equal(open.total, 0)
})

tap.test('disconnects a reader over its limit once more readers make the limit smaller', async (t) => {
  const { join, publish, heartbeat } = start(t)
  const early = join(['A'])
  early.reads = false
  for (let n = 0; n < 200; n++) await publish('A')
  heartbeat()
  t.notOk(early.destroyed)
  for (let n = 0; n < 5000; n++) join(['B'])
  heartbeat()
  t.ok(early.destroyed, `${early.unread} characters were buffered`)
})

tap.test('heartbeats carry the current position', async (t) => {
  const { log, join, publish, heartbeat } = start(t)
  const quiet = join(['B'])
  await publish('A', 'A')
  const before = quiet.text.length
  heartbeat()
  t.equal(quiet.text.slice(before), ':\nid: b-2\n\n')
  log.publish(change('B'), 'now')
  heartbeat()
  t.match(quiet.text, /\n:\n\n$/, 'no position while an event is pending')
  await settle()
  t.strictSame(quiet.received, ['3'])
})

tap.test('removes a reader that disconnects', async (t) => {
  const { join, publish, readers } = start(t)
  const [gone, stays] = [join(), join()]
  gone.destroy()
  t.equal(readers.count, 1)
  await publish('A')
  t.strictSame(gone.received, [])
  t.strictSame(stays.received, ['1'])
})

tap.test('does not add a reader whose response is already destroyed', async (t) => {
  const { join, readers } = start(t)
  const gone = new TestResponse()
  gone.destroy()
  join(undefined, undefined, gone)
  t.equal(readers.count, 0)
  t.equal(gone.text, '')
})

tap.test('writes to many readers without delaying other work', async (t) => {
  const { join, log } = start(t)
  // All of them together take longer than a turn.
  const slowly = () => {
    const response = new TestResponse()
    const write = response.write.bind(response)
    response.write = (text) => {
      for (const end = performance.now() + 0.2; performance.now() < end; );
      return write(text)
    }
    return response
  }
  const all = Array.from({ length: 100 }, () => join(undefined, undefined, slowly()))
  let turns = 0
  let isDone = false
  const count = () => {
    turns++
    if (!isDone) setImmediate(count)
  }
  for (let n = 0; n < 3; n++) log.publish(change('A'), 'now')
  count()
  while (all.some(({ received }) => received.length < 3)) await new Promise((resolve) => setImmediate(resolve))
  isDone = true
  t.ok(turns >= 5, `${turns} turns`)
  for (const { received } of all) t.strictSame(received, ['1', '2', '3'])
})

tap.test('ends all streams on close, without waiting for slow readers', async (t) => {
  const { join, publish, log, readers, heartbeatsEnded } = start(t)
  const [quick, slow] = [join(), join()]
  slow.reads = false
  await publish('A')
  log.publish(change('B'), 'now')
  readers.close()
  t.match(quick, { ended: true, destroyed: false })
  t.match(slow, { ended: false, destroyed: true })
  t.equal(readers.count, 0)
  t.equal(heartbeatsEnded(), 1)
  await publish('C')
  t.strictSame(quick.received, ['1'])
})

tap.test('ends all streams when the log ends', async (t) => {
  const { join, log, readers } = start(t)
  const reader = join()
  log.end()
  t.ok(reader.ended)
  t.equal(readers.count, 0)
})

tap.test('regression: events that arrived faster than they could be written were kept without bound', async (t) => {
  const { join, log, readers, publish, heartbeat } = start(t)
  const [quick, slow] = [join(), join()]
  slow.unread = 1
  for (let n = 0; n < 10_000; n++) log.publish(change('A'), 'now')
  t.equal(readers.count, 2)
  log.publish(change('A'), 'now')
  t.equal(readers.count, 0)
  t.match(quick, { ended: true, destroyed: false })
  t.match(slow, { ended: false, destroyed: true })
  const back = join()
  heartbeat()
  t.match(back.text, /\n:\nid: b-10001\n\n$/, 'nothing is pending')
  await settle()
  t.strictSame(quick.received, [])
  await publish('A')
  t.strictSame(back.received, ['10002'])
})
