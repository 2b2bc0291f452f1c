import tap from 'tap'
import { problem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { settle } from '../harness.js'
import { type ListCall, mirrorStage, written } from './mirror-harness.js'

const product = (n: number, fields: Partial<Product> = {}): Product => ({
  id: `p${n}`,
  sku: `SKU-${n}`,
  inventory_items: [{ inventory_item_id: `i${n}` }],
  ...fields,
})
const item = (n: number, fields: Partial<InventoryItem> = {}): InventoryItem => ({ id: `i${n}`, onhand: n, ...fields })
const unavailable = () => problem('upstream_unavailable', 'gone')

/** A stage with this many products, one item each, and the mirror live if wanted. */
function stocked(size: number, options: Parameters<typeof mirrorStage>[0] = {}) {
  const stage = mirrorStage(options)
  stage.upstream.products = Array.from({ length: size }, (_, n) => product(n))
  stage.upstream.inventory = Array.from({ length: size }, (_, n) => item(n))
  return stage
}
const minuteMs = 60_000

tap.test('loads both lists page by page behind every caller, and is live then', async (t) => {
  const { upstream, mirror, target, states, told, clock, touched } = stocked(3)
  t.match(mirror.progress, { state: 'loading', pages: 0, pagesLeft: null, syncedAt: undefined, doubtful: [] })
  void mirror.run()
  await settle()
  for (const { errand, filters } of upstream.calls) {
    t.match(errand, { cause: 'mirror', permitRequest: { priority: 'mirror', caller: 'mirror' } })
    t.equal(errand.permitRequest.deadline(), Number.POSITIVE_INFINITY)
    t.equal(filters.limit, '1000')
  }
  const calls = upstream.taken()
  t.strictSame(calls.slice(0, 4).sort(), ['inventory', 'inventory @2', 'products', 'products @2'])
  t.strictSame(calls.slice(4), ['products changes', 'inventory changes'], 'for what came meanwhile')
  t.strictSame(states, ['live'])
  t.ok(target.isWhole)
  t.match(target.findProducts('SKU-2'), { value: [{ id: 'p2' }] })
  t.match(target.findItem('i2'), { value: { onhand: 2 } })
  t.strictSame(mirror.progress, { state: 'live', pages: 6, pagesLeft: 0, syncedAt: clock.now(), doubtful: [] })
  t.match(told.at(-1), { fields: { products: 3, inventory: 3, pages: 6 }, text: 'the catalog is mirrored' })
  t.strictSame(touched, [], 'a load is no change')
  mirror.stop()
})

tap.test('says in the log how far a long load is', async (t) => {
  const { mirror, told } = stocked(50)
  void mirror.run()
  await settle()
  const lines = told.filter(({ text }) => text === 'mirroring')
  t.equal(lines.length, 2, 'every twenty pages')
  t.match(lines[0]?.fields, { pages: 20, products: Number, inventory: Number })
  mirror.stop()
})

tap.test('goes on where it was when upstream is down in mid-load and comes back', async (t) => {
  const { upstream, mirror, states, warned, waits, pass } = stocked(5)
  const isDown = ({ filters }: ListCall) => filters.page_token === '2'
  upstream.before = (call) => (isDown(call) ? Promise.reject(unavailable()) : undefined)
  void mirror.run()
  await settle()
  t.match(mirror.progress, { state: 'loading', pages: 2 })
  t.equal(waits.length, 2, 'each list waits for itself')
  t.strictSame([await pass(), await pass(), await pass(), await pass()], [1000, 1000, 2000, 2000])
  t.equal(warned.length, 6)
  upstream.before = () => {}
  upstream.taken()
  await pass()
  await pass()
  const calls = upstream.taken()
  t.strictSame(calls.slice(0, 4).sort(), ['inventory @2', 'inventory @4', 'products @2', 'products @4'])
  t.strictSame(states, ['live'])
  mirror.stop()
})

tap.test('begins only that list anew whose page token upstream refuses', async (t) => {
  const { upstream, mirror, pass } = stocked(3)
  let refusals = 1
  upstream.before = ({ resource, filters }) =>
    resource === 'products' && filters.page_token && refusals-- > 0
      ? Promise.reject(problem('upstream_rejected', 'page_token: has expired'))
      : undefined
  void mirror.run()
  await pass()
  t.strictSame(
    upstream.taken().filter((call) => call.startsWith('products')),
    ['products', 'products @2', 'products', 'products @2', 'products changes'],
  )
  t.equal(mirror.progress.pages, 7)
  t.equal(mirror.progress.state, 'live')
  mirror.stop()
})

tap.test('regression: a token that leads to itself was followed for ever', async (t) => {
  const { upstream, mirror, states, warned, waits } = stocked(3)
  upstream.before = ({ resource, filters }) =>
    resource === 'inventory' && filters.page_token
      ? { records: [], malformed: [], nextToken: filters.page_token, date: 0 }
      : undefined
  void mirror.run()
  await settle()
  t.strictSame(warned, ['could not read a page of the catalog; trying it again'])
  t.equal(waits.length, 1)
  t.strictSame(states, [])
  mirror.stop()
  await settle()
})

tap.test('reads what has changed by upstream’s own clock, with an overlap, in two calls a round', async (t) => {
  const { upstream, clock, target, mirror, touched, pass, live } = stocked(3)
  upstream.aheadMs = 5000
  await live()
  const loadedAt = clock.now()
  upstream.inventory = [
    item(0),
    item(1, { onhand: 77, trackstar_updated_date: written(clock.now() + 30_000) }),
    item(2),
  ]
  t.equal(await pass(), 30_000)
  const [first] = upstream.calls
  t.equal(first?.filters['trackstar_updated_date[gte]'], written(loadedAt + 5000 - 60_000))
  t.equal(first?.filters.limit, '1000')
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes'])
  t.match(target.findItem('i1'), { value: { onhand: 77 } })
  t.strictSame(touched, [['p1']])
  t.equal(mirror.progress.syncedAt, clock.now())
  await pass()
  t.equal(upstream.calls[0]?.filters['trackstar_updated_date[gte]'], written(loadedAt + 30_000 + 5000 - 60_000))
  mirror.stop()
})

tap.test('goes by its own clock where upstream does not say what time it is', async (t) => {
  const { upstream, clock, mirror, pass, live } = stocked(1)
  upstream.aheadMs = undefined
  await live()
  const loadedAt = clock.now()
  await pass()
  t.equal(upstream.calls[0]?.filters['trackstar_updated_date[gte]'], written(loadedAt - 60_000))
  mirror.stop()
})

tap.test('confirms all records with each round, so that none grows stale', async (t) => {
  const { clock, target, pass, live, mirror } = stocked(2)
  await live()
  for (let round = 0; round < 10; round++) {
    await pass()
    const held = target.findItem('i0')
    t.equal(held.readAt, clock.now())
    t.equal(held.freshUntil, clock.now() + 60_000)
    t.equal(target.findProducts('none').readAt, clock.now())
  }
  mirror.stop()
})

tap.test('repeats a round that failed half-way, from its beginning, and confirms nothing for it', async (t) => {
  const { upstream, clock, target, mirror, warned, pass, live } = stocked(5)
  await live()
  const loadedAt = clock.now()
  const date = written(loadedAt)
  upstream.products = upstream.products.map((record) => ({ ...record, trackstar_updated_date: date }))
  upstream.before = ({ filters }) => (filters.page_token === '4' ? Promise.reject(unavailable()) : undefined)
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'products changes @2', 'products changes @4'])
  t.strictSame(warned, ['could not follow Trackstar; trying again with the next interval'])
  t.equal(mirror.progress.syncedAt, loadedAt)
  t.equal(target.findItem('i0').readAt, loadedAt)
  upstream.before = () => {}
  t.equal(await pass(), 30_000)
  const since = upstream.calls.map(({ filters }) => filters['trackstar_updated_date[gte]'])
  t.strictSame(new Set(since), new Set([written(loadedAt - 60_000)]), 'the filter goes with every page')
  t.strictSame(upstream.taken(), [
    'products changes',
    'products changes @2',
    'products changes @4',
    'inventory changes',
  ])
  t.equal(mirror.progress.syncedAt, clock.now())
  mirror.stop()
})

