import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import tap, { type Test } from 'tap'
import { EventLog } from '../../src/events/event-log.js'
import { EventReaders } from '../../src/events/event-readers.js'
import { eventually, settle } from '../harness.js'
import { change } from '../stock/view.js'

/** An answer that keeps what is written to it, and whose caller reads only when he is told to. */
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
  /** The numbers of the events that came, and what else did. */
  get told(): string[] {
    return Array.from(this.text.matchAll(/^(?:event: (reset)|event: stock\nid: b-(\d+))$/gm), (found) =>
      String(found[1] ?? found[2]),
    )
  }
}

function start(t: Test) {
  const beats: (() => void)[] = []
  let beatsEnded = 0
  const timer = { unref: () => {} }
  t.intercept(globalThis, 'setInterval', {
    value: (beat: () => void, ms: number) => {
      if (ms === 15_000) beats.push(beat)
      return timer
    },
  })
  t.intercept(globalThis, 'clearInterval', { value: (cleared: unknown) => void (cleared === timer && beatsEnded++) })
  const log = new EventLog('b')
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
  const beat = () => {
    for (const one of beats) one()
  }
  return { log, readers, join, publish, beat, beatsEnded: () => beatsEnded }
}

tap.test('tells all readers, each what he asked for', async (t) => {
  const { join, publish, readers } = start(t)
  const [all, some] = [join(), join(['B', 'C'])]
  t.equal(readers.count, 2)
  await publish('A', 'B', 'A', 'C')
  t.strictSame(all.told, ['1', '2', '3', '4'])
  t.strictSame(some.told, ['2', '4'])
})

tap.test('says how soon to come back, and from where', async (t) => {
  const { join, publish } = start(t)
  t.equal(join().text, 'retry: 2000\nid: b-0\n\n')
  await publish('A')
  t.equal(join(['B']).text, 'retry: 2000\nid: b-1\n\n')
})

tap.test('tells a reader who comes back what he missed, once', async (t) => {
  const { join, publish } = start(t)
  await publish('A', 'B', 'A')
  const all = join(undefined, 'b-1')
  const some = join(['A'], 'b-1')
  const current = join(undefined, 'b-3')
  await publish('A')
  t.strictSame(all.told, ['2', '3', '4'])
  t.strictSame(some.told, ['3', '4'])
  t.strictSame(current.told, ['4'])
  t.match(some.text, /^event: stock\nid: b-3\n.*\n\nretry: 2000\nid: b-3\n\nevent: stock\nid: b-4\n/)
})

tap.test('tells no event twice, or not at all, to who comes while it is being told', async (t) => {
  const { log, join } = start(t)
  const early = join()
  log.publish(change('A'), 'now')
  const fresh = join()
  const back = join(undefined, 'b-0')
  log.publish(change('A'), 'now')
  await settle()
  t.strictSame(early.told, ['1', '2'])
  t.strictSame(fresh.told, ['2'])
  t.strictSame(back.told, ['1', '2'])
})

tap.test('says that what was missed can no longer be told', async (t) => {
  const { join, publish } = start(t)
  await publish('A', 'B')
  for (const id of ['other-1', 'b-3', '', 'nonsense']) {
    const back = join(undefined, id)
    t.match(back.text, /^event: reset\nid: b-2\ndata: \{\}\n\nretry: /, id)
    t.strictSame(back.told, ['reset'])
  }
})

tap.test('counts too much to be told at once as forgotten', async (t) => {
  const { log, join, publish } = start(t)
  for (let n = 0; n < 600; n++) log.publish(change(n === 7 ? 'RARE' : 'A'.repeat(200)), 'now')
  await settle()
  t.strictSame(join(undefined, 'b-0').told, ['reset'])
  t.strictSame(join(['RARE'], 'b-0').told, ['8'], 'but only of what concerns the reader')
  const back = join(undefined, 'b-500')
  t.equal(back.told.length, 100)
  await publish('A')
  t.equal(back.told.at(-1), '601')
})

tap.test('drops who does not read, and nobody else', async (t) => {
  const { join, publish, readers } = start(t)
  const [slow, quick] = [join(), join()]
  slow.reads = false
  const big = 'x'.repeat(10_000)
  for (let n = 0; n < 40; n++) await publish(big)
  t.ok(slow.destroyed)
  t.ok(slow.unread <= 256 * 1024, `${slow.unread} characters were kept for him`)
  t.ok(slow.told.length < 30)
  t.equal(quick.told.length, 40)
  t.notOk(quick.destroyed)
  t.equal(readers.count, 1)
})

