import tap from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { settle } from '../harness.js'
import { createMirrorHarness, policy } from './mirror-harness.js'

const product = (id: string, sku: string | null, ...items: string[]): Product => ({
  id,
  sku,
  inventory_items: items.map((inventory_item_id) => ({ inventory_item_id })),
})
const page = <R>(...records: R[]) => ({ records, malformed: [], nextToken: null, date: undefined })

/** A live mirror of a kit with two items, a product with one of them, and an unused item. */
async function start(options: Parameters<typeof createMirrorHarness>[0] = {}) {
  const harness = createMirrorHarness(options)
  const { store, cache, clock } = harness
  await store.storePage(
    'products',
    page(product('kit', 'KIT', 'i1', 'i2'), product('plain', 'PLAIN', 'i1')),
    clock.now(),
  )
  await store.storePage('inventory', page({ id: 'i1' }, { id: 'i2' }, { id: 'lone' }), clock.now())
  store.confirm(clock.now())
  store.setState('live')
  /** A read that began after all cached records were read. */
  const now = () => ({ begunAt: clock.now() + 1, readAt: clock.now() })
  const keep = {
    product: (record: Product) => cache.store('product', record, now()),
    item: (record: InventoryItem) => cache.store('item', record, now()),
  }
  return { ...harness, keep, now }
}

tap.test('finds the stored records, and reports everything else as absent', async (t) => {
  const { store, clock } = await start()
  const now = clock.now()
  t.match(store.findProducts('KIT'), { value: [{ id: 'kit' }], readAt: now, freshUntil: now + policy.ttlMs })
  t.match(store.findItem('i1'), { value: { id: 'i1' } })
  for (const absent of [store.findProducts('none'), store.findItem('none')]) {
    t.match(absent, { value: undefined, readAt: now, freshUntil: Number.POSITIVE_INFINITY })
  }
  t.equal(store.product('kit')?.sku, 'KIT')
  t.equal(store.item('i2')?.id, 'i2')
  t.equal(store.product('none'), undefined)
  t.equal(store.item('none'), undefined)
  t.strictSame([...store.productIds()], ['kit', 'plain'])
  t.strictSame([store.count('products'), store.count('inventory')], [2, 3])
  t.equal(store.warehouses().size, 0)
})

tap.test('is authoritative while it is live and was confirmed recently enough', async (t) => {
  const { store, clock } = await start()
  t.ok(store.isAuthoritative)
  clock.advance(policy.ttlMs + policy.maxStaleMs - 1)
  t.ok(store.isAuthoritative)
  clock.advance(1)
  t.notOk(store.isAuthoritative)
  store.confirm(clock.now())
  t.ok(store.isAuthoritative)
  store.setState('off')
  t.notOk(store.isAuthoritative)
  t.notOk(createMirrorHarness().store.isAuthoritative, 'not before it is live')
})

tap.test('confirms all records at once, and never makes a record older than its own read', async (t) => {
  const { store, clock, keep } = await start()
  const confirmedAt = clock.now()
  clock.advance(5000)
  keep.item({ id: 'i1' })
  t.equal(store.findItem('i1').readAt, clock.now())
  t.equal(store.findItem('i2').readAt, confirmedAt)
  clock.advance(100_000)
  t.ok(store.findItem('i2').freshUntil < clock.now(), 'stale when not confirmed for too long')
  store.confirm(clock.now())
  t.equal(store.findItem('i2').freshUntil, clock.now() + policy.ttlMs)
  t.equal(store.findProducts('KIT').readAt, clock.now())
})

tap.test('reports the products that use a changed record, once for all changes of one turn', async (t) => {
  const { affected, keep } = await start()
  keep.item({ id: 'i2', onhand: 1 })
  await settle()
  t.strictSame(affected.splice(0), [['kit']])
  keep.item({ id: 'lone', onhand: 1 })
  keep.item({ id: 'i1', onhand: 1 })
  keep.item({ id: 'i2', onhand: 2 })
  keep.product(product('plain', 'PLAIN', 'i1'))
  t.strictSame(affected, [], 'not before the current task is done')
  await settle()
  t.strictSame(affected.splice(0), [['kit', 'plain']])
  keep.item({ id: 'lone', onhand: 2 })
  await settle()
  t.strictSame(affected, [], 'an unused item affects no product')
})

tap.test('reports no affected products while it loads', async (t) => {
  const { store, affected, clock } = createMirrorHarness()
  await store.storePage('products', page(product('p', 'P', 'i')), clock.now())
  await store.storePage('inventory', page({ id: 'i' }), clock.now())
  await settle()
  t.strictSame(affected, [])
})