tap.test('is not believed after too long without a word, and is again with the next round', async (t) => {
  const { clock, upstream, target, mirror, pass, live } = stocked(1)
  await live()
  const loadedAt = clock.now()
  upstream.before = () => Promise.reject(unavailable())
  while (clock.now() + 30_000 < loadedAt + 1_060_000) await pass()
  t.ok(target.isWhole)
  await pass()
  t.notOk(target.isWhole)
  t.equal(mirror.progress.state, 'live')
  upstream.before = () => {}
  await pass()
  t.ok(target.isWhole)
  mirror.stop()
})

tap.test('takes out what is gone when it compares, and tells that its stock has changed', async (t) => {
  const { upstream, clock, target, mirror, told, touched, pass, live } = stocked(5, { fullCompareMs: 60_000 })
  await live()
  upstream.products.splice(1, 1)
  upstream.inventory.splice(2, 1)
  await pass()
  t.match(target.findProducts('SKU-1').value, [{ id: 'p1' }], 'upstream announces no deletion')
  t.strictSame(touched, [])
  upstream.taken()
  await pass()
  t.strictSame(upstream.taken(), [
    'products changes',
    'inventory changes',
    'products',
    'products @2',
    'products p1',
    'inventory',
    'inventory @2',
    'inventory i2',
  ])
  t.strictSame([target.count('products'), target.count('inventory')], [4, 4])
  t.strictSame(target.findProducts('SKU-1').value, undefined)
  t.strictSame(target.findItem('i2').value, undefined)
  t.strictSame([...new Set(touched.flat())].sort(), ['p0', 'p1', 'p2', 'p3', 'p4'])
  t.equal(told.filter(({ text }) => text === 'records are gone upstream').length, 2)
  t.strictSame(mirror.progress, { state: 'live', pages: 18, pagesLeft: 0, syncedAt: clock.now(), doubtful: [] })
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes'], 'and not again before its time')
  mirror.stop()
})

