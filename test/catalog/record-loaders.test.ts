import tap from 'tap'
import { Holdings } from '../../src/catalog/holdings.js'
import { recordLoaders } from '../../src/catalog/record-loaders.js'
import { isProblem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { windowBudget } from '../../src/trackstar/budget.js'
import type { Batch, PullKeys, Trackstar } from '../../src/trackstar/trackstar.js'
import { TestClock } from '../helper.js'
import { policy } from './mirror-stage.js'

type Answer<R> = (keys: readonly string[]) => Promise<Partial<Batch<R>> | undefined>

function start() {
  const clock = new TestClock()
  const budget = windowBudget(1000, clock)
  const holdings = new Holdings(1_000_000, policy, clock.now)
  const known = new Map<string, readonly string[]>()
  const told: string[] = []
  const incomplete: string[] = []
  const upstream: { products: Answer<Product>; items: Answer<InventoryItem> } = {
    products: async () => ({}),
    items: async () => ({}),
  }
  const batch =
    <R>(answer: Answer<R>) =>
    async (pull: PullKeys) => {
      const asked = pull()
      const given = await answer(asked)
      return given && { asked, records: [], malformed: [], ...given }
    }
  const trackstar = {
    productsBySku: batch((skus) => upstream.products(skus)),
    inventoryByIds: batch((ids) => upstream.items(ids)),
  } as Partial<Trackstar> as Trackstar
  const loaders = recordLoaders({
    trackstar,
    budget,
    clock,
    holdings,
    knownProductIds: (sku) => known.get(sku) ?? [],
    onBatch: (resource, keys) => told.push(`${resource} ${keys}`),
    incomplete: () => incomplete,
    onDoubt: (resource, gone) => told.push(`${gone} ${resource} in doubt`),
    onMalformed: (resource, { path }) => told.push(`${resource} ${path}`),
  })
  const demand = () => ({ priority: 'forced', caller: 'a', deadline: clock.elapsed() + 10_000 }) as const
  const product = (sku: string) => loaders.products.load(sku, demand())
  const item = (id: string) => loaders.items.load(id, demand())
  const hold = (id: string, sku: string) => {
    holdings.keep('product', { id, sku }, { begunAt: clock.now(), readAt: clock.now() })
    known.set(sku, [...(known.get(sku) ?? []), id])
    clock.advance(1000)
  }
  return { clock, holdings, upstream, told, incomplete, product, item, hold }
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

tap.test('regression: a product that a forced read did not find came back with the next look', async (t) => {
  const { clock, holdings, upstream, product, hold } = start()
  hold('p1', 'A')
  hold('p2', 'A')
  hold('p3', 'B')
  upstream.products = async () => ({ records: [{ id: 'p2', sku: 'A' }] })
  t.match((await product('A')).value, [{ id: 'p2' }])
  t.equal(holdings.peek('product', 'p1'), undefined)
  t.ok(holdings.peek('product', 'p2'))
  upstream.products = async () => ({})
  clock.advance(1)
  t.equal((await product('A')).value, undefined)
  t.equal(holdings.peek('product', 'p2'), undefined)
  t.ok(holdings.peek('product', 'p3'), 'of another SKU')
})

tap.test('does not take for gone what came after it had asked', async (t) => {
  const { clock, holdings, upstream, product, hold } = start()
  hold('p1', 'A')
  upstream.products = async () => {
    clock.advance(10)
    holdings.keep('product', { id: 'p1', sku: 'A' }, { begunAt: Number.NEGATIVE_INFINITY, readAt: clock.now() })
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
  holdings.keep('item', { id: 'i1' }, { begunAt: clock.now(), readAt: clock.now() })
  clock.advance(1)
  t.equal((await item('i1')).value, undefined)
  t.equal(holdings.peek('item', 'i1'), undefined)
})

tap.test('tells nothing of a call that was not made after all', async (t) => {
  const { upstream, told, product, item } = start()
  upstream.products = async () => undefined
  upstream.items = async () => undefined
  await t.rejects(product('A'), /no answer/)
  await t.rejects(item('i1'), /no answer/)
  t.strictSame(told, [])
})
