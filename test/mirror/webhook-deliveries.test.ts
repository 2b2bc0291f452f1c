import tap from 'tap'
import { RecordCache } from '../../src/cache/record-cache.js'
import { createWebhookReceiver } from '../../src/mirror/webhook-deliveries.js'
import type { Warehouse } from '../../src/records/warehouse.js'
import { TestClock } from '../harness.js'
import { policy, written } from './mirror-harness.js'

function start() {
  const clock = new TestClock()
  const holdings = new RecordCache(1_000_000, policy, clock.now)
  const told: unknown[] = []
  const absent = new Set<string>()
  const receive = createWebhookReceiver({
    holdings,
    warehouses: {
      take: (warehouse: Warehouse) => told.push(['warehouse', warehouse.id]),
      askAgain: async () => told.push(['warehouses']),
    } as never,
    status: { askAgain: () => told.push(['status']) } as never,
    now: clock.now,
    read: (kind, id) => told.push([kind, id]),
    isAbsent: (kind, id) => absent.has(`${kind} ${id}`),
  })
  /** A date this many seconds after the start. */
  const date = (seconds: number) => written(clock.now() + seconds * 1000)
  const at = (begunAt: number, readAt = begunAt) => ({ begunAt, readAt })
  const onhand = () => holdings.peek('item', 'i1')?.value?.onhand
  return { clock, holdings, told, absent, receive, date, at, onhand }
}

tap.test('takes in records that are new', async (t) => {
  const { clock, holdings, receive } = start()
  t.equal(receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } }), 'taken')
  t.equal(receive({ event_type: 'inventory.created', data: { id: 'i1', onhand: 3 } }), 'taken')
  t.match(holdings.peek('product', 'p1'), { value: { sku: 'A' }, readAt: clock.now() })
  t.match(holdings.peek('item', 'i1'), { value: { onhand: 3 }, readAt: clock.now() })
})

tap.test('takes the newer of two deliveries, in whatever order they come', async (t) => {
  const { receive, date, onhand } = start()
  const first = { id: 'i1', onhand: 1, trackstar_updated_date: date(1) }
  const second = { id: 'i1', onhand: 2, trackstar_updated_date: date(2) }
  receive({ event_type: 'inventory.updated', data: second })
  t.equal(receive({ event_type: 'inventory.updated', data: first }), 'taken', 'which is no fault of the sender')
  t.equal(onhand(), 2)
})

tap.test('never takes an old delivery over a later read', async (t) => {
  const { clock, holdings, receive, date, at, onhand } = start()
  const old = { id: 'i1', onhand: 1, trackstar_updated_date: date(0) }
  const undated = { id: 'i1', onhand: 3 }
  clock.advance(5000)
  holdings.keep('item', { id: 'i1', onhand: 2, trackstar_updated_date: date(-2) }, at(clock.now()))
  clock.advance(5000)
  receive({ event_type: 'inventory.updated', data: old })
  receive({ event_type: 'inventory.updated', data: undated })
  t.equal(onhand(), 2)
})

tap.test('is not overwritten by a read that was begun before it', async (t) => {
  const { clock, holdings, receive, date, at, onhand } = start()
  const begunAt = clock.now()
  clock.advance(50)
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 2, trackstar_updated_date: date(2) } })
  clock.advance(50)
  const stale = { id: 'i1', onhand: 1, trackstar_updated_date: date(1) }
  holdings.keep('item', stale, at(begunAt, clock.now()))
  t.equal(onhand(), 2)
  holdings.keepAbsence('item', 'i1', at(begunAt, clock.now()))
  t.equal(onhand(), 2, 'nor by one that did not find it yet')
  holdings.keep('item', stale, at(clock.now()))
  t.equal(onhand(), 1, 'but by a later one')
})

tap.test('makes a SKU findable that was known to be absent', async (t) => {
  const { clock, holdings, receive, at } = start()
  holdings.keepSku('A', [], at(clock.now()))
  t.match(holdings.findProducts('A'), { value: undefined })
  receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } })
  t.equal(holdings.findProducts('A'), undefined, 'it is to be asked for')
})

tap.test('forgets a look-up by SKU that lacks the new product', async (t) => {
  const { clock, holdings, receive, at } = start()
  holdings.keepSku('A', [{ id: 'p1', sku: 'A' }], at(clock.now()))
  receive({ event_type: 'product.updated', data: { id: 'p1', sku: 'A', name: 'new' } })
  t.match(holdings.findProducts('A'), { value: [{ id: 'p1', name: 'new' }] })
  receive({ event_type: 'product.created', data: { id: 'p2', sku: 'A' } })
  t.equal(holdings.findProducts('A'), undefined)
})

