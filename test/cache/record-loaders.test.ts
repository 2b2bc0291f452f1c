import tap from 'tap'
import { createCacheMemory, RecordCache } from '../../src/cache/record-cache.js'
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
  const cache = new RecordCache(createCacheMemory(1_000_000), policy, clock)
  const known = new Map<string, readonly string[]>()
  const reports: string[] = []
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
    recordsByIds: (_resource: string, ids: readonly string[]) => batch((keys) => upstream.items(keys))(ids),
  } as Partial<TrackstarClient> as TrackstarClient
  const loaders = createRecordLoaders({
    trackstar,
    limiter,
    clock,
    cache,
    findProducts: (sku) => {
      const entries = (known.get(sku) ?? []).map((id) => cache.peek('product', id))
      const value = entries.flatMap((entry) => entry?.value ?? [])
      return entries[0] && value.length > 0 ? { ...entries[0], value } : cache.findProducts(sku)
    },
    findItem: (id) => cache.find('item', id),
    confirmAbsence: (kind, id) => {
      if (mirrors.isOn) reports.push(`confirm ${kind} ${id}`)
      return mirrors.isOn
    },
    failureTtlMs: 30_000,
    isUpstreamWell: async () => true,
    onBatch: (resource, keys) => reports.push(`${resource} ${keys}`),
    incomplete: () => incomplete,
    onSuspectedLoss: (resource, count) => reports.push(`${count} ${resource} suspected`),
    onMalformed: (resource, { path }) => reports.push(`${resource} ${path}`),
  })
  const loadRequest = () => ({ priority: 'forced', caller: 'a', deadline: clock.elapsed() + 10_000 }) as const
  const product = (sku: string) => loaders.products.load(sku, loadRequest())
  const item = (id: string) => loaders.items.load(id, loadRequest())
  const store = (id: string, sku: string) => {
    cache.store('product', { id, sku }, { begunAt: clock.now(), readAt: clock.now() })
    known.set(sku, [...(known.get(sku) ?? []), id])
    clock.advance(1000)
  }
  return { clock, cache, upstream, reports, incomplete, mirrors, product, item, store }
}

const malformed = { path: '/data/0/name', message: 'must be string', id: undefined, sku: undefined }

tap.test('stores the records of an answer, and reports the number of keys of each call', async (t) => {
  const { clock, cache, upstream, reports, product, item } = start()
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
  t.ok(cache.peek('product', 'p1'))
  t.strictSame(reports, ['products 2', 'inventory 1', 'inventory 1'])
})

tap.test('regression: one answer without a mirrored record removed it', async (t) => {
  const { clock, cache, upstream, reports, mirrors, product, item, store } = start()
  mirrors.isOn = true
  store('p1', 'A')
  store('p2', 'A')
  cache.store('item', { id: 'i1' }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(1000)
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }] })
  const both = await product('A')
  t.strictSame(both.value?.map(({ id }) => id).sort(), ['p1', 'p2'])
  t.ok(both.freshUntil <= clock.now(), 'the record is served as stale')
  upstream.products = async () => ({})
  t.equal((await product('A')).value?.length, 2)
  const kept = await item('i1')
  t.match(kept, { value: { id: 'i1' } })
  t.ok(kept.freshUntil <= clock.now())
  t.strictSame(
    reports.filter((line) => line.startsWith('confirm')),
    ['confirm product p1', 'confirm product p1', 'confirm product p2', 'confirm item i1'],
  )
  t.ok(cache.peek('product', 'p1') && cache.peek('item', 'i1'))
})

tap.test('does not remove a record that was stored after the call was sent', async (t) => {
  const { clock, cache, upstream, product, store } = start()
  store('p1', 'A')
  upstream.products = async () => {
    clock.advance(10)
    cache.store('product', { id: 'p1', sku: 'A' }, { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.now() })
    return {}
  }
  await product('A')
  t.ok(cache.peek('product', 'p1'))
})

