import tap from 'tap'
import { createCacheMemory, RecordCache } from '../../src/cache/record-cache.js'
import { createWebhookReceiver } from '../../src/mirror/webhook-deliveries.js'
import type { Warehouse } from '../../src/records/warehouse.js'
import { TestClock } from '../harness.js'
import { policy, toUpstreamDate } from './mirror-harness.js'

function start({ isFollowed = true } = {}) {
  const clock = new TestClock()
  const cache = new RecordCache(createCacheMemory(1_000_000), policy, clock)
  const effects: unknown[] = []
  const refresh = (kind: 'product' | 'item', id: string) => effects.push([kind, id])
  cache.onUndecided(refresh)
  const receive = createWebhookReceiver({
    cache,
    warehouses: {
      store(warehouse: Warehouse) {
        effects.push(['warehouse', warehouse.id])
        return 'applied'
      },
      invalidate: async () => effects.push(['warehouses']),
    } as never,
    syncStatus: {
      invalidate: () => effects.push(['status']),
      noteStuck: (data: unknown) => effects.push(['stuck', data]),
      noteCompleted: (data: unknown) => effects.push(['completed', data]),
    } as never,
    clock,
    refresh,
    isFollowed: () => isFollowed,
  })
  /** A date this many seconds after the start. */
  const date = (seconds: number) => ({ trackstar_updated_date: toUpstreamDate(clock.now() + seconds * 1000) })
  const at = (begunAt: number, readAt = begunAt) => ({ begunAt, readAt })
  const itemOf = (fulfillable: number, seconds: number) => ({ id: 'i1', fulfillable, ...date(seconds) })
  const productOf = (name: string, seconds: number) => ({
    id: 'p1',
    sku: 'A',
    name,
    inventory_items: [],
    ...date(seconds),
  })
  const fulfillable = () => cache.peek('item', 'i1')?.value?.fulfillable
  const deliver = (event_type: string, data: unknown, rest = {}) => receive({ event_type, data, ...rest })
  return { clock, cache, effects, receive, deliver, date, at, itemOf, productOf, fulfillable }
}

tap.test('stores new records', async (t) => {
  const { clock, cache, effects, deliver, itemOf, productOf } = start()
  t.equal(deliver('product.created', productOf('new', 1)), 'applied')
  t.equal(deliver('inventory.created', itemOf(3, 1)), 'applied')
  t.match(cache.find('product', 'p1'), { value: { sku: 'A' }, readAt: clock.elapsed() })
  t.match(cache.find('item', 'i1'), { value: { fulfillable: 3 }, readAt: clock.elapsed() })
  t.strictSame(effects, [])
})

tap.test('keeps the newer of two deliveries, in whatever order they arrive', async (t) => {
  const { deliver, itemOf, fulfillable, effects } = start()
  deliver('inventory.created', itemOf(2, 2))
  t.equal(deliver('inventory.updated', itemOf(1, 1)), 'older')
  t.equal(fulfillable(), 2)
  t.equal(deliver('inventory.updated', itemOf(2, 2)), 'older')
  t.strictSame(effects, [], 'a repeated delivery costs nothing')
})

tap.test('never replaces a later read with an older delivery', async (t) => {
  const { clock, cache, deliver, itemOf, at, fulfillable } = start()
  const old = itemOf(1, 0)
  clock.advance(5000)
  cache.store('item', itemOf(2, -2), at(clock.elapsed()))
  clock.advance(5000)
  deliver('inventory.updated', old)
  t.equal(fulfillable(), 2)
})

tap.test('is not overwritten by a read that began before it', async (t) => {
  for (const isFollowed of [true, false]) {
    const { clock, cache, deliver, itemOf, at, fulfillable } = start({ isFollowed })
    const stale = itemOf(1, 1)
    const begunAt = clock.elapsed()
    clock.advance(50)
    deliver('inventory.created', itemOf(2, 2))
    clock.advance(50)
    cache.store('item', stale, at(begunAt, clock.elapsed()))
    t.equal(fulfillable(), 2)
    cache.storeAbsence('item', 'i1', at(begunAt, clock.elapsed()))
    t.equal(fulfillable(), 2, 'nor by one that did not find the record')
    cache.store('item', stale, at(clock.elapsed()))
    t.equal(fulfillable(), 1, 'but by a later read')
  }
})