tap.test('does not take for gone what came while it compared', async (t) => {
  const { upstream, clock, holdings, target, mirror, pass, live } = stocked(4, { fullCompareMs: 30_000 })
  await live()
  upstream.before = ({ resource, filters }) => {
    if (resource !== 'products' || filters.page_token !== '2') return
    clock.advance(5)
    const times = { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.now() }
    holdings.keep('product', product(9), times)
    holdings.keep('item', item(9), times)
  }
  await pass()
  t.match(target.findProducts('SKU-9').value, [{ id: 'p9' }])
  t.match(target.findItem('i9').value, { id: 'i9' })
  mirror.stop()
})

tap.test('does not take for gone what is malformed', async (t) => {
  const { upstream, target, mirror, malformed, pass, live } = stocked(4, { fullCompareMs: 30_000 })
  await live()
  upstream.products.splice(3, 1)
  const fault = { path: '/data/3/name', message: 'must be string' }
  upstream.malformed = [
    { ...fault, id: 'p3', sku: 'SKU-3' },
    { ...fault, id: undefined, sku: undefined },
  ]
  await pass()
  t.match(target.product('p3'), { id: 'p3' })
  t.ok(malformed.includes('products /data/3/name'), 'it is told, though')
  mirror.stop()
})

tap.test('regression: a record that the walk missed for another’s deletion was taken out', async (t) => {
  const { upstream, target, mirror, pass, live } = stocked(5, { fullCompareMs: 30_000 })
  await live()
  // Paged by position: what follows moves up by one, over the end of the page that has been read already.
  upstream.before = ({ resource, filters }) => {
    if (resource === 'products' && filters.page_token === '2') upstream.products.shift()
  }
  await pass()
  t.ok(upstream.taken().includes('products p2'), 'it is asked for by its id')
  t.match(target.product('p2'), { id: 'p2' })
  t.match(target.product('p0'), { id: 'p0' }, 'what went while it compared is for the next time')
  upstream.before = () => {}
  await pass()
  t.equal(target.product('p0'), undefined)
  mirror.stop()
})

tap.test('believes a list that has lost most of its records only when it says so again, 5 minutes later', async (t) => {
  const { upstream, clock, target, mirror, warned, pass, passFor, live } = stocked(4)
  await live()
  const lost = upstream.inventory.splice(1, 3)
  await passFor(10 * minuteMs)
  t.strictSame(warned, ['most records are missing upstream; not believed until it says so twice'])
  t.strictSame(mirror.progress.doubtful, ['inventory'])
  t.equal(target.count('inventory'), 4)
  upstream.inventory.push(...lost)
  await passFor(5 * minuteMs)
  t.strictSame(mirror.progress.doubtful, [], 'it was nothing')
  t.equal(warned.length, 1)
  upstream.inventory.splice(1, 3)
  await passFor(60 * minuteMs)
  t.equal(warned.length, 2)
  t.equal(target.count('inventory'), 4)
  await passFor(5 * minuteMs - 30_000)
  t.equal(target.count('inventory'), 4)
  upstream.taken()
  await pass()
  t.equal(target.count('inventory'), 1)
  t.notOk(upstream.taken().includes('inventory i1,i2,i3'), 'nor is each asked for')
  t.strictSame(mirror.progress, { ...mirror.progress, state: 'live', doubtful: [], syncedAt: clock.now() })
  mirror.stop()
})

