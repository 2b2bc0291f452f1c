import tap from 'tap'
import { startService } from '../harness.js'

tap.test('returns the whole record, unknown fields included', async (t) => {
  const { get, sandbox } = await startService(t)
  const product = sandbox.data.products.get('prod_sencha')
  Object.assign(product ?? {}, { unheard_of: { deep: [1, '2'] } })
  const reply = await get('/products/SENCHA-100')
  t.equal(reply.statusCode, 200)
  t.strictSame(reply.json(), { data: JSON.parse(JSON.stringify(product)) })
})

tap.test('selects between products as the stock route does', async (t) => {
  const { get } = await startService(t)
  t.equal((await get('/products/CHAI-50')).json().data.id, 'prod_chai')
  t.equal((await get('/products/HONEY-1?warehouse_customer_id=cust_borealis')).json().data.id, 'prod_honey_b')
  const both = await get('/products/HONEY-1')
  t.equal(both.statusCode, 409)
  t.equal(both.json().candidates.length, 2)
  const none = await get('/products/NONE')
  t.equal(none.statusCode, 404)
  t.equal(none.json().code, 'product_not_found')
  t.equal((await get('/products/CUP?include=lots')).statusCode, 400)
})

tap.test('reports why a product is unavailable', async (t) => {
  const { get, sandbox } = await startService(t)
  sandbox.fault('/wms/products', { body: { data: [{ sku: 'CUP', name: 'without an id' }] } })
  const reply = await get('/products/CUP')
  t.equal(reply.statusCode, 502)
  t.match(reply.json(), { code: 'upstream_invalid_response', detail: /\/data\/0\/id/ })
})
