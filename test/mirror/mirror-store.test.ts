import tap from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { settle } from '../harness.js'
import { mirrorStage, policy } from './mirror-harness.js'

const product = (id: string, sku: string | null, ...items: string[]): Product => ({
  id,
  sku,
  inventory_items: items.map((inventory_item_id) => ({ inventory_item_id })),
})
const page = <R>(...records: R[]) => ({ records, malformed: [], nextToken: null, date: undefined })

/** A live mirrored catalog: a kit of two items, a product of one of them, a lone item. */
function start(options: Parameters<typeof mirrorStage>[0] = {}) {
  const stage = mirrorStage(options)
  const { target, holdings, clock } = stage
  target.take('products', page(product('kit', 'KIT', 'i1', 'i2'), product('plain', 'PLAIN', 'i1')), clock.now())
  target.take('inventory', page({ id: 'i1' }, { id: 'i2' }, { id: 'lone' }), clock.now())
  target.confirm(clock.now())
  target.stateChanged('live')
  const now = () => ({ begunAt: clock.now(), readAt: clock.now() })
  const keep = {
    product: (record: Product) => holdings.keep('product', record, now()),
    item: (record: InventoryItem) => holdings.keep('item', record, now()),
  }
  return { ...stage, keep, now }
}

tap.test('holds what was taken in, and knows that there is nothing else', async (t) => {
  const { target, clock } = start()
  const now = clock.now()
  t.match(target.findProducts('KIT'), { value: [{ id: 'kit' }], readAt: now, freshUntil: now + policy.ttlMs })
  t.match(target.findItem('i1'), { value: { id: 'i1' } })
  for (const absent of [target.findProducts('none'), target.findItem('none')]) {
    t.match(absent, { value: undefined, readAt: now, freshUntil: Number.POSITIVE_INFINITY })
  }
  t.equal(target.product('kit')?.sku, 'KIT')
  t.equal(target.item('i2')?.id, 'i2')
  t.equal(target.product('none'), undefined)
  t.equal(target.item('none'), undefined)
  t.strictSame([...target.productIds()], ['kit', 'plain'])
  t.strictSame([target.count('products'), target.count('inventory')], [2, 3])
  t.equal(target.warehouses().size, 0)
})

tap.test('is whole while it is live and has been confirmed lately enough', async (t) => {
  const { target, clock } = start()
  t.ok(target.isWhole)
  clock.advance(policy.ttlMs + policy.maxStaleMs - 1)
  t.ok(target.isWhole)
  clock.advance(1)
  t.notOk(target.isWhole)
  target.confirm(clock.now())
  t.ok(target.isWhole)
  target.stateChanged('off')
  t.notOk(target.isWhole)
  t.notOk(mirrorStage().target.isWhole, 'nor before it is live')
})

tap.test('confirms all records at once, and takes none for older than it was read', async (t) => {
  const { target, clock, keep } = start()
  const confirmedAt = clock.now()
  clock.advance(5000)
  keep.item({ id: 'i1' })
  t.equal(target.findItem('i1').readAt, clock.now())
  t.equal(target.findItem('i2').readAt, confirmedAt)
  clock.advance(100_000)
  t.ok(target.findItem('i2').freshUntil < clock.now(), 'not confirmed for too long: stale')
  target.confirm(clock.now())
  t.equal(target.findItem('i2').freshUntil, clock.now() + policy.ttlMs)
  t.equal(target.findProducts('KIT').readAt, clock.now())
})

tap.test('tells which products draw on what has changed, once for all that comes together', async (t) => {
  const { touched, keep } = start()
  keep.item({ id: 'i2', onhand: 1 })
  await settle()
  t.strictSame(touched.splice(0), [['kit']])
  keep.item({ id: 'lone', onhand: 1 })
  keep.item({ id: 'i1', onhand: 1 })
  keep.item({ id: 'i2', onhand: 2 })
  keep.product(product('plain', 'PLAIN', 'i1'))
  t.strictSame(touched, [], 'not before the work at hand is done')
  await settle()
  t.strictSame(touched.splice(0), [['kit', 'plain']])
  keep.item({ id: 'lone', onhand: 2 })
  await settle()
  t.strictSame(touched, [], 'an item that nothing draws on touches nothing')
})

tap.test('tells nothing while it loads', async (t) => {
  const { target, touched, clock } = mirrorStage()
  target.take('products', page(product('p', 'P', 'i')), clock.now())
  target.take('inventory', page({ id: 'i' }), clock.now())
  await settle()
  t.strictSame(touched, [])
})

