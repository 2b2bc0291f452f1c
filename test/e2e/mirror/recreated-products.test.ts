import tap, { type Test } from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { EventStream } from '../../event-stream.js'
import { eventually, RunningClock } from '../../harness.js'
import { startMirrored } from './mirrored.js'

/** A mirror, and the answer of each route for a SKU. */
async function start(t: Test, sku: string) {
  const clock = new RunningClock()
  const service = await startMirrored(t, { clock, sandbox: { products: 20 } })
  const { get, post, sandbox, deliver } = service
  const add = async (id: string, onhand: number, merchant = 'cust_aurora') => {
    const owner = { warehouse_customer_id: merchant }
    const item = sandbox.add('inventory', newItem(`inv_${id}`, sku, id, [['wh_oslo', counts(onhand)]], owner))
    const product = sandbox.add('products', newProduct(id, sku, id, [needs(item.id, sku)], owner))
    await deliver('inventory.created', item)
    await deliver('product.created', product)
  }
  const stock = async (query = '') => {
    const reply = await get(`/products/${sku}/stock${query}`)
    return reply.statusCode === 200 ? reply.json().available : reply.json().code
  }
  const routes = {
    stock,
    query: async () => (await post('/stock/query', { skus: [sku] })).json().results[0].stock?.available,
    product: async () => (await get(`/products/${sku}`)).json().data?.id,
    check: async () => (await post('/stock/check', { lines: [{ sku, quantity: 1 }] })).json().lines[0].available,
  }
  return { ...service, clock, add, stock, routes }
}

for (const route of ['stock', 'query', 'product', 'check'] as const) {
  tap.test(`regression: a product that was deleted and created again was ambiguous (${route})`, async (t) => {
    const { sandbox, add, routes } = await start(t, 'ANEW')
    await add('old', 3)
    sandbox.remove('products', 'old')
    await add('new', 7)
    t.equal(await routes[route](), route === 'product' ? 'new' : 7)
    t.equal(await routes.stock(), 7)
  })
}

tap.test('an event has the stock of a product that was created again, without any request', async (t) => {
  const { sandbox, add, listen } = await start(t, 'ANEW')
  const stream = await EventStream.open(t, await listen(), '/stock/events?sku=ANEW')
  await add('old', 3)
  sandbox.remove('products', 'old')
  await add('new', 7)
  await eventually(async () => (await stream.changes(1)).at(-1)?.[2] === 7)
})

tap.test('a SKU of two existing products is ambiguous, and costs one call per TTL', async (t) => {
  const { add, stock, newCalls, clock } = await start(t, 'TWO')
  await add('one', 3)
  await add('two', 7, 'cust_borealis')
  t.equal(await stock(), 'sku_ambiguous')
  newCalls()
  for (let n = 0; n < 5; n++) t.equal(await stock(), 'sku_ambiguous')
  t.strictSame(newCalls(), [])
  t.equal(await stock('?warehouse_customer_id=cust_borealis'), 7)
  clock.advance(61_000)
  for (let n = 0; n < 5; n++) t.equal(await stock(), 'sku_ambiguous', 'served without waiting')
  await eventually(() => newCalls().some((call) => call === 'GET /wms/products?ids[in]=one,two'))
})

tap.test('answers sku_ambiguous if upstream does not respond in time', async (t) => {
  const { add, stock, sandbox } = await start(t, 'TWO')
  await add('one', 3)
  await eventually(async () => (await stock()) === 3)
  sandbox.fault('/wms/products', { status: 500, body: {} })
  await add('two', 7)
  t.equal(await stock(), 'sku_ambiguous')
})
