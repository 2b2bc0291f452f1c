import tap from 'tap'
import { RecordCache } from '../../src/cache/record-cache.js'
import { createRecordLoaders } from '../../src/cache/record-loaders.js'
import { isProblem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { Batch, TrackstarClient } from '../../src/trackstar/client.js'
import { createRateLimiter } from '../../src/trackstar/rate-limiter.js'
import { TestClock } from '../harness.js'
import { policy } from '../mirror/mirror-harness.js'

type Answer<R> = (keys: readonly string[]) => Promise<Partial<Batch<R>>>

function start() {
  const clock = new TestClock()
  const limiter = createRateLimiter(1000, clock)
  const holdings = new RecordCache(1_000_000, policy, clock)
  const known = new Map<string, readonly string[]>()
  const told: string[] = []
  const mirrors = { isOn: false }
  const incomplete: string[] = []
  const upstream: { products: Answer<Product>; items: Answer<InventoryItem> } = {
    products: async () => ({}),
    items: async () => ({}),
  }
  const batch =
    <R>(answer: Answer<R>) =>
    async (keys: readonly string[]) => ({ records: [], malformed: [], ...(await answer(keys)) })
  const trackstar = {
    productsBySku: batch((skus) => upstream.products(skus)),
    inventoryByIds: batch((ids) => upstream.items(ids)),
  } as Partial<TrackstarClient> as TrackstarClient
  const loaders = createRecordLoaders({
    trackstar,
    limiter,
    clock,
    cache: holdings,
    findProducts: (sku) => {
      const entries = (known.get(sku) ?? []).map((id) => holdings.peek('product', id))
      const value = entries.flatMap((entry) => entry?.value ?? [])
      return entries[0] && value.length > 0 ? { ...entries[0], value } : holdings.findProducts(sku)
    },
    findItem: (id) => holdings.find('item', id),
    confirmAbsence: (kind, id) => {
      if (mirrors.isOn) told.push(`confirm ${kind} ${id}`)
      return mirrors.isOn
    },
    failureTtlMs: 30_000,
    isUpstreamWell: async () => true,
    onBatch: (resource, keys) => told.push(`${resource} ${keys}`),
    incomplete: () => incomplete,
    onSuspectedLoss: (resource, gone) => told.push(`${gone} ${resource} in doubt`),
    onMalformed: (resource, { path }) => told.push(`${resource} ${path}`),
  })
  const demand = () => ({ priority: 'forced', caller: 'a', deadline: clock.elapsed() + 10_000 }) as const
  const product = (sku: string) => loaders.products.load(sku, demand())
  const item = (id: string) => loaders.items.load(id, demand())
  const hold = (id: string, sku: string) => {
    holdings.store('product', { id, sku }, { begunAt: clock.now(), readAt: clock.now() })
    known.set(sku, [...(known.get(sku) ?? []), id])
    clock.advance(1000)
  }
  return { clock, holdings, upstream, told, incomplete, mirrors, product, item, hold }
}

const malformed = { path: '/data/0/name', message: 'must be string', id: undefined, sku: undefined }

tap.test('takes in what was read, and tells how much one call carried', async (t) => {
  const { clock, holdings, upstream, told, product, item } = start()
  upstream.products = async () => {
    clock.advance(40)
    return { records: [{ id: 'p1', sku: 'A' }] }
  }
  const begunAt = clock.now()
  const [a, b] = await Promise.all([product('A'), product('B')])
  t.match(a, { value: [{ id: 'p1' }], begunAt, readAt: begunAt + 40 })
  t.match(b, { value: undefined })
  upstream.items = async (ids) => ({ records: ids.includes('i1') ? [{ id: 'i1' }] : [] })
  t.match(await item('i1'), { value: { id: 'i1' } })
  t.match(await item('i2'), { value: undefined })
  t.ok(holdings.peek('product', 'p1'))
  t.strictSame(told, ['products 2', 'inventory 1', 'inventory 1'])
})

tap.test('regression: one answer without a mirrored record removed it', async (t) => {
  const { clock, holdings, upstream, told, mirrors, product, item, hold } = start()
  mirrors.isOn = true
  hold('p1', 'A')
  hold('p2', 'A')
  holdings.store('item', { id: 'i1' }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(1000)
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }] })
  const both = await product('A')
  t.strictSame(both.value?.map(({ id }) => id).sort(), ['p1', 'p2'])
  t.ok(both.freshUntil <= clock.now(), 'it is served as stale')
  upstream.products = async () => ({})
  t.equal((await product('A')).value?.length, 2)
  const kept = await item('i1')
  t.match(kept, { value: { id: 'i1' } })
  t.ok(kept.freshUntil <= clock.now())
  t.strictSame(
    told.filter((line) => line.startsWith('confirm')),
    ['confirm product p1', 'confirm product p1', 'confirm product p2', 'confirm item i1'],
  )
  t.ok(holdings.peek('product', 'p1') && holdings.peek('item', 'i1'))
})