tap.test('tells what has lost its item, and what has gone itself', async (t) => {
  const { target, touched, holdings, clock } = start()
  clock.advance(1)
  target.remove('inventory', 'i2')
  target.remove('products', 'plain')
  target.remove('products', 'never-there')
  await settle()
  t.strictSame(touched.splice(0), [['kit', 'plain']])
  t.equal(target.findItem('i2').value, undefined)
  t.strictSame([target.count('products'), target.count('inventory')], [1, 2])
  holdings.keepAbsence('item', 'i1', { begunAt: clock.now(), readAt: clock.now() })
  await settle()
  t.strictSame(touched, [['kit']], 'a forced read that did not find it')
})

tap.test('finds a product that changes its SKU under the new one only', async (t) => {
  const { target, touched, keep } = start()
  keep.product(product('kit', 'KIT-2', 'i1', 'i2'))
  t.equal(target.findProducts('KIT').value, undefined)
  t.match(target.findProducts('KIT-2').value, [{ id: 'kit' }])
  await settle()
  t.strictSame(touched, [['kit']])
})

tap.test('follows a product to other items', async (t) => {
  const { target, touched, keep } = start()
  keep.product(product('kit', 'KIT', 'i2', 'lone'))
  await settle()
  touched.splice(0)
  keep.item({ id: 'i1', onhand: 5 })
  await settle()
  keep.item({ id: 'lone', onhand: 5 })
  await settle()
  t.strictSame(touched, [['plain'], ['kit']])
  t.strictSame(target.index.productIdsOfItem('i1'), ['plain'])
})

tap.test('names the ids that were there before a time', async (t) => {
  const { target, clock, keep } = start()
  clock.advance(10)
  keep.item({ id: 'i2' })
  t.strictSame(target.idsBefore('inventory', clock.now()), ['i1', 'lone'])
  t.strictSame(target.idsBefore('products', clock.now()), ['kit', 'plain'])
  t.strictSame(target.idsBefore('products', clock.now() - 10), [])
})

tap.test('tells what is malformed, and does not vouch for it until it makes sense', async (t) => {
  const { target, malformed, keep, clock } = start()
  const fault = { path: '/data/0/name', message: 'must be string' }
  const bad = (id: string | undefined, sku?: string) => ({ ...page<never>(), malformed: [{ ...fault, id, sku }] })
  target.take('products', bad('kit', 'KIT'), clock.now())
  target.take('products', bad(undefined), clock.now())
  target.take('inventory', bad('i1', 'KIT'), clock.now())
  target.take('inventory', bad(undefined), clock.now())
  t.equal(malformed.length, 4)
  t.notOk(target.isSound('products', 'KIT'))
  t.notOk(target.isSound('inventory', 'i1'))
  t.ok(target.isSound('products', 'PLAIN'))
  keep.product(product('kit', 'KIT'))
  keep.item({ id: 'i1' })
  t.ok(target.isSound('products', 'KIT'))
  t.ok(target.isSound('inventory', 'i1'))
  keep.product(product('nameless', null))
})

tap.test('regression: a record that the bound had put out was taken for absent', async (t) => {
  const { target, keep } = start({ maxBytes: 500 })
  t.ok(target.isWhole)
  for (let n = 0; n < 10; n++) keep.item({ id: `more-${n}`, name: 'x'.repeat(50) })
  t.notOk(target.fits)
  t.notOk(target.isWhole, 'so that it is read instead')
  t.equal(target.findProducts('KIT').value, undefined)
  t.strictSame(target.idsBefore('products', Number.POSITIVE_INFINITY), [], 'nor does a comparison look for it')
})

tap.test('regression: a fault of who is told of changes ended the process', async (t) => {
  const { holdings, warned, target, touched, keep } = start()
  touched.push = () => {
    throw new TypeError('a bug')
  }
  keep.item({ id: 'i1', onhand: 3 })
  await settle()
  t.strictSame(warned, ['could not tell what a change has touched'])
  t.ok(target.isWhole)
  t.match(holdings.peek('item', 'i1'), { value: { onhand: 3 } })
})

tap.test('lets go of its index when it is off, and follows no more', async (t) => {
  const { target, states, touched, keep } = start()
  target.stateChanged('off')
  t.strictSame(states, ['live', 'off'])
  keep.product(product('new', 'NEW', 'i1'))
  keep.item({ id: 'new' })
  await settle()
  t.strictSame([target.count('products'), target.count('inventory')], [0, 0])
  t.strictSame(target.index.productIdsOfSku('KIT'), [])
  t.strictSame(touched, [])
})