tap.test('a new product ends the remembered absence of its SKU', async (t) => {
  for (const isFollowed of [true, false]) {
    for (const seconds of [1, -3600]) {
      const { clock, cache, deliver, productOf, at } = start({ isFollowed })
      cache.storeSku('A', [], at(clock.elapsed()))
      t.match(cache.findProducts('A'), { value: undefined })
      deliver('product.created', productOf('new', seconds))
      const isRead = isFollowed && seconds < 0
      if (!isRead) t.equal(cache.findProducts('A'), undefined, 'not cached: it has to be read')
    }
  }
})

tap.test('invalidates a lookup by SKU that lacks the new product', async (t) => {
  const { clock, cache, deliver, productOf, at } = start({ isFollowed: false })
  cache.storeSku('A', [productOf('old', 0)], at(clock.elapsed()))
  deliver('product.updated', productOf('new', 1))
  t.match(cache.findProducts('A'), { value: [{ id: 'p1', name: 'new' }] })
  deliver('product.created', { ...productOf('other', 1), id: 'p2' })
  t.equal(cache.findProducts('A'), undefined)
})

tap.test('reads a truncated record and stores nothing of the delivery', async (t) => {
  for (const isFollowed of [true, false]) {
    const { cache, effects, deliver } = start({ isFollowed })
    t.equal(deliver('product.updated', { id: 'p1' }, { data_truncated: true }), 'read_back')
    t.equal(deliver('inventory.updated', { id: 'i1' }, { data_truncated: true }), 'read_back')
    t.strictSame(effects, [
      ['product', 'p1'],
      ['item', 'i1'],
    ])
    t.equal(cache.state.records.entries, 0)
  }
})

tap.test('regression: a part of a record replaced the whole record', async (t) => {
  for (const isFollowed of [true, false]) {
    const { clock, cache, effects, deliver, itemOf, productOf, date, at, fulfillable } = start({ isFollowed })
    cache.store('item', { ...itemOf(5, 0), sku: 'A' }, at(clock.elapsed()))
    cache.store('product', productOf('whole', 0), at(clock.elapsed()))
    const parts = [{ id: 'i1', ...date(1) }, { id: 'i1', onhand: 4, ...date(1) }, itemOf(4, 1), { id: 'i1' }]
    for (const part of parts) {
      t.equal(deliver('inventory.updated', part), 'read_back')
      t.strictSame(effects.splice(0), [['item', 'i1']], JSON.stringify(part))
    }
    t.equal(fulfillable(), 5)
    for (const part of [
      { id: 'p1', ...date(1) },
      { id: 'p1', sku: 'A', name: 'part', ...date(1) },
    ]) {
      deliver('product.updated', part)
      t.strictSame(effects.splice(0), [['product', 'p1']], JSON.stringify(part))
    }
    t.equal(cache.peek('product', 'p1')?.value?.name, 'whole')
    deliver('inventory.updated', { id: 'i1', ...date(-1) })
    t.strictSame(effects, [], 'an older part is ignored')
    deliver('inventory.created', { id: 'i2', ...date(1) })
    t.strictSame(effects, [['item', 'i2']], 'as is a part of a record that is not cached')
    t.equal(cache.peek('item', 'i2'), undefined)
  }
})

tap.test('regression: a late delivery about a deleted record restored it', async (t) => {
  const { clock, cache, effects, deliver, itemOf, productOf, at } = start()
  cache.store('item', itemOf(3, 1), at(clock.elapsed()))
  cache.store('product', productOf('deleted', 1), at(clock.elapsed()))
  clock.advance(10_000)
  cache.storeAbsence('item', 'i1', at(clock.elapsed()))
  cache.remove('product', 'p1')
  for (const verb of ['created', 'updated']) {
    t.equal(deliver(`inventory.${verb}`, itemOf(3, 1)), 'read_back')
    t.equal(deliver(`product.${verb}`, productOf('deleted', 1)), 'read_back')
    const reads = [
      ['item', 'i1'],
      ['product', 'p1'],
    ]
    t.strictSame(effects.splice(0), reads)
    t.equal(cache.state.records.entries, 0)
    // The remembered absence has expired, but Svix still retries.
    clock.advance(10 * 3600_000)
  }
})

tap.test('regression: a late delivery restored a record that was deleted before this run', async (t) => {
  const { cache, effects, deliver, itemOf, date } = start()
  deliver('inventory.created', itemOf(3, -60))
  deliver('inventory.created', { id: 'i2', fulfillable: 3 })
  deliver('inventory.updated', { id: 'i3', fulfillable: 3, ...date(1) })
  t.strictSame(effects, [
    ['item', 'i1'],
    ['item', 'i2'],
    ['item', 'i3'],
  ])
  t.equal(cache.state.records.entries, 0)
})