tap.test('bounds what all of them leave unread together', async (t) => {
  const { log, join } = start(t)
  for (let n = 0; n < 100; n++) log.publish(change('x'.repeat(500)), 'now')
  t.equal(join(undefined, 'b-0').told.length, 100)
  const slow = Array.from({ length: 4000 }, () => join(['A']))
  for (const response of slow) response.reads = false
  t.strictSame(join(undefined, 'b-0').told, ['reset'], 'who comes back is told less at once')
  const quick = join(['A'])
  for (let n = 0; n < 200; n++) log.publish(change('A'), 'now')
  await eventually(() => quick.told.length === 200)
  const kept = slow.filter(({ destroyed }) => !destroyed)
  t.ok(kept.length > 0 && kept.length < slow.length, `${kept.length} of ${slow.length} are still told`)
  t.ok(kept.reduce((sum, { unread }) => sum + unread, 0) <= 128 * 1024 * 1024)
})

tap.test('drops who has left more than his share, once there are many', async (t) => {
  const { join, publish, beat } = start(t)
  const early = join(['A'])
  early.reads = false
  for (let n = 0; n < 200; n++) await publish('A')
  beat()
  t.notOk(early.destroyed)
  for (let n = 0; n < 5000; n++) join(['B'])
  beat()
  t.ok(early.destroyed, `${early.unread} characters were kept for him`)
})

tap.test('keeps lines open, and lets who hears nothing know how far he is', async (t) => {
  const { log, join, publish, beat } = start(t)
  const quiet = join(['B'])
  await publish('A', 'A')
  const before = quiet.text.length
  beat()
  t.equal(quiet.text.slice(before), ':\nid: b-2\n\n')
  log.publish(change('B'), 'now')
  beat()
  t.match(quiet.text, /\n:\n\n$/, 'no place that an event which is still to come would be before')
  await settle()
  t.strictSame(quiet.told, ['3'])
})

tap.test('forgets who goes away', async (t) => {
  const { join, publish, readers } = start(t)
  const [gone, stays] = [join(), join()]
  gone.destroy()
  t.equal(readers.count, 1)
  await publish('A')
  t.strictSame(gone.told, [])
  t.strictSame(stays.told, ['1'])
})

tap.test('does not take on who has gone already: nobody would ever say so', async (t) => {
  const { join, readers } = start(t)
  const gone = new TestResponse()
  gone.destroy()
  join(undefined, undefined, gone)
  t.equal(readers.count, 0)
  t.equal(gone.text, '')
})

tap.test('tells very many readers without holding up the others', async (t) => {
  const { join, log } = start(t)
  // Longer than a turn, all together.
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
  while (all.some(({ told }) => told.length < 3)) await new Promise((resolve) => setImmediate(resolve))
  isDone = true
  t.ok(turns >= 5, `${turns} turns`)
  for (const { told } of all) t.strictSame(told, ['1', '2', '3'])
})

tap.test('says good-bye to everybody, and waits for nobody', async (t) => {
  const { join, publish, log, readers, beatsEnded } = start(t)
  const [quick, slow] = [join(), join()]
  slow.reads = false
  await publish('A')
  log.publish(change('B'), 'now')
  readers.close()
  t.match(quick, { ended: true, destroyed: false })
  t.match(slow, { ended: false, destroyed: true })
  t.equal(readers.count, 0)
  t.equal(beatsEnded(), 1)
  await publish('C')
  t.strictSame(quick.told, ['1'])
})

tap.test('ends all lines when nothing more will come', async (t) => {
  const { join, log, readers } = start(t)
  const reader = join()
  log.end()
  t.ok(reader.ended)
  t.equal(readers.count, 0)
})

tap.test('regression: events that came faster than they could be told were kept without bound', async (t) => {
  const { join, log, readers, publish, beat } = start(t)
  const [quick, slow] = [join(), join()]
  slow.unread = 1
  for (let n = 0; n < 10_000; n++) log.publish(change('A'), 'now')
  t.equal(readers.count, 2)
  log.publish(change('A'), 'now')
  t.equal(readers.count, 0)
  t.match(quick, { ended: true, destroyed: false })
  t.match(slow, { ended: false, destroyed: true })
  const back = join()
  beat()
  t.match(back.text, /\n:\nid: b-10001\n\n$/, 'nothing is pending')
  await settle()
  t.strictSame(quick.told, [])
  await publish('A')
  t.strictSame(back.told, ['10002'])
})