tap.test('compares first 10 minutes after the load, and then at its interval', async (t) => {
  const { upstream, mirror, passFor, live } = stocked(1)
  await live()
  await passFor(10 * minuteMs - 30_000)
  t.notOk(upstream.taken().includes('products'))
  await passFor(30_000)
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes', 'products', 'inventory'])
  await passFor(60 * minuteMs - 30_000)
  t.notOk(upstream.taken().includes('products'))
  await passFor(30_000)
  t.ok(upstream.taken().includes('products'))
  mirror.stop()
})

tap.test('regression: what came during the first load was unknown for a round after it', async (t) => {
  const { upstream, clock, target, mirror, states } = stocked(3)
  upstream.before = ({ resource, filters }) => {
    if (resource !== 'products' || filters.page_token !== '2') return
    // Before the page that has been read already: the walk does not see it.
    const date = { trackstar_updated_date: written(clock.now()) }
    upstream.products.unshift(product(9, date))
    upstream.inventory.unshift(item(9, date))
  }
  const known: unknown[] = []
  states.push = (state) => known.push([state, target.product('p9')?.id, target.item('i9')?.id])
  void mirror.run()
  await settle()
  t.strictSame(known, [['live', 'p9', 'i9']])
  t.match(target.findProducts('SKU-9').value, [{ id: 'p9' }])
  mirror.stop()
})

tap.test('is live where what came during the load cannot be read, and reads it with the first round', async (t) => {
  const { upstream, mirror, states, warned, pass } = stocked(1)
  upstream.before = ({ filters }) =>
    filters['trackstar_updated_date[gte]'] ? Promise.reject(unavailable()) : undefined
  void mirror.run()
  await settle()
  t.strictSame(states, ['live'])
  t.equal(warned.length, 1)
  upstream.before = () => {}
  upstream.taken()
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes'])
  mirror.stop()
})

tap.test(
  'regression: the old records of a first copy that was unfinished at load were not found for a day',
  async (t) => {
    const { upstream, incomplete, target, mirror, pass, passFor, live } = stocked(3, { fullCompareMs: 1440 * minuteMs })
    const hidden = upstream.inventory.splice(1, 2)
    incomplete.push('inventory')
    await live()
    t.strictSame(mirror.progress.doubtful, ['inventory'])
    upstream.inventory.push(...hidden.splice(0, 1))
    await passFor(5 * minuteMs - 30_000)
    t.equal(target.count('inventory'), 1)
    t.notOk(upstream.taken().includes('inventory'), 'not with every round')
    await pass()
    t.equal(target.count('inventory'), 2, 'after five minutes')
    upstream.inventory.push(...hidden)
    await pass()
    t.equal(target.count('inventory'), 2)
    incomplete.splice(0)
    await pass()
    t.equal(target.count('inventory'), 3, 'and as soon as it is finished')
    t.strictSame(mirror.progress.doubtful, [])
    upstream.taken()
    await passFor(20 * minuteMs)
    t.notOk(upstream.taken().includes('inventory'), 'then at its interval again')
    mirror.stop()
  },
)

tap.test('regression: a first copy that was begun anew took records out', async (t) => {
  const { upstream, incomplete, target, mirror, warned, told, passFor, live } = stocked(4, { fullCompareMs: 60_000 })
  await live()
  incomplete.push('inventory')
  upstream.products.splice(0, 1)
  upstream.inventory.splice(0, 1)
  await passFor(2 * minuteMs)
  t.strictSame([target.count('products'), target.count('inventory')], [3, 4])
  upstream.inventory = []
  await passFor(2 * minuteMs)
  t.equal(target.count('inventory'), 4)
  t.strictSame(mirror.progress.doubtful, ['inventory'])
  t.strictSame(warned, [])
  t.equal(told.filter(({ text }) => text === 'records are gone upstream').length, 1)
  mirror.stop()
})

