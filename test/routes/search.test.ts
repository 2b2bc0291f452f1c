import tap from 'tap'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { startService } from '../harness.js'

/** A shared service: no test depends on deliveries of another. */
const shared = startMirrored(tap)
const date = { trackstar_updated_date: '2030-01-01T00:00:00Z' }
const find = async (q: string) => {
  const { get } = await shared
  return (await get(`/search?q=${encodeURIComponent(q)}`)).json().data
}

tap.test('finds a product by a part of its SKU, in any case, with its stock', async (t) => {
  const { get, newCalls } = await shared
  newCalls()
  const reply = await get('/search?q=gongfu-s')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'private, no-cache')
  t.strictSame(reply.json(), {
    data: [
      {
        sku: 'GONGFU-SET',
        product_id: 'prod_gongfu',
        name: 'Gongfu set for four',
        gtin: null,
        is_kit: true,
        warehouse_customer_id: 'cust_aurora',
        available: (await get('/products/GONGFU-SET/stock')).json().available,
      },
    ],
  })
  t.strictSame(newCalls(), [])
})

tap.test('returns at most 20 products, the exact SKU first', async (t) => {
  const found = await find('BLEND-000007')
  t.equal(found[0].sku, 'BLEND-000007')
  t.equal((await find('blend')).length, 20)
  t.strictSame(await find('no product has this'), [])
})

tap.test('follows changes, and gives no number to a product that its SKU does not select', async (t) => {
  const { deliver } = await shared
  const fields = { name: 'Very rare blend', inventory_items: [], gtin: '5901234123457' }
  await deliver('product.created', {
    id: 'rare_1',
    sku: 'RARE',
    warehouse_customer_id: 'cust_aurora',
    ...fields,
    ...date,
  })
  t.match(await find('rare blend'), [{ product_id: 'rare_1', available: 0 }])
  t.match(await find('901234123'), [{ product_id: 'rare_1' }])
  const twin = { id: 'rare_2', sku: 'RARE', warehouse_customer_id: 'cust_aurora', ...fields, ...date }
  await deliver('product.created', twin)
  t.match(await find('rare'), [
    { product_id: 'rare_1', available: null },
    { product_id: 'rare_2', available: null },
  ])
})

tap.test('rejects a request without a text, and needs the mirror', async (t) => {
  const { get } = await shared
  for (const url of ['/search', '/search?q=', `/search?q=${'x'.repeat(256)}`, '/search?q=a&limit=5']) {
    t.match((await get(url)).json(), { status: 400, code: 'validation_failed' }, url)
  }
  const onDemand = await startService(t)
  t.match((await onDemand.get('/search?q=a')).json(), { status: 501, code: 'requires_mirror' })
})
