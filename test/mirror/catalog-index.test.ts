import tap from 'tap'
import { CatalogIndex } from '../../src/mirror/catalog-index.js'
import type { Product } from '../../src/records/product.js'

const product = (id: string, sku: string | null, ...items: string[]): Product => ({
  id,
  sku,
  inventory_items: items.map((inventory_item_id) => ({ inventory_item_id })),
})

tap.test('finds products by SKU and by item', async (t) => {
  const index = new CatalogIndex()
  index.add(product('p1', 'A', 'i1', 'i2'))
  index.add(product('p2', 'A', 'i2', 'i2'))
  index.add(product('p3', 'B', 'i2'))
  t.strictSame(index.productIdsOfSku('A'), ['p1', 'p2'])
  t.strictSame(index.productIdsOfSku('B'), ['p3'])
  t.strictSame(index.productIdsOfItem('i1'), ['p1'])
  t.strictSame(index.productIdsOfItem('i2'), ['p1', 'p2', 'p3'])
  t.strictSame([...index.productIds], ['p1', 'p2', 'p3'])
  t.strictSame(index.productIdsOfSku('none'), [])
  t.strictSame(index.productIdsOfItem('constructor'), [])
})

tap.test('lists a product once, however often it is added', async (t) => {
  const index = new CatalogIndex()
  for (let n = 0; n < 3; n++) index.add(product('p1', 'A', 'i1'))
  t.strictSame(index.productIdsOfSku('A'), ['p1'])
  t.strictSame(index.productIdsOfItem('i1'), ['p1'])
})

tap.test('removes a product and nothing else', async (t) => {
  const index = new CatalogIndex()
  const products = ['p1', 'p2', 'p3'].map((id) => product(id, 'A', 'i1'))
  for (const one of products) index.add(one)
  index.remove(product('p2', 'A', 'i1'))
  t.strictSame(index.productIdsOfSku('A'), ['p1', 'p3'])
  t.strictSame(index.productIdsOfItem('i1'), ['p1', 'p3'])
  index.remove(product('p9', 'A', 'i1', 'i9'))
  t.strictSame(index.productIdsOfSku('A'), ['p1', 'p3'])
  for (const one of products) index.remove(one)
  t.strictSame(index.productIdsOfSku('A'), [])
  t.strictSame(index.productIdsOfItem('i1'), [])
  t.equal(index.productIds.size, 0)
  index.add(product('p4', 'A'))
  index.remove(product('p4', 'A'))
  t.strictSame(index.productIdsOfSku('A'), [], 'even the only one')
})

tap.test('accepts products without a SKU or items', async (t) => {
  const index = new CatalogIndex()
  index.add({ id: 'p1' })
  index.add({ id: 'p2', sku: '', inventory_items: null })
  index.add({ id: 'p3', sku: null })
  t.equal(index.productIds.size, 3)
  t.strictSame(index.productIdsOfSku(''), [])
  index.remove({ id: 'p1' })
  t.equal(index.productIds.size, 2)
})

tap.test('can be cleared', async (t) => {
  const index = new CatalogIndex()
  index.add(product('p1', 'A', 'i1'))
  index.clear()
  t.strictSame([index.productIdsOfSku('A'), index.productIdsOfItem('i1'), [...index.productIds]], [[], [], []])
})

tap.test('regression: an item in many kits took quadratic time', async (t) => {
  const index = new CatalogIndex()
  const begunAt = performance.now()
  for (let n = 0; n < 30_000; n++) index.add(product(`p${n}`, `SKU-${n}`, 'box'))
  for (let n = 0; n < 30_000; n++) index.remove(product(`p${n}`, `SKU-${n}`, 'box'))
  t.strictSame(index.productIdsOfItem('box'), [])
  t.ok(performance.now() - begunAt < 2000)
})
