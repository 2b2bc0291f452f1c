import tap from 'tap'
import { EventLog, type StockEvent } from '../../src/events/event-log.js'
import { change } from '../stock/view.js'

const log = (events = 0, boot = 'b007') => {
  const made = new EventLog(boot, 'au')
  for (let n = 1; n <= events; n++) made.publish(change(`S${n}`), 'now')
  return made
}
const numbers = (events: readonly StockEvent[] | undefined) => events?.map(({ sequence: n }) => n)

tap.test('serialises a change in the server-sent events format', async (t) => {
  const made = log()
  const seen: StockEvent[] = []
  made.subscribe({ event: (event) => seen.push(event), end: () => {} })
  const shown = { ...change('A\n"B"', 4), warehouseCustomerId: 'cust', previousAvailable: 7 }
  made.publish(shown, '2026-11-23T10:00:00.000Z')
  const lines = seen[0]?.frame.split('\n') ?? []
  t.strictSame(lines.slice(0, 2), ['event: stock', 'id: b007-1'])
  t.match(lines[2], /^data: \{/)
  t.strictSame(lines.slice(3), ['', ''], 'a line break in a SKU is escaped')
  t.strictSame(JSON.parse(String(lines[2]).slice(6)), {
    sku: 'A\n"B"',
    connection: 'au',
    product_id: 'prod A\n"B"',
    warehouse_customer_id: 'cust',
    available: 4,
    previous_available: 7,
    quantities: shown.quantities,
    as_of: '2026-11-23T10:00:00.000Z',
  })
})

tap.test('numbers events from 1, and has the last number', async (t) => {
  const made = log()
  t.equal(made.lastSequence, 0)
  t.equal(made.positionField, 'id: b007-0\n')
  made.publish(change('A'), 'now')
  made.publish(change('B'), 'now')
  t.equal(made.lastSequence, 2)
  t.equal(made.positionField, 'id: b007-2\n')
  t.strictSame(numbers(made.since('b007-0')), [1, 2])
})

tap.test('passes events to subscribers until they unsubscribe', async (t) => {
  const made = log()
  const received: string[] = []
  const listener = (name: string) => ({
    event: ({ sequence: n }: StockEvent) => received.push(`${name}${n}`),
    end: () => received.push(`${name} end`),
  })
  made.subscribe(listener('a'))
  const unsubscribe = made.subscribe(listener('b'))
  made.publish(change('A'), 'now')
  unsubscribe()
  unsubscribe()
  made.publish(change('B'), 'now')
  made.end()
  t.strictSame(received, ['a1', 'b1', 'a2', 'a end'])
})

tap.test('returns the events after an id, and undefined for an unknown id', async (t) => {
  const made = log(5)
  t.strictSame(numbers(made.since('b007-3')), [4, 5])
  t.strictSame(numbers(made.since('b007-5')), [])
  t.strictSame(numbers(made.since('b007-0')), [1, 2, 3, 4, 5])
  const unknown = ['b007-6', 'b008-3', 'b007', 'b007-', 'b007-x', '-3', '3', '', 'b007--1', 'b007-1.5', ' b007-3']
  for (const id of [...unknown, `b007-${'9'.repeat(16)}`, 'x'.repeat(100)]) t.equal(made.since(id), undefined, id)
  t.strictSame(numbers(log(0).since('b007-0')), [], 'in an empty log')
  t.equal(log(0).since('b007-1'), undefined)
  t.strictSame(numbers(log(2, 'a-b').since('a-b-1')), [2], 'in a log whose run id has a hyphen')
})

tap.test('buffers the last ten thousand events, and knows the oldest one', async (t) => {
  const made = log(25_500)
  t.equal(made.since('b007-1'), undefined)
  const oldest = Array.from({ length: 25_501 }, (_, n) => n).find((n) => made.since(`b007-${n}`) !== undefined) ?? 0
  const buffered = 25_500 - oldest
  t.ok(buffered >= 10_000 && buffered < 11_000, `${buffered} are buffered`)
  for (const last of [oldest, oldest + 1, 20_000, 25_499]) {
    const events = numbers(made.since(`b007-${last}`)) ?? []
    t.equal(events.length, 25_500 - last)
    t.equal(events[0], last + 1)
    t.equal(events.at(-1), 25_500)
  }
})

tap.test('a reset event carries the current position', async (t) => {
  const made = log(3)
  t.equal(made.resetFrame(), 'event: reset\nid: b007-3\ndata: {}\n\n')
  t.strictSame(made.since('b007-3'), [])
})