tap.test('does not take for gone what came after it had asked', async (t) => {
  const { clock, holdings, upstream, product, hold } = start()
  hold('p1', 'A')
  upstream.products = async () => {
    clock.advance(10)
    holdings.store('product', { id: 'p1', sku: 'A' }, { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.now() })
    return {}
  }
  await product('A')
  t.ok(holdings.peek('product', 'p1'))
})

tap.test('does not take for gone what is malformed', async (t) => {
  const { holdings, upstream, product, hold, told } = start()
  hold('p1', 'A')
  hold('p2', 'A')
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }], malformed: [{ ...malformed, id: 'p1' }] })
  t.match((await product('A')).value, [{ id: 'p2' }])
  t.ok(holdings.peek('product', 'p1'))
  upstream.products = async () => ({ malformed: [{ ...malformed, sku: 'A' }] })
  const error: unknown = await product('A').catch((error: unknown) => error)
  t.ok(isProblem(error, 'upstream_invalid_response'))
  t.ok(holdings.peek('product', 'p2'))
  t.ok(told.includes('products /data/0/name'))
})

tap.test('takes out an item that a forced read did not find', async (t) => {
  const { clock, holdings, item } = start()
  holdings.store('item', { id: 'i1' }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(1)
  t.equal((await item('i1')).value, undefined)
  t.equal(holdings.peek('item', 'i1'), undefined)
})

/** Many items held, and what one batch of them brings. */
function manyItems(...ids: string[]) {
  const service = start()
  const { clock, holdings, upstream, item } = service
  for (const id of ids) holdings.store('item', { id, onhand: 1 }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(2000)
  /** Loads all of them, where upstream has `there`; gives which of them are found. */
  const find = async (there: readonly string[], asked: readonly string[] = ids) => {
    upstream.items = async (wanted) => ({ records: wanted.filter((id) => there.includes(id)).map((id) => ({ id })) })
    const found = await Promise.all(asked.map(item))
    clock.advance(1)
    return asked.filter((_id, n) => found[n]?.value !== undefined)
  }
  const held = () => ids.filter((id) => holdings.peek('item', id))
  const doubts = () => service.told.filter((line) => line.includes('doubt'))
  return { ...service, find, held, doubts }
}

tap.test('regression: one answer that lacked nearly everything emptied what was held', async (t) => {
  const { holdings, find, held, doubts } = manyItems('i1', 'i2', 'i3', 'i4')
  t.strictSame(await find(['i1'], ['i1', 'i2', 'i3', 'i4', 'new']), ['i1', 'i2', 'i3', 'i4'], 'what is held is given')
  t.strictSame(held(), ['i1', 'i2', 'i3', 'i4'])
  t.equal(holdings.find('item', 'new'), undefined, 'nor is it remembered that another is absent')
  t.strictSame(doubts(), ['3 inventory in doubt'])
  t.strictSame(await find(['i1']), ['i1'], 'what is gone twice is gone')
  t.strictSame(held(), ['i1'])
  t.strictSame(doubts(), ['3 inventory in doubt'], 'told once')
})

tap.test('believes at once that a few are gone, or no more than half', async (t) => {
  const few = manyItems('i1', 'i2')
  t.strictSame(await few.find([]), [])
  t.strictSame(few.held(), [])
  const half = manyItems('i1', 'i2', 'i3', 'i4', 'i5', 'i6')
  t.strictSame(await half.find(['i1', 'i2', 'i3']), ['i1', 'i2', 'i3'])
  t.strictSame(half.held(), ['i1', 'i2', 'i3'])
  const unheld = manyItems()
  t.strictSame(await unheld.find([], ['i1', 'i2', 'i3']), [], 'nothing of these is lost')
  t.ok(unheld.holdings.find('item', 'i1'), 'it is remembered')
  t.strictSame([...few.doubts(), ...half.doubts(), ...unheld.doubts()], [])
})

tap.test('regression: what had come back since was believed to be gone at the first word', async (t) => {
  const { find, held, doubts } = manyItems('i1', 'i2', 'i3')
  const all = ['i1', 'i2', 'i3']
  await find([])
  await find(all)
  t.strictSame(await find([]), all)
  t.equal(doubts().length, 2)
  t.strictSame(held(), all)
})

tap.test('regression: one answer without most SKUs made them unknown', async (t) => {
  const { clock, holdings, upstream, told, product } = start()
  const skus = ['A', 'B', 'C', 'D']
  for (const sku of skus)
    holdings.storeSku(sku, [{ id: `p${sku}`, sku }], { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(2000)
  upstream.products = async () => ({ records: [{ id: 'pA', sku: 'A' }] })
  const find = async () => (await Promise.all([...skus, 'new'].map(product))).map(({ value }) => value?.[0]?.id)
  t.strictSame(await find(), ['pA', 'pB', 'pC', 'pD', undefined])
  t.equal(holdings.find('sku', 'new'), undefined)
  t.ok(holdings.peek('product', 'pB'))
  clock.advance(1)
  t.strictSame(await find(), ['pA', undefined, undefined, undefined, undefined])
  t.match(holdings.find('sku', 'B'), { value: undefined })
  t.strictSame(
    told.filter((line) => line.includes('doubt')),
    ['3 products in doubt'],
  )
})

tap.test('regression: what upstream had not copied yet was taken for gone', async (t) => {
  const { find, held, incomplete, holdings, doubts } = manyItems('i1')
  incomplete.push('products')
  t.strictSame(await find([], ['x']), [])
  t.ok(holdings.find('item', 'x'), 'it is of the other resource')
  incomplete.push('inventory')
  for (let n = 0; n < 2; n++) t.strictSame(await find([], ['i1', 'y']), ['i1'], 'however often it says so')
  t.strictSame(held(), ['i1'])
  t.equal(holdings.find('item', 'y'), undefined, 'no absence is remembered')
  t.strictSame(doubts(), [])
  incomplete.length = 0
  t.strictSame(await find([]), [])
})

tap.test('regression: a product that upstream had not copied yet was taken for gone', async (t) => {
  const { holdings, upstream, incomplete, product, hold } = start()
  incomplete.push('products')
  hold('p1', 'A')
  hold('p2', 'A')
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }] })
  await product('A')
  t.ok(holdings.peek('product', 'p1'), 'not even where another of its SKU is there')
  upstream.products = async () => ({})
  t.strictSame(
    (await product('A')).value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.equal((await product('none')).value, undefined)
  t.equal(holdings.find('sku', 'none'), undefined)
})

tap.test('regression: an answer to another question was taken for the absence of what was asked for', async (t) => {
  const { upstream, find, held, item, doubts, holdings } = manyItems('i1', 'i2', 'i3')
  upstream.items = async () => ({ records: [{ id: 'stranger' }] })
  for (const id of ['i1', 'new']) {
    const error: unknown = await item(id).catch((error: unknown) => error)
    t.ok(isProblem(error, 'upstream_invalid_response'))
  }
  await Promise.allSettled(['i1', 'i2', 'i3'].map(item))
  t.equal(holdings.find('item', 'new'), undefined)
  t.strictSame(doubts(), [])
  t.strictSame(await find([]), ['i1', 'i2', 'i3'], 'nor was it a first word of it')
  t.strictSame(held(), ['i1', 'i2', 'i3'])
})

tap.test('regression: of an item that came twice in one answer the last won, and not the newer', async (t) => {
  const { upstream, item, holdings } = start()
  const records = [1, 2].map((day) => ({ id: 'i1', onhand: day, trackstar_updated_date: `2026-01-0${day}T00:00:00Z` }))
  for (const given of [records, records.toReversed()]) {
    upstream.items = async () => ({ records: given })
    t.match(await item('i1'), { value: { onhand: 2 } })
    t.match(holdings.find('item', 'i1'), { value: { onhand: 2 } })
    holdings.remove('item', 'i1', 0)
  }
})
