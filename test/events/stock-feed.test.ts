import tap from 'tap'
import type { StockEvent } from '../../src/events/event-log.js'
import { StockFeed } from '../../src/events/stock-feed.js'
import { item, kit, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const noPause = async () => {}

/** A feed with its events as text. */
function feedOf(view: ReturnType<typeof viewOf>) {
  const feed = new StockFeed(view, 'boot', () => 1_700_000_000_000)
  const events: { sku: string; previous_available: number | null; available: number; as_of: string }[] = []
  let ends = 0
  feed.log.subscribe({
    event: ({ frame }: StockEvent) => events.push(JSON.parse(frame.slice(frame.indexOf('{')))),
    end: () => ends++,
  })
  const published = () =>
    events.splice(0).map(({ sku, previous_available, available }) => [sku, previous_available, available])
  return { feed, events, published, ends: () => ends }
}

tap.test('publishes nothing while it fills the index', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const { feed, published } = feedOf(view)
  t.equal(feed.isLive, false)
  feed.update(['a'])
  await feed.start(noPause)
  t.equal(feed.isLive, true)
  t.equal(feed.index.size, 1)
  t.strictSame(published(), [])
})

tap.test('publishes each change with the time at which it was noticed', async (t) => {
  const view = viewOf([simple('a'), simple('b')], [item('a', { fulfillable: 5 }), item('b', { fulfillable: 1 })])
  const { feed, events, published } = feedOf(view)
  await feed.start(noPause)
  view.items.set('a', item('a', { fulfillable: 4 }))
  feed.update(['b', 'a', 'unheard of'])
  t.match(events, [{ sku: 'A', as_of: '2023-11-14T22:13:20.000Z' }])
  t.strictSame(published(), [['A', 5, 4]])
})

tap.test('publishes one change of a product that is named several times', async (t) => {
  const set = { ...kit(reference('a', 'A'), reference('b', 'B')), id: 'set', sku: 'SET' }
  const view = viewOf([simple('a'), set], [item('a', { fulfillable: 5 }), item('b', { fulfillable: 5 })])
  const { feed, published } = feedOf(view)
  await feed.start(noPause)
  view.items.set('a', item('a', { fulfillable: 4 }))
  view.items.set('b', item('b', { fulfillable: 3 }))
  feed.update(['set', 'a', 'set', 'a'])
  t.strictSame(published(), [
    ['SET', 5, 3],
    ['A', 5, 4],
  ])
})

tap.test('gives other work a turn while it fills a large index, and misses no change', async (t) => {
  const ids = ['p0', 'p1', 'p2']
  const view = viewOf(
    ids.map((id) => simple(id)),
    ids.map((id) => item(id, { fulfillable: 5 })),
  )
  const { feed, published } = feedOf(view)
  let pauses = 0
  await feed.start(async () => {
    pauses++
    view.items.set('p0', item('p0', { fulfillable: 5 - pauses }))
    feed.update(['p0'])
  }, 0)
  t.equal(pauses, 3)
  t.equal(feed.index.size, 3)
  t.strictSame(published(), [], 'the feed is not live yet')
  view.items.set('p0', item('p0', { fulfillable: 9 }))
  feed.update(['p0'])
  t.strictSame(published(), [['P0', 2, 9]])
})

tap.test('stays stopped', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const { feed, published, ends } = feedOf(view)
  await feed.start(noPause)
  feed.stop()
  t.equal(ends(), 1)
  t.equal(feed.isLive, false)
  view.items.set('a', item('a', { fulfillable: 4 }))
  feed.update(['a'])
  t.strictSame(published(), [])
})

tap.test('does not go live when stopped while filling the index', async (t) => {
  const ids = ['p0', 'p1']
  const view = viewOf(
    ids.map((id) => simple(id)),
    [],
  )
  const { feed } = feedOf(view)
  await feed.start(async () => feed.stop(), 0)
  t.equal(feed.isLive, false)
})