tap.test('does not remove a malformed record', async (t) => {
  const { cache, upstream, product, store, reports } = start()
  store('p1', 'A')
  store('p2', 'A')
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }], malformed: [{ ...malformed, id: 'p1' }] })
  t.match((await product('A')).value, [{ id: 'p2' }])
  t.ok(cache.peek('product', 'p1'))
  upstream.products = async () => ({ malformed: [{ ...malformed, sku: 'A' }] })
  const error: unknown = await product('A').catch((error: unknown) => error)
  t.ok(isProblem(error, 'upstream_invalid_response'))
  t.ok(cache.peek('product', 'p2'))
  t.ok(reports.includes('products /data/0/name'))
})

tap.test('removes an item that a forced read does not find', async (t) => {
  const { clock, cache, item } = start()
  cache.store('item', { id: 'i1' }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(1)
  t.equal((await item('i1')).value, undefined)
  t.equal(cache.peek('item', 'i1'), undefined)
})

/** A service with these items cached. */
function manyItems(...ids: string[]) {
  const service = start()
  const { clock, cache, upstream, item } = service
  for (const id of ids) cache.store('item', { id, onhand: 1 }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(2000)
  /** Loads `requested` while upstream has `existing`; returns the ids of those found. */
  const find = async (existing: readonly string[], requested: readonly string[] = ids) => {
    upstream.items = async (ids) => ({ records: ids.filter((id) => existing.includes(id)).map((id) => ({ id })) })
    const found = await Promise.all(requested.map(item))
    clock.advance(1)
    return requested.filter((_id, n) => found[n]?.value !== undefined)
  }
  const cached = () => ids.filter((id) => cache.peek('item', id))
  const suspectedLosses = () => service.reports.filter((line) => line.includes('suspected'))
  return { ...service, find, cached, suspectedLosses }
}

tap.test('regression: one answer that lacked nearly everything emptied the cache', async (t) => {
  const { cache, find, cached, suspectedLosses } = manyItems('i1', 'i2', 'i3', 'i4')
  t.strictSame(
    await find(['i1'], ['i1', 'i2', 'i3', 'i4', 'new']),
    ['i1', 'i2', 'i3', 'i4'],
    'the cached records are served',
  )
  t.strictSame(cached(), ['i1', 'i2', 'i3', 'i4'])
  t.equal(cache.find('item', 'new'), undefined, 'the absence of an uncached item is not remembered')
  t.strictSame(suspectedLosses(), ['3 inventory suspected'])
  t.strictSame(await find(['i1']), ['i1'], 'records missing from a second answer are removed')
  t.strictSame(cached(), ['i1'])
  t.strictSame(suspectedLosses(), ['3 inventory suspected'], 'reported once')
})

tap.test('removes a few records, or up to half of them, after one answer', async (t) => {
  const few = manyItems('i1', 'i2')
  t.strictSame(await few.find([]), [])
  t.strictSame(few.cached(), [])
  const half = manyItems('i1', 'i2', 'i3', 'i4', 'i5', 'i6')
  t.strictSame(await half.find(['i1', 'i2', 'i3']), ['i1', 'i2', 'i3'])
  t.strictSame(half.cached(), ['i1', 'i2', 'i3'])
  const uncached = manyItems()
  t.strictSame(await uncached.find([], ['i1', 'i2', 'i3']), [], 'none of these was cached')
  t.ok(uncached.cache.find('item', 'i1'), 'the absence is remembered')
  t.strictSame([...few.suspectedLosses(), ...half.suspectedLosses(), ...uncached.suspectedLosses()], [])
})

tap.test('regression: a record that had reappeared was removed after the first answer without it', async (t) => {
  const { find, cached, suspectedLosses } = manyItems('i1', 'i2', 'i3')
  const all = ['i1', 'i2', 'i3']
  await find([])
  await find(all)
  t.strictSame(await find([]), all)
  t.equal(suspectedLosses().length, 2)
  t.strictSame(cached(), all)
})

tap.test('regression: one answer without most SKUs made them unknown', async (t) => {
  const { clock, cache, upstream, reports, product } = start()
  const skus = ['A', 'B', 'C', 'D']
  for (const sku of skus) cache.storeSku(sku, [{ id: `p${sku}`, sku }], { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(2000)
  upstream.products = async () => ({ records: [{ id: 'pA', sku: 'A' }] })
  const find = async () => (await Promise.all([...skus, 'new'].map(product))).map(({ value }) => value?.[0]?.id)
  t.strictSame(await find(), ['pA', 'pB', 'pC', 'pD', undefined])
  t.equal(cache.find('sku', 'new'), undefined)
  t.ok(cache.peek('product', 'pB'))
  clock.advance(1)
  t.strictSame(await find(), ['pA', undefined, undefined, undefined, undefined])
  t.match(cache.find('sku', 'B'), { value: undefined })
  t.strictSame(
    reports.filter((line) => line.includes('suspected')),
    ['3 products suspected'],
  )
})

tap.test('regression: a record that upstream had not synced yet was removed', async (t) => {
  const { find, cached, incomplete, cache, suspectedLosses } = manyItems('i1')
  incomplete.push('products')
  t.strictSame(await find([], ['x']), [])
  t.ok(cache.find('item', 'x'), 'the incomplete resource is another one')
  incomplete.push('inventory')
  for (let n = 0; n < 2; n++) t.strictSame(await find([], ['i1', 'y']), ['i1'], 'after any number of answers')
  t.strictSame(cached(), ['i1'])
  t.equal(cache.find('item', 'y'), undefined, 'the absence is not remembered')
  t.strictSame(suspectedLosses(), [])
  incomplete.length = 0
  t.strictSame(await find([]), [])
})

tap.test('regression: a product that upstream had not synced yet was removed', async (t) => {
  const { cache, upstream, incomplete, product, store } = start()
  incomplete.push('products')
  store('p1', 'A')
  store('p2', 'A')
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }] })
  await product('A')
  t.ok(cache.peek('product', 'p1'), 'not even if another product with its SKU exists')
  upstream.products = async () => ({})
  t.strictSame(
    (await product('A')).value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.equal((await product('none')).value, undefined)
  t.equal(cache.find('sku', 'none'), undefined)
})

tap.test('regression: an answer with other records than the requested ones counted as their absence', async (t) => {
  const { upstream, find, cached, item, suspectedLosses, cache } = manyItems('i1', 'i2', 'i3')
  upstream.items = async () => ({ records: [{ id: 'stranger' }] })
  for (const id of ['i1', 'new']) {
    const error: unknown = await item(id).catch((error: unknown) => error)
    t.ok(isProblem(error, 'upstream_invalid_response'))
  }
  await Promise.allSettled(['i1', 'i2', 'i3'].map(item))
  t.equal(cache.find('item', 'new'), undefined)
  t.strictSame(suspectedLosses(), [])
  t.strictSame(await find([]), ['i1', 'i2', 'i3'], 'the answer did not count as a first absence')
  t.strictSame(cached(), ['i1', 'i2', 'i3'])
})

tap.test('regression: of an item twice in one answer, the last was stored instead of the newer', async (t) => {
  const { upstream, item, cache } = start()
  const records = [1, 2].map((day) => ({ id: 'i1', onhand: day, trackstar_updated_date: `2026-01-0${day}T00:00:00Z` }))
  for (const answer of [records, records.toReversed()]) {
    upstream.items = async () => ({ records: answer })
    t.match(await item('i1'), { value: { onhand: 2 } })
    t.match(cache.find('item', 'i1'), { value: { onhand: 2 } })
    cache.remove('item', 'i1', 0)
  }
})