tap.test('regression: old records that came into an empty list were not found until a comparison', async (t) => {
  const { upstream, target, mirror, pass, live } = stocked(2)
  upstream.inventory = []
  await live()
  for (let round = 0; round < 2; round++) {
    await pass()
    t.strictSame(upstream.taken(), ['products changes', 'inventory changes', 'inventory'])
  }
  upstream.inventory = [item(0), item(1)]
  await pass()
  t.equal(target.count('inventory'), 2)
  t.strictSame(mirror.progress.doubtful, [])
  upstream.taken()
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes'])
  mirror.stop()
})

/** Has the tokens of a list, or of its changes, go from 1 to 2 and back. */
const circle = ({ filters }: ListCall) => ({
  records: [],
  malformed: [],
  nextToken: filters.page_token === '1' ? '2' : '1',
  date: 0,
})

tap.test('regression: tokens that go in a circle were followed for ever', async (t) => {
  const { upstream, mirror, warned, states, pass, live } = stocked(2, { fullCompareMs: 30_000 })
  await live()
  upstream.before = (call) => (call.filters['trackstar_updated_date[gte]'] ? circle(call) : undefined)
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'products changes @1', 'products changes @2'])
  t.strictSame(warned.splice(0), ['could not follow Trackstar; trying again with the next interval'])
  upstream.before = (call) => (call.filters['trackstar_updated_date[gte]'] ? undefined : circle(call))
  await pass()
  t.strictSame(upstream.taken(), ['products changes', 'inventory changes', 'products', 'products @1', 'products @2'])
  t.strictSame(warned, ['could not read a page of the catalog; trying it again'])
  t.strictSame(states, ['live'])
  mirror.stop()
})

tap.test('takes an empty list for doubtful until there are records', async (t) => {
  const { upstream, clock, mirror, pass, live } = stocked(2)
  upstream.inventory = []
  await live()
  t.match(mirror.progress, { state: 'live', doubtful: ['inventory'] })
  upstream.inventory = [item(0, { trackstar_updated_date: written(clock.now() + 10_000) })]
  await pass()
  t.match(mirror.progress, { state: 'live', doubtful: [] })
  mirror.stop()
})

tap.test('regression: changes were not read while a comparison was held up', async (t) => {
  const { upstream, clock, target, mirror, warned, pass, live } = stocked(4, { fullCompareMs: 30_000 })
  await live()
  upstream.before = ({ resource, filters }) =>
    resource === 'products' && filters.page_token && filters['trackstar_updated_date[gte]'] === undefined
      ? Promise.reject(unavailable())
      : undefined
  await pass()
  t.match(mirror.progress, { pages: 9, pagesLeft: 3 })
  upstream.inventory[3] = item(3, { onhand: 33, trackstar_updated_date: written(clock.now()) })
  upstream.taken()
  for (let waited = 0; waited < 30_000; ) waited += await pass()
  const calls = upstream.taken()
  t.ok(calls.includes('inventory changes'))
  t.ok(calls.filter((call) => call === 'products changes').length <= 2, 'at their own pace')
  t.equal(target.item('i3')?.onhand, 33)
  t.ok(clock.now() - (mirror.progress.syncedAt ?? 0) <= 30_000)
  const held = warned.length
  upstream.before = () => Promise.reject(unavailable())
  for (let waited = 0; waited < 60_000; ) waited += await pass()
  t.ok(warned.length > held, 'nor does a round that fails end the comparison')
  upstream.before = () => {}
  await pass()
  t.equal(mirror.progress.pagesLeft, 0)
  mirror.stop()
})

tap.test('regression: changes came late by the time that a comparison took', async (t) => {
  const { upstream, clock, mirror, pass, live } = stocked(2, { fullCompareMs: 30_000 })
  await live()
  upstream.before = ({ resource, filters }) => {
    if (resource === 'inventory' && filters['trackstar_updated_date[gte]'] === undefined) clock.advance(20_000)
  }
  await pass()
  upstream.taken()
  t.equal(await pass(), 10_000)
  t.strictSame(upstream.taken().slice(0, 2), ['products changes', 'inventory changes'])
  mirror.stop()
})

tap.test('follows changes all the same where the comparison is not supported any more', async (t) => {
  const { upstream, clock, mirror, warned, pass, live } = stocked(2, { fullCompareMs: 30_000 })
  await live()
  upstream.before = ({ filters }) =>
    filters['trackstar_updated_date[gte]'] === undefined
      ? Promise.reject(problem('not_supported_by_integration', 'no'))
      : undefined
  await pass()
  t.equal(warned.length, 1)
  t.match(mirror.progress, { state: 'live', syncedAt: clock.now(), pagesLeft: 0 })
  mirror.stop()
})