tap.test('reads what was truncated, and takes nothing else of it', async (t) => {
  const { holdings, told, receive } = start()
  t.equal(receive({ event_type: 'product.updated', data: { id: 'p1' }, data_truncated: true }), 'taken')
  t.equal(receive({ event_type: 'inventory.updated', data: { id: 'i1' }, data_truncated: true }), 'taken')
  t.strictSame(told, [
    ['product', 'p1'],
    ['item', 'i1'],
  ])
  t.equal(holdings.state.records.entries, 0)
})

tap.test('regression: a late word of what is gone brought it back', async (t) => {
  const { holdings, told, absent, receive } = start()
  absent.add('item i1').add('product p1')
  t.equal(receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 3 } }), 'taken')
  t.equal(receive({ event_type: 'product.updated', data: { id: 'p1', sku: 'A' } }), 'taken')
  t.strictSame(told.splice(0), [
    ['item', 'i1'],
    ['product', 'p1'],
  ])
  t.equal(holdings.state.records.entries, 0)
  receive({ event_type: 'inventory.created', data: { id: 'i1', onhand: 3 } })
  receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } })
  t.strictSame(told, [], 'what is new is taken in')
  t.equal(holdings.state.records.entries, 2)
})

tap.test('reads what changed in the same second as what is held: nobody knows which is later', async (t) => {
  const { clock, holdings, told, receive, date, at, onhand } = start()
  const same = { trackstar_updated_date: date(0) }
  holdings.keep('item', { id: 'i1', onhand: 2, ...same }, at(clock.now()))
  holdings.keep('product', { id: 'p1', name: 'two', ...same }, at(clock.now()))
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 1, ...same } })
  receive({ event_type: 'product.updated', data: { id: 'p1', name: 'one', ...same } })
  t.strictSame(told.splice(0), [
    ['item', 'i1'],
    ['product', 'p1'],
  ])
  t.equal(onhand(), 2)
  t.equal(holdings.peek('product', 'p1')?.value?.name, 'two')
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 3, trackstar_updated_date: date(1) } })
  t.equal(onhand(), 3)
  t.strictSame(told, [])
})

tap.test('takes in warehouses', async (t) => {
  const { told, receive } = start()
  t.equal(receive({ event_type: 'warehouse.created', data: { id: 'wh' } }), 'taken')
  t.equal(receive({ event_type: 'warehouse.updated', data: { id: 'wh' } }), 'taken')
  t.strictSame(told, [
    ['warehouse', 'wh'],
    ['warehouse', 'wh'],
  ])
})

tap.test('regression: a truncated delivery took the name from a warehouse', async (t) => {
  const { told, receive } = start()
  t.equal(receive({ event_type: 'warehouse.updated', data: { id: 'wh' }, data_truncated: true }), 'taken')
  t.strictSame(told, [['warehouses']])
})

tap.test('has the connection read again for all that is said of it', async (t) => {
  const { told, receive } = start()
  const events = ['connection.historical-sync-completed', 'connection.force-sync-completed', 'connection.deleted']
  const errors = ['connection-error.created', 'connection-error.updated', 'connection-error.deleted']
  for (const event_type of [...events, ...errors]) t.equal(receive({ event_type, data: {} }), 'taken')
  t.equal(told.length, 6)
})

tap.test('ignores what is of no interest here', async (t) => {
  const { holdings, told, receive } = start()
  for (const event_type of ['order.created', 'inventory.deleted', 'product', '', 'constructor.updated', '.']) {
    t.equal(receive({ event_type, data: { id: 'i1' } }), 'ignored', event_type)
  }
  t.strictSame(told, [])
  t.equal(holdings.state.records.entries, 0)
})

tap.test('changes nothing for data that cannot be what it claims', async (t) => {
  const { clock, holdings, told, receive, at, onhand } = start()
  holdings.keep('item', { id: 'i1', onhand: 2 }, at(clock.now()))
  const bad = [undefined, null, 'i1', [], {}, { id: '' }, { id: 7 }, { id: 'i1', onhand: 'many' }]
  for (const data of bad) {
    for (const event_type of ['inventory.updated', 'product.created', 'warehouse.updated']) {
      const isSound = event_type !== 'inventory.updated' && JSON.stringify(data)?.includes('many')
      if (!isSound) t.equal(receive({ event_type, data }), 'malformed', `${event_type} ${JSON.stringify(data)}`)
    }
    if (!JSON.stringify(data)?.includes('many')) {
      t.equal(receive({ event_type: 'product.updated', data, data_truncated: true }), 'malformed')
    }
  }
  t.equal(onhand(), 2)
  t.equal(holdings.state.records.entries, 1)
  t.strictSame(told, [])
})