tap.test('on demand, a record that is not cached is read by the next request, not by the delivery', async (t) => {
  const { clock, cache, effects, deliver, itemOf, at } = start({ isFollowed: false })
  for (const verb of ['created', 'updated']) {
    for (const seconds of [1, -3600]) {
      cache.storeAbsence('item', 'i1', at(clock.elapsed()))
      t.match(cache.find('item', 'i1'), { value: undefined })
      deliver(`inventory.${verb}`, itemOf(3, seconds))
      t.equal(cache.find('item', 'i1'), undefined)
      cache.remove('item', 'i1')
    }
  }
  t.strictSame(effects, [])
})

tap.test('reads a record if the dates do not tell whether the delivery is newer', async (t) => {
  const { clock, cache, effects, deliver, itemOf, productOf, at, fulfillable } = start()
  cache.store('item', itemOf(2, 0), at(clock.elapsed()))
  cache.store('product', productOf('two', 0), at(clock.elapsed()))
  const undecided = [itemOf(1, 0), { id: 'i1', fulfillable: 1, trackstar_updated_date: null }]
  for (const delivered of [...undecided, { id: 'i1', fulfillable: 1, trackstar_updated_date: 'soon' }]) {
    deliver('inventory.updated', delivered)
    t.strictSame(effects.splice(0), [['item', 'i1']], JSON.stringify(delivered))
  }
  deliver('product.updated', productOf('one', 0))
  t.strictSame(effects.splice(0), [['product', 'p1']])
  t.equal(fulfillable(), 2)
  t.equal(cache.peek('product', 'p1')?.value?.name, 'two')
  deliver('inventory.updated', itemOf(3, 1))
  t.equal(fulfillable(), 3)
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
  const jobs = ['sync-job-completed', 'sync-job-stuck', 'connection.schedule-stuck']
  for (const event_type of [...events, ...errors, ...jobs]) t.equal(receive({ event_type, data: {} }), 'read_back')
  const [completed, status, stuck] = [['completed', {}], ['status'], ['stuck', {}]]
  t.strictSame(effects, [completed, completed, status, status, status, status, completed, status, stuck])
})

tap.test('reads a record that has a data_url, with or without data_truncated', async (t) => {
  for (const isFollowed of [true, false]) {
    const { cache, effects, deliver, productOf, itemOf } = start({ isFollowed })
    const data_url = 'https://trackstar.example/blobs/1'
    deliver('product.created', productOf('whole', 9), { data_url })
    deliver('inventory.updated', { ...itemOf(3, 9), data_url })
    deliver('inventory.updated', { id: 'i2' }, { data_url, data_truncated: null })
    t.equal(deliver('warehouse.updated', { id: 'wh', name: 'Oslo' }, { data_url }), 'read_back')
    t.equal(deliver('inventory.updated', null, { data_url }), 'malformed')
    t.strictSame(effects, [['product', 'p1'], ['item', 'i1'], ['item', 'i2'], ['warehouses']])
    t.equal(cache.state.records.entries, 0)
  }
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
  const { clock, cache, effects, receive, itemOf, at, fulfillable } = start()
  cache.store('item', itemOf(2, 0), at(clock.elapsed()))
  for (const data of [undefined, null, 'i1', [], {}, { id: '' }]) {
    for (const event_type of ['inventory.updated', 'product.created', 'warehouse.updated']) {
      t.equal(receive({ event_type, data }), 'malformed', `${event_type} ${JSON.stringify(data)}`)
    }
    t.equal(receive({ event_type: 'product.updated', data, data_truncated: true }), 'malformed')
  }
  t.equal(fulfillable(), 2)
  t.equal(cache.state.records.entries, 1)
  t.strictSame(effects, [])
})

tap.test(
  'regression: a delivery of a record that is nested too deeply was rejected, and the change lost',
  async (t) => {
    const { clock, cache, effects, receive, itemOf, at, fulfillable } = start()
    cache.store('item', itemOf(2, 0), at(clock.elapsed()))
    const deep = JSON.parse('['.repeat(500) + ']'.repeat(500))
    t.equal(
      receive({ event_type: 'inventory.updated', data: { ...itemOf(7, 5), additional_fields: deep } }),
      'read_back',
    )
    t.equal(receive({ event_type: 'warehouse.updated', data: { id: 'wh', address: deep } }), 'read_back')
    t.strictSame(effects, [['item', 'i1'], ['warehouses']])
    t.equal(fulfillable(), 2)
  },
)