tap.test('publishes the loss first when a SKU passes to another product', async (t) => {
  const view = viewOf(
    [simple('old', { sku: 'CHAI', active: true }), simple('new', { sku: 'CHAI', active: false })],
    [item('old', { fulfillable: 3 }), item('new', { fulfillable: 21 })],
  )
  const { feed, published } = feedOf(view)
  await feed.start(noPause)
  view.products.set('new', simple('new', { sku: 'CHAI', active: true }))
  view.products.set('old', simple('old', { sku: 'CHAI', active: false }))
  feed.update(['new', 'old'])
  t.strictSame(published(), [
    ['CHAI', 3, 0],
    ['CHAI', null, 21],
  ])
  view.products.set('old', simple('old', { sku: 'OLD' }))
  feed.update(['old'])
  t.strictSame(published(), [['OLD', null, 3]])
})

tap.test('recomputes the remaining product when another with its SKU is deleted', async (t) => {
  const view = viewOf(
    [simple('old', { sku: 'CHAI', active: false }), simple('new', { sku: 'CHAI', active: true })],
    [item('old', { fulfillable: 3 }), item('new', { fulfillable: 21 })],
  )
  const { feed, published } = feedOf(view)
  await feed.start(noPause)
  view.products.delete('new')
  feed.update(['new'])
  t.strictSame(published(), [
    ['CHAI', 21, 0],
    ['CHAI', null, 3],
  ])
})

tap.test('regression: events said 0 when one of two active products with a SKU was deactivated', async (t) => {
  const one = (active: boolean) => simple('one', { sku: 'CHAI', active })
  const two = simple('two', { sku: 'CHAI', active: true })
  const view = viewOf([one(true), two], [item('one', { fulfillable: 3 }), item('two', { fulfillable: 21 })])
  const { feed, published } = feedOf(view)
  await feed.start(noPause)
  t.equal(feed.index.size, 0, 'the SKU is ambiguous')
  view.items.set('one', item('one', { fulfillable: 4 }))
  feed.update(['one'])
  t.strictSame(published(), [], 'it has no number')
  view.products.set('one', one(false))
  feed.update(['one'])
  t.strictSame(published(), [['CHAI', null, 21]])
  view.products.set('one', one(true))
  feed.update(['one'])
  t.strictSame(published(), [['CHAI', 21, 0]], 'ambiguous again')
  view.products.set('one', simple('one', { sku: 'ONE' }))
  feed.update(['one'])
  t.strictSame(published(), [
    ['ONE', null, 4],
    ['CHAI', null, 21],
  ])
  view.products.set('one', one(true))
  feed.update(['one'])
  published()
  view.products.delete('one')
  feed.update(['one'])
  t.strictSame(published(), [['CHAI', null, 21]], 'deleted while it was ambiguous')
})

tap.test("ends with the remaining product's stock when another merchant's product with its SKU goes", async (t) => {
  const of = (id: string, merchant: string) => simple(id, { sku: 'CHAI', warehouse_customer_id: merchant })
  const view = viewOf(
    [of('one', 'm1'), of('two', 'm2'), of('three', 'm3')],
    ['one', 'two', 'three'].map((id, n) => item(id, { fulfillable: n + 3 })),
  )
  const { feed, published } = feedOf(view)
  await feed.start(noPause)
  view.products.delete('three')
  feed.update(['three'])
  t.strictSame(published(), [['CHAI', 5, 0]], 'still ambiguous without a merchant')
  view.products.delete('two')
  view.items.set('one', item('one', { fulfillable: 9 }))
  feed.update(['one', 'two'])
  t.strictSame(published(), [
    ['CHAI', 4, 0],
    ['CHAI', 3, 9],
  ])
  view.products.set('two', of('two', 'm2'))
  feed.update(['two'])
  published()
  view.products.delete('two')
  feed.update(['two'])
  t.strictSame(published(), [
    ['CHAI', 4, 0],
    ['CHAI', 9, 9],
  ])
})
