import tap from 'tap'
import { RecordCache } from '../../src/cache/record-cache.js'
import { createWebhookReceiver } from '../../src/mirror/webhook-deliveries.js'
import type { Warehouse } from '../../src/records/warehouse.js'
import { TestClock } from '../harness.js'
import { policy, toUpstreamDate } from './mirror-harness.js'

function start() {
  const clock = new TestClock()
  const cache = new RecordCache(1_000_000, policy, clock)
  const effects: unknown[] = []
  const absent = new Set<string>()
  const receive = createWebhookReceiver({
    cache,
    warehouses: {
      store: (warehouse: Warehouse) => effects.push(['warehouse', warehouse.id]),
      invalidate: async () => effects.push(['warehouses']),
    } as never,
    syncStatus: { invalidate: () => effects.push(['status']) } as never,
    clock,
    refresh: (kind, id) => effects.push([kind, id]),
    isKnownAbsent: (kind, id) => absent.has(`${kind} ${id}`),
  })
  /** A date this many seconds after the start. */
  const date = (seconds: number) => toUpstreamDate(clock.now() + seconds * 1000)
  const at = (begunAt: number, readAt = begunAt) => ({ begunAt, readAt })
  const onhand = () => cache.peek('item', 'i1')?.value?.onhand
  return { clock, cache, effects, absent, receive, date, at, onhand }
}

tap.test('stores new records', async (t) => {
  const { clock, cache, receive } = start()
  t.equal(receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } }), 'applied')
  t.equal(receive({ event_type: 'inventory.created', data: { id: 'i1', onhand: 3 } }), 'applied')
  t.match(cache.peek('product', 'p1'), { value: { sku: 'A' }, readAt: clock.now() })
  t.match(cache.peek('item', 'i1'), { value: { onhand: 3 }, readAt: clock.now() })
})

tap.test('keeps the newer of two deliveries, in whatever order they arrive', async (t) => {
  const { receive, date, onhand } = start()
  const first = { id: 'i1', onhand: 1, trackstar_updated_date: date(1) }
  const second = { id: 'i1', onhand: 2, trackstar_updated_date: date(2) }
  receive({ event_type: 'inventory.updated', data: second })
  t.equal(receive({ event_type: 'inventory.updated', data: first }), 'older')
  t.equal(onhand(), 2)
})

tap.test('never replaces a later read with an older delivery', async (t) => {
  const { clock, cache, receive, date, at, onhand } = start()
  const old = { id: 'i1', onhand: 1, trackstar_updated_date: date(0) }
  const undated = { id: 'i1', onhand: 3 }
  clock.advance(5000)
  cache.store('item', { id: 'i1', onhand: 2, trackstar_updated_date: date(-2) }, at(clock.now()))
  clock.advance(5000)
  receive({ event_type: 'inventory.updated', data: old })
  receive({ event_type: 'inventory.updated', data: undated })
  t.equal(onhand(), 2)
})

tap.test('is not overwritten by a read that began before it', async (t) => {
  const { clock, cache, receive, date, at, onhand } = start()
  const begunAt = clock.now()
  clock.advance(50)
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 2, trackstar_updated_date: date(2) } })
  clock.advance(50)
  const stale = { id: 'i1', onhand: 1, trackstar_updated_date: date(1) }
  cache.store('item', stale, at(begunAt, clock.now()))
  t.equal(onhand(), 2)
  cache.storeAbsence('item', 'i1', at(begunAt, clock.now()))
  t.equal(onhand(), 2, 'nor by one that did not find the record')
  cache.store('item', stale, at(clock.now()))
  t.equal(onhand(), 1, 'but by a later read')
})

tap.test('a new product ends the remembered absence of its SKU', async (t) => {
  const { clock, cache, receive, at } = start()
  cache.storeSku('A', [], at(clock.now()))
  t.match(cache.findProducts('A'), { value: undefined })
  receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } })
  t.equal(cache.findProducts('A'), undefined, 'not cached: it has to be read')
})

tap.test('invalidates a lookup by SKU that lacks the new product', async (t) => {
  const { clock, cache, receive, at } = start()
  cache.storeSku('A', [{ id: 'p1', sku: 'A' }], at(clock.now()))
  receive({ event_type: 'product.updated', data: { id: 'p1', sku: 'A', name: 'new' } })
  t.match(cache.findProducts('A'), { value: [{ id: 'p1', name: 'new' }] })
  receive({ event_type: 'product.created', data: { id: 'p2', sku: 'A' } })
  t.equal(cache.findProducts('A'), undefined)
})