tap.test('gives up, once and for all, where the catalog does not fit', async (t) => {
  const { upstream, mirror, target, holdings, states, warned, waits } = stocked(40, { maxBytes: 1000 })
  await mirror.run()
  t.strictSame(states, ['off'])
  t.strictSame(warned, ['the mirror has stopped; records are read when asked for'])
  t.match(mirror.progress, { state: 'off', doubtful: [] })
  t.notOk(target.isWhole)
  const calls = upstream.taken().length
  await settle()
  t.equal(upstream.taken().length, 0)
  t.ok(calls < 40)
  t.equal(waits.length, 0)
  for (let n = 100; n < 200; n++) holdings.keep('product', product(n), { begunAt: 0, readAt: 0 })
  t.equal(target.count('products'), 0, 'regression: the index of a mirror that was off grew for ever')
})

tap.test('regression: a record larger than the bound was taken for absent', async (t) => {
  const { upstream, mirror, states } = stocked(1, { maxBytes: 1000 })
  upstream.inventory = [item(0, { name: 'x'.repeat(2000) })]
  await mirror.run()
  t.strictSame(states, ['off'])
})

tap.test('regression: the walk of one list went on after the other had ended the mirror', async (t) => {
  const { upstream, mirror, states, warned, waits } = stocked(40)
  upstream.before = ({ resource, filters }) =>
    resource === 'inventory' && filters.page_token
      ? Promise.reject(problem('not_supported_by_integration', 'no'))
      : undefined
  await mirror.run()
  await settle()
  t.strictSame(states, ['off'])
  t.equal(warned.length, 1)
  const { length } = upstream.taken()
  await settle()
  t.ok(length < 10)
  t.equal(upstream.taken().length, 0)
  t.equal(waits.length, 0)
})

tap.test('ends in off, and never in a crash, where something goes wrong that nobody thought of', async (t) => {
  const { upstream, states, warned, pass, live } = stocked(1)
  const { run } = await live()
  upstream.before = () => Promise.reject(new TypeError('a bug'))
  await pass()
  await run
  t.strictSame(states, ['live', 'off'])
  t.strictSame(warned, ['the mirror has stopped; records are read when asked for'])
})

tap.test('stops at once, from a wait', async (t) => {
  const { upstream, mirror, states, warned, live } = stocked(1)
  const { run } = await live()
  mirror.stop()
  await run
  t.strictSame(states, ['live', 'off'])
  t.strictSame(warned, [])
  t.strictSame(upstream.taken(), [])
})

tap.test('takes nothing in any more once it is stopped, and lets go of what waits for its turn', async (t) => {
  const { upstream, mirror, target, states, warned, waits } = stocked(4)
  const answers: (() => void)[] = []
  upstream.before = () => new Promise<void>((resolve) => answers.push(resolve))
  const run = mirror.run()
  await settle()
  mirror.stop()
  for (const { errand } of upstream.calls) t.equal(errand.permitRequest.deadline(), Number.NEGATIVE_INFINITY)
  for (const answer of answers) answer()
  await run
  t.equal(target.count('products'), 0)
  t.strictSame(states, ['off'])
  t.strictSame(warned, [])
  t.equal(waits.length, 0)
})

tap.test('regression: a call that failed because of the stop was warned of', async (t) => {
  const { upstream, mirror, warned } = stocked(4)
  const failures: ((error: Error) => void)[] = []
  upstream.before = () => new Promise<void>((_, reject) => failures.push(reject))
  const run = mirror.run()
  await settle()
  mirror.stop()
  for (const fail of failures) fail(unavailable())
  await run
  await settle()
  t.strictSame(warned, [])
})

tap.test('stops in a round and in a comparison as well', async (t) => {
  for (const fullCompareMs of [30_000, 3_600_000]) {
    const { upstream, mirror, states, warned, pass, live } = stocked(4, { fullCompareMs })
    const { run } = await live()
    let answer = () => {}
    upstream.before = ({ filters }) => {
      const isHeld = fullCompareMs > 30_000 || filters['trackstar_updated_date[gte]'] === undefined
      return isHeld ? new Promise<void>((resolve) => (answer = resolve)) : undefined
    }
    await pass()
    mirror.stop()
    answer()
    await run
    t.strictSame(states, ['live', 'off'])
    t.strictSame(warned, [])
  }
})