tap.test('reports products that lose an item, and removed products', async (t) => {
  const { store, affected, cache, clock } = await start()
  clock.advance(1)
  store.remove('inventory', 'i2')
  store.remove('products', 'plain')
  store.remove('products', 'never-there')
  await settle()
  t.strictSame(affected.splice(0), [['kit', 'plain']])
  t.equal(store.findItem('i2').value, undefined)
  t.strictSame([store.count('products'), store.count('inventory')], [1, 2])
  cache.storeAbsence('item', 'i1', { begunAt: clock.now(), readAt: clock.now() })
  await settle()
  t.strictSame(affected, [['kit']], 'absence found by a forced read')
})

tap.test('finds a product that changes its SKU under the new one only', async (t) => {
  const { store, affected, keep } = await start()
  keep.product(product('kit', 'KIT-2', 'i1', 'i2'))
  t.equal(store.findProducts('KIT').value, undefined)
  t.match(store.findProducts('KIT-2').value, [{ id: 'kit' }])
  await settle()
  t.strictSame(affected, [['kit']])
})

tap.test('reports a product for its current items only', async (t) => {
  const { store, affected, keep } = await start()
  keep.product(product('kit', 'KIT', 'i2', 'lone'))
  await settle()
  affected.splice(0)
  keep.item({ id: 'i1', onhand: 5 })
  await settle()
  keep.item({ id: 'lone', onhand: 5 })
  await settle()
  t.strictSame(affected, [['plain'], ['kit']])
  t.strictSame(store.index.productIdsOfItem('i1'), ['plain'])
})

tap.test('lists the ids read before a time', async (t) => {
  const { store, clock, keep } = await start()
  clock.advance(10)
  keep.item({ id: 'i2' })
  t.strictSame(await store.idsReadBefore('inventory', clock.now()), ['i1', 'lone'])
  t.strictSame(await store.idsReadBefore('products', clock.now()), ['kit', 'plain'])
  t.strictSame(await store.idsReadBefore('products', clock.now() - 10), [])
})

tap.test('reports malformed records, and remembers them until a valid one comes', async (t) => {
  const { store, malformed, keep, clock } = await start()
  const fault = { path: '/data/0/name', message: 'must be string' }
  const bad = (id: string | undefined, sku?: string) => ({ ...page<never>(), malformed: [{ ...fault, id, sku }] })
  await store.storePage('products', bad('kit', 'KIT'), clock.now())
  await store.storePage('products', bad(undefined), clock.now())
  await store.storePage('inventory', bad('i1', 'KIT'), clock.now())
  await store.storePage('inventory', bad(undefined), clock.now())
  t.equal(malformed.length, 4)
  t.ok(store.isMalformed('products', 'KIT'))
  t.ok(store.isMalformed('inventory', 'i1'))
  t.notOk(store.isMalformed('products', 'PLAIN'))
  keep.product(product('kit', 'KIT'))
  keep.item({ id: 'i1' })
  t.notOk(store.isMalformed('products', 'KIT'))
  t.notOk(store.isMalformed('inventory', 'i1'))
  keep.product(product('nameless', null))
})

tap.test('regression: an evicted record counted as absent', async (t) => {
  const { store, keep } = await start({ maxBytes: 500 })
  t.ok(store.isAuthoritative)
  for (let n = 0; n < 10; n++) keep.item({ id: `more-${n}`, name: 'x'.repeat(50) })
  t.notOk(store.fitsInMemory)
  t.notOk(store.isAuthoritative, 'callers are served by read-through')
  t.equal(store.findProducts('KIT').value, undefined)
  t.strictSame(await store.idsReadBefore('products', Number.POSITIVE_INFINITY), [], 'it is not compared either')
})

tap.test('regression: an error while processing changed products ended the process', async (t) => {
  const { cache, warnings, store, affected, keep } = await start()
  affected.push = () => {
    throw new TypeError('a bug')
  }
  keep.item({ id: 'i1', onhand: 3 })
  await settle()
  t.strictSame(warnings, ['could not process changed products'])
  t.ok(store.isAuthoritative)
  t.match(cache.peek('item', 'i1'), { value: { onhand: 3 } })
})

tap.test('clears its index when it is off, and reports nothing more', async (t) => {
  const { store, states, affected, keep } = await start()
  store.setState('off')
  t.strictSame(states, ['live', 'off'])
  keep.product(product('new', 'NEW', 'i1'))
  keep.item({ id: 'new' })
  await settle()
  t.strictSame([store.count('products'), store.count('inventory')], [0, 0])
  t.strictSame(store.index.productIdsOfSku('KIT'), [])
  t.strictSame(affected, [])
})