tap.test('reads a truncated record and stores nothing of the delivery', async (t) => {
  const { cache, effects, receive } = start()
  t.equal(receive({ event_type: 'product.updated', data: { id: 'p1' }, data_truncated: true }), 'read_back')
  t.equal(receive({ event_type: 'inventory.updated', data: { id: 'i1' }, data_truncated: true }), 'read_back')
  t.strictSame(effects, [
    ['product', 'p1'],
    ['item', 'i1'],
  ])
  t.equal(cache.state.records.entries, 0)
})

tap.test('regression: a late delivery about a deleted record restored it', async (t) => {
  const { cache, effects, absent, receive } = start()
  absent.add('item i1').add('product p1')
  t.equal(receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 3 } }), 'read_back')
  t.equal(receive({ event_type: 'product.updated', data: { id: 'p1', sku: 'A' } }), 'read_back')
  t.strictSame(effects.splice(0), [
    ['item', 'i1'],
    ['product', 'p1'],
  ])
  t.equal(cache.state.records.entries, 0)
  receive({ event_type: 'inventory.created', data: { id: 'i1', onhand: 3 } })
  receive({ event_type: 'product.created', data: { id: 'p1', sku: 'A' } })
  t.strictSame(effects, [], 'a created record is stored')
  t.equal(cache.state.records.entries, 2)
})

tap.test('reads a record that changed in the same second as the cached one', async (t) => {
  const { clock, cache, effects, receive, date, at, onhand } = start()
  const same = { trackstar_updated_date: date(0) }
  cache.store('item', { id: 'i1', onhand: 2, ...same }, at(clock.now()))
  cache.store('product', { id: 'p1', name: 'two', ...same }, at(clock.now()))
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 1, ...same } })
  receive({ event_type: 'product.updated', data: { id: 'p1', name: 'one', ...same } })
  t.strictSame(effects.splice(0), [
    ['item', 'i1'],
    ['product', 'p1'],
  ])
  t.equal(onhand(), 2)
  t.equal(cache.peek('product', 'p1')?.value?.name, 'two')
  receive({ event_type: 'inventory.updated', data: { id: 'i1', onhand: 3, trackstar_updated_date: date(1) } })
  t.equal(onhand(), 3)
  t.strictSame(effects, [])
})

tap.test('passes warehouses to the warehouse list', async (t) => {
  const { effects, receive } = start()
  t.equal(receive({ event_type: 'warehouse.created', data: { id: 'wh' } }), 'applied')
  t.equal(receive({ event_type: 'warehouse.updated', data: { id: 'wh' } }), 'applied')
  t.strictSame(effects, [
    ['warehouse', 'wh'],
    ['warehouse', 'wh'],
  ])
})

tap.test('regression: a truncated delivery removed the name of a warehouse', async (t) => {
  const { effects, receive } = start()
  t.equal(receive({ event_type: 'warehouse.updated', data: { id: 'wh' }, data_truncated: true }), 'read_back')
  t.strictSame(effects, [['warehouses']])
})

tap.test('reads the sync status again after every event about the connection', async (t) => {
  const { effects, receive } = start()
  const events = ['connection.historical-sync-completed', 'connection.force-sync-completed', 'connection.deleted']
  const errors = ['connection-error.created', 'connection-error.updated', 'connection-error.deleted']
  for (const event_type of [...events, ...errors]) t.equal(receive({ event_type, data: {} }), 'read_back')
  t.equal(effects.length, 6)
})

tap.test('ignores other event types', async (t) => {
  const { cache, effects, receive } = start()
  for (const event_type of ['order.created', 'inventory.deleted', 'product', '', 'constructor.updated', '.']) {
    t.equal(receive({ event_type, data: { id: 'i1' } }), 'ignored', event_type)
  }
  t.strictSame(effects, [])
  t.equal(cache.state.records.entries, 0)
})

tap.test('changes nothing when data is not a valid record', async (t) => {
  const { clock, cache, effects, receive, at, onhand } = start()
  cache.store('item', { id: 'i1', onhand: 2 }, at(clock.now()))
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
  t.equal(cache.state.records.entries, 1)
  t.strictSame(effects, [])
})
