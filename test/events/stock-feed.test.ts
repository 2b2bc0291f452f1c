import tap from 'tap'
import type { StockEvent } from '../../src/events/event-log.js'
import { StockFeed } from '../../src/events/stock-feed.js'
import { item, kit, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const noRest = async () => {}

/** A feed whose events can be read. */
function feedOf(view: ReturnType<typeof viewOf>) {
  const feed = new StockFeed(view, 'boot', () => 1_700_000_000_000)
  const events: { sku: string; previous_available: number | null; available: number; as_of: string }[] = []
  let ends = 0
  feed.log.subscribe({
    event: ({ frame }: StockEvent) => events.push(JSON.parse(frame.slice(frame.indexOf('{')))),
    end: () => ends++,
  })
  const told = () =>
    events.splice(0).map(({ sku, previous_available, available }) => [sku, previous_available, available])
  return { feed, events, told, ends: () => ends }
}

tap.test('tells nothing of what it finds at its start', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const { feed, told } = feedOf(view)
  t.equal(feed.isLive, false)
  feed.update(['a'])
  await feed.start(noRest)
  t.equal(feed.isLive, true)
  t.equal(feed.index.size, 1)
  t.strictSame(told(), [])
})

tap.test('tells of what changes, and when that was noticed', async (t) => {
  const view = viewOf([simple('a'), simple('b')], [item('a', { fulfillable: 5 }), item('b', { fulfillable: 1 })])
  const { feed, events, told } = feedOf(view)
  await feed.start(noRest)
  view.items.set('a', item('a', { fulfillable: 4 }))
  feed.update(['b', 'a', 'unheard of'])
  t.match(events, [{ sku: 'A', as_of: '2023-11-14T22:13:20.000Z' }])
  t.strictSame(told(), [['A', 5, 4]])
})

tap.test('tells of a product once, however often it is named', async (t) => {
  const set = { ...kit(reference('a', 'A'), reference('b', 'B')), id: 'set', sku: 'SET' }
  const view = viewOf([simple('a'), set], [item('a', { fulfillable: 5 }), item('b', { fulfillable: 5 })])
  const { feed, told } = feedOf(view)
  await feed.start(noRest)
  view.items.set('a', item('a', { fulfillable: 4 }))
  view.items.set('b', item('b', { fulfillable: 3 }))
  feed.update(['set', 'a', 'set', 'a'])
  t.strictSame(told(), [
    ['SET', 5, 3],
    ['A', 5, 4],
  ])
})

tap.test('rests while it counts a large catalog, and misses nothing of what changes meanwhile', async (t) => {
  const ids = Array.from({ length: 1200 }, (_, n) => `p${n}`)
  const view = viewOf(
    ids.map((id) => simple(id)),
    ids.map((id) => item(id, { fulfillable: 5 })),
  )
  const { feed, told } = feedOf(view)
  let rests = 0
  await feed.start(async () => {
    rests++
    view.items.set('p0', item('p0', { fulfillable: 5 - rests }))
    feed.update(['p0'])
  })
  t.equal(rests, 2)
  t.equal(feed.index.size, 1200)
  t.strictSame(told(), [], 'nobody reads yet')
  view.items.set('p0', item('p0', { fulfillable: 9 }))
  feed.update(['p0'])
  t.strictSame(told(), [['P0', 3, 9]])
})

tap.test('ends for good', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const { feed, told, ends } = feedOf(view)
  await feed.start(noRest)
  feed.stop()
  t.equal(ends(), 1)
  t.equal(feed.isLive, false)
  view.items.set('a', item('a', { fulfillable: 4 }))
  feed.update(['a'])
  t.strictSame(told(), [])
})

tap.test('is not live again when it is stopped while it still counts', async (t) => {
  const ids = Array.from({ length: 600 }, (_, n) => `p${n}`)
  const view = viewOf(
    ids.map((id) => simple(id)),
    [],
  )
  const { feed } = feedOf(view)
  await feed.start(async () => feed.stop())
  t.equal(feed.isLive, false)
})

tap.test('tells the loss first where one product takes over the SKU of another', async (t) => {
  const view = viewOf(
    [simple('old', { sku: 'CHAI', active: true }), simple('new', { sku: 'CHAI', active: false })],
    [item('old', { fulfillable: 3 }), item('new', { fulfillable: 21 })],
  )
  const { feed, told } = feedOf(view)
  await feed.start(noRest)
  view.products.set('new', simple('new', { sku: 'CHAI', active: true }))
  view.products.set('old', simple('old', { sku: 'CHAI', active: false }))
  feed.update(['new', 'old'])
  t.strictSame(told(), [
    ['CHAI', 3, 0],
    ['CHAI', null, 21],
  ])
  view.products.set('old', simple('old', { sku: 'OLD' }))
  feed.update(['old'])
  t.strictSame(told(), [['OLD', null, 3]])
})

tap.test('looks again at the product that is left when its rival goes', async (t) => {
  const view = viewOf(
    [simple('old', { sku: 'CHAI', active: false }), simple('new', { sku: 'CHAI', active: true })],
    [item('old', { fulfillable: 3 }), item('new', { fulfillable: 21 })],
  )
  const { feed, told } = feedOf(view)
  await feed.start(noRest)
  view.products.delete('new')
  feed.update(['new'])
  t.strictSame(told(), [
    ['CHAI', 21, 0],
    ['CHAI', null, 3],
  ])
})
