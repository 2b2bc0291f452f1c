import tap from 'tap'
import type { StockEvent } from '../../src/events/event-log.js'
import { StockFeed, type StockFeedOptions } from '../../src/events/stock-feed.js'
import { item, kit, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const noPause = async () => {}

/** A feed with its events as text. */
function feedOf(view: ReturnType<typeof viewOf>, options: StockFeedOptions = {}) {
  const feed = new StockFeed(view, 'boot', () => 1_700_000_000_000, { maxTurnMs: Number.POSITIVE_INFINITY, ...options })
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

tap.test(
  'regression: a SKU that was shared from the beginning lost a product, and no event had its stock',
  async (t) => {
    const shared = (id: string, merchant: string) => simple(id, { sku: 'S', warehouse_customer_id: merchant })
    const view = viewOf([shared('a', 'm1'), shared('b', 'm2')], [item('a', { fulfillable: 5 }), item('b')])
    const { feed, published } = feedOf(view)
    await feed.start(noPause)
    view.products.delete('a')
    feed.update(['a'])
    t.strictSame(published(), [
      ['S', 5, 0],
      ['S', 0, 0],
    ])
  },
)

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

tap.test(
  "ends with the remaining product's stock when another merchant's product with its SKU is deleted",
  async (t) => {
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
  },
)

/** Turns of the event loop that a test ends one by one. */
function turns() {
  const waiting: (() => void)[] = []
  return {
    waiting,
    options: { maxTurnMs: 0, nextTurn: () => new Promise<void>((resolve) => waiting.push(resolve)) },
    async end() {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

/** Products that all use one item, besides one of their own. */
const packed = (count: number) => {
  const ids = Array.from({ length: count }, (_, n) => `p${n}`)
  const products = ids.map((id) => ({ ...kit(reference(id, id), reference('box', 'BOX')), id, sku: id.toUpperCase() }))
  const view = viewOf(products, [item('box', { fulfillable: 9 }), ...ids.map((id) => item(id, { fulfillable: 50 }))])
  return { ids, view }
}

tap.test('lets other work run between the products that use a changed item, and misses none', async (t) => {
  const { ids, view } = packed(4)
  const { options, waiting, end } = turns()
  const { feed, published } = feedOf(view, options)
  await feed.start(noPause)
  view.items.set('box', item('box', { fulfillable: 8 }))
  feed.update([], ['box', 'box', 'unheard of'])
  t.strictSame(published(), [['P0', 9, 8]], 'the first at once')
  await end()
  t.strictSame(published(), [['P1', 9, 8]])
  view.items.set('box', item('box', { fulfillable: 7 }))
  view.items.set('p3', item('p3', { fulfillable: 1 }))
  feed.update([], ['box'])
  feed.update([], ['p3'])
  t.equal(waiting.length, 1, 'all updates share the turns')
  while (waiting.length > 0) await end()
  t.strictSame(published().toSorted(), [
    ['P0', 8, 7],
    ['P1', 8, 7],
    ['P2', 9, 7],
    ['P3', 9, 1],
  ])
  t.strictSame(
    ids.map((id) => feed.index.get(id)?.available),
    [7, 7, 7, 1],
  )
})

tap.test('a single change does not wait for all products of another one', async (t) => {
  const { view } = packed(100)
  const { options, waiting, end } = turns()
  const { feed, published } = feedOf(view, options)
  await feed.start(noPause)
  view.items.set('box', item('box', { fulfillable: 8 }))
  feed.update([], ['box'])
  published()
  view.items.set('p99', item('p99', { fulfillable: 2 }))
  feed.update([], ['p99'])
  for (let turn = 0; turn < 2; turn++) await end()
  t.ok(published().some(([sku, , available]) => sku === 'P99' && available === 2))
  feed.stop()
  await end()
  t.strictSame([published(), waiting.length], [[], 0], 'no work continues after a stop')
})

tap.test('a SKU that passes to another product during a long update ends with the new stock', async (t) => {
  const { view } = packed(3)
  const { options, waiting, end } = turns()
  const { feed, published } = feedOf(view, options)
  await feed.start(noPause)
  view.items.set('box', item('box', { fulfillable: 8 }))
  feed.update([], ['box'])
  published()
  const [from, to] = [view.products.get('p2'), view.products.get('p1')]
  view.products.set('p2', { ...from, id: 'p2', sku: 'OTHER' })
  view.products.set('p1', { ...to, id: 'p1', sku: 'P2' })
  feed.update(['p1', 'p2'])
  while (waiting.length > 0) await end()
  t.strictSame(published(), [
    ['P1', 9, 0],
    ['P2', 9, 0],
    ['P2', null, 8],
    ['OTHER', null, 8],
  ])
})

tap.test('continues with the other products if one cannot be computed', async (t) => {
  const { view } = packed(3)
  const errors: unknown[] = []
  const { feed, published } = feedOf(view, { onError: (error) => errors.push(error) })
  await feed.start(noPause)
  view.items.set('box', item('box', { fulfillable: 8 }))
  const { product } = view
  view.product = (id) => {
    if (id === 'p1') throw new Error('no such luck')
    return product(id)
  }
  feed.update([], ['box'])
  t.match(errors, [{ message: 'no such luck' }])
  t.strictSame(
    published().map(([sku]) => sku),
    ['P0', 'P2'],
  )
})
