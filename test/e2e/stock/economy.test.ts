import tap from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import type { Sandbox } from '../../../src/sandbox/sandbox.js'
import { startService } from '../../harness.js'

/** Puts a product with this many items into the sandbox; each item has one unit. */
function addProduct(sandbox: Sandbox, sku: string, items: number): void {
  const ids = Array.from({ length: items }, (_, n) => `${sku}-item-${n}`)
  for (const id of ids) sandbox.data.inventory.set(id, newItem(id, sku, id, [['wh_oslo', counts(1)]]))
  sandbox.data.products.set(
    `${sku}-product`,
    newProduct(
      `${sku}-product`,
      sku,
      sku,
      ids.map((id) => needs(id, sku)),
    ),
  )
}

const fixed = (sandbox: Sandbox) => Array.from(sandbox.data.products.values(), ({ sku }) => sku ?? '')

tap.test('costs two calls for a cold SKU with up to a hundred items, and none when cached', async (t) => {
  const { get, sandbox, newCalls } = await startService(t)
  addProduct(sandbox, 'HUNDRED', 100)
  addProduct(sandbox, 'HUNDRED-AND-ONE', 101)
  t.equal((await get('/products/HUNDRED/stock')).json().available, 100)
  t.equal(newCalls().length, 2)
  t.equal(sandbox.calls.filter(({ path }) => path === '/wms/warehouses').length, 1)
  t.equal((await get('/products/HUNDRED/stock')).json().available, 100)
  t.equal(newCalls().length, 0)
  t.equal((await get('/products/HUNDRED-AND-ONE/stock')).json().available, 101)
  t.equal(newCalls().length, 3)
  t.equal(sandbox.calls.filter(({ path }) => path === '/wms/warehouses').length, 1)
})

tap.test('requests exactly what it needs', async (t) => {
  const { get, newCalls } = await startService(t)
  await get('/products/GONGFU-SET/stock')
  t.strictSame(newCalls(), [
    'GET /wms/products?sku[in]=GONGFU-SET',
    'GET /wms/inventory?ids[in]=inv_gaiwan,inv_cup,inv_tray',
  ])
  await get('/products/TASTING-SET/stock')
  t.strictSame(newCalls(), ['GET /wms/products?sku[in]=TASTING-SET'], 'its items are cached')
})

tap.test('costs ten calls and one per hundred items for a thousand cold SKUs', async (t) => {
  const { post, sandbox } = await startService(t, { sandbox: { products: 1100 } })
  const skus = fixed(sandbox)
    .filter((sku) => !sku.includes(','))
    .slice(-1000)
  const requested = new Set(skus)
  const products = [...sandbox.data.products.values()].filter(({ sku }) => requested.has(sku ?? ''))
  const items = new Set(
    products.flatMap((product) => product.inventory_items ?? []).map((item) => item.inventory_item_id),
  )
  const reply = await post('/stock/query', { skus })
  t.equal(reply.statusCode, 200)
  t.equal(reply.json().results.length, requested.size)
  t.ok(sandbox.calls.length <= 10 + Math.ceil(items.size / 100) + 1, `${sandbox.calls.length} calls`)
})

tap.test('costs two calls for a thousand callers of one cold SKU', async (t) => {
  const { get, newCalls } = await startService(t)
  const replies = await Promise.all(Array.from({ length: 1000 }, () => get('/products/SENCHA-100/stock')))
  t.ok(replies.every((reply) => reply.statusCode === 200 && reply.json().available === 38))
  t.equal(newCalls().length, 2)
})

tap.test('requests SKUs and ids with commas one by one', async (t) => {
  const { post, newCalls } = await startService(t)
  const reply = await post('/stock/query', { skus: ['GREEN, BLACK + WHITE', 'SENCHA-100', 'A,B'] })
  t.strictSame(
    reply.json().results.map(({ status }: { status: string }) => status),
    ['ok', 'ok', 'not_found'],
  )
  t.strictSame(newCalls().toSorted(), [
    'GET /wms/inventory/inv_mix,3',
    'GET /wms/inventory?ids[in]=inv_sencha',
    'GET /wms/products?sku=A,B',
    'GET /wms/products?sku=GREEN, BLACK + WHITE',
    'GET /wms/products?sku[in]=SENCHA-100',
  ])
})

tap.test('splits long Unicode SKUs by the length of the URL', async (t) => {
  const { post, sandbox } = await startService(t)
  const skus = Array.from({ length: 12 }, (_, n) => `${n}-${'茶'.repeat(250)}`)
  for (const [n, sku] of skus.entries()) sandbox.data.products.set(`long${n}`, newProduct(`long${n}`, sku, 'Long', []))
  const reply = await post('/stock/query', { skus })
  t.ok(reply.json().results.every(({ status }: { status: string }) => status === 'ok'))
  const calls = sandbox.calls.filter(({ path }) => path === '/wms/products')
  t.ok(calls.length >= 4 && calls.length <= 6, `${calls.length} calls`)
  t.ok(calls.every(({ url }) => url.length < 8000))
})

tap.test('reads all pages of a batch, and overlapping pages make no SKU ambiguous', async (t) => {
  const { get, sandbox, newCalls } = await startService(t)
  const product = sandbox.data.products.get('prod_sencha')
  sandbox.fault('/wms/products', { body: { data: [product], next_token: null }, times: 1 })
  sandbox.fault('/wms/products', { body: { data: [product], next_token: 'one' }, times: 1 })
  const reply = await get('/products/SENCHA-100/stock')
  t.equal(reply.statusCode, 200)
  t.equal(reply.json().available, 38)
  t.strictSame(newCalls().slice(0, 2), [
    'GET /wms/products?sku[in]=SENCHA-100',
    'GET /wms/products?sku[in]=SENCHA-100&page_token=one',
  ])
})

tap.test('caches that a SKU is unknown until a list returns the product', async (t) => {
  const { get, sandbox, newCalls } = await startService(t)
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  t.equal(newCalls().length, 1)
  addProduct(sandbox, 'NEW', 1)
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  await get('/products?sku=NEW')
  newCalls()
  t.equal((await get('/products/NEW/stock')).json().available, 1)
  t.equal(newCalls().length, 2)
})

tap.test('stays within CACHE_MAX_MB, and a flood of unknown SKUs evicts no record', async (t) => {
  const { app, get, post, sandbox, newCalls } = await startService(t, { environment: { CACHE_MAX_MB: '1' } })
  const bytes = async () => (await get('/status')).json().connections[0].cache.bytes
  await get('/products/SENCHA-100/stock')
  await post('/stock/query', { skus: Array.from({ length: 1000 }, (_, n) => `unknown ${n}`) })
  newCalls()
  await get('/products/SENCHA-100/stock')
  t.equal(newCalls().length, 0)
  for (let n = 0; n < 1200; n++) addProduct(sandbox, `MANY-${n}`, 1)
  for (let from = 0; from < 1200; from += 600) {
    const skus = Array.from({ length: 600 }, (_, n) => `MANY-${from + n}`)
    const reply = await app.inject({ method: 'POST', url: '/stock/query', payload: { skus } })
    t.ok(reply.json().results.every(({ status }: { status: string }) => status === 'ok'))
  }
  t.ok((await bytes()) <= 1_000_000)
  newCalls()
  t.equal((await get('/products/SENCHA-100/stock')).json().available, 38)
  t.equal(newCalls().length, 2, 'the product was evicted')
})
