import tap, { type Test } from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { EventStream } from '../../event-stream.js'
import { startMirrored } from './mirrored.js'

/** A mirror with an event stream for one SKU; products are added and removed by webhooks. */
async function start(t: Test, sku: string) {
  const service = await startMirrored(t)
  const { get, listen, sandbox, deliver } = service
  const stream = await EventStream.open(t, await listen(), `/stock/events?sku=${sku}`)
  const add = async (id: string, onhand: number, merchant: string, active = true) => {
    const fields = { active, warehouse_customer_id: merchant }
    const item = sandbox.add('inventory', newItem(`inv_${id}`, id, id, [['wh_oslo', counts(onhand)]], fields))
    const product = sandbox.add('products', newProduct(id, sku, id, [needs(item.id, id)], fields))
    await deliver('inventory.created', item)
    await deliver('product.created', product)
  }
  const change = async (id: string, patch: object) =>
    deliver('product.updated', sandbox.change('products', id, patch).record)
  /** Deletes a product; the truncated delivery makes the mirror notice it. */
  const remove = async (id: string) => {
    sandbox.remove('products', id)
    await deliver('product.updated', { id }, { data_truncated: true })
  }
  const changeAt = async (count: number) => (await stream.changes(count)).at(-1)
  /** What the stock route answers: the available quantity, or the code of the problem. */
  const stock = async (query = '') => {
    const reply = await get(`/products/${sku}/stock${query}`)
    return reply.statusCode === 200 ? reply.json().available : reply.json().code
  }
  const low = async () =>
    (await get('/stock/low?below=1000000&limit=1000'))
      .json()
      .data.filter((entry: { sku: string }) => entry.sku === sku)
      .map(({ available }: { available: number }) => available)
  return { ...service, stream, add, change, remove, changeAt, stock, low }
}

tap.test('regression: no event had the stock of a SKU after another product with it was deleted', async (t) => {
  const { add, remove, changeAt, stock } = await start(t, 'SHARED')
  await add('one', 5, 'cust_aurora')
  await add('two', 0, 'cust_borealis')
  t.strictSame(await changeAt(2), ['SHARED', null, 0])
  t.equal(await stock(), 'sku_ambiguous')
  await remove('two')
  t.strictSame(await changeAt(3), ['SHARED', 5, 5])
  t.equal(await stock(), 5)
})

tap.test('regression: events said 0 when an ambiguous SKU had one product again', async (t) => {
  const { add, change, changeAt, stock, low } = await start(t, 'PAIR')
  await add('one', 3, 'cust_aurora')
  t.strictSame([await changeAt(1), await stock(), await low()], [['PAIR', null, 3], 3, [3]])
  await add('two', 21, 'cust_aurora')
  t.strictSame(await changeAt(2), ['PAIR', 3, 0])
  t.strictSame([await stock(), await low()], ['sku_ambiguous', []])
  await change('one', { active: false })
  t.strictSame([await changeAt(3), await stock(), await low()], [['PAIR', null, 21], 21, [21]])
  await change('two', { sku: 'OTHER' })
  t.strictSame([await changeAt(5), await stock(), await low()], [['PAIR', null, 3], 3, [3]])
})

tap.test("ends with the stock of the remaining product when another merchant's product is deleted", async (t) => {
  const { add, remove, changeAt, stock } = await start(t, 'SHARED')
  await add('one', 3, 'cust_aurora')
  await add('two', 21, 'cust_borealis')
  t.equal(await stock(), 'sku_ambiguous')
  t.equal(await stock('?warehouse_customer_id=cust_borealis'), 21)
  await remove('two')
  t.strictSame(await changeAt(4), ['SHARED', 3, 3])
  t.equal(await stock(), 3)
})

tap.test('regression: a move between warehouses sent no event', async (t) => {
  const { get, sandbox, deliver, stream } = await start(t, 'SENCHA-100')
  const read = async () =>
    (await get('/products/SENCHA-100/stock')).json().warehouses.map(({ available }: { available: number }) => available)
  const before = await read()
  const breakdown = structuredClone(sandbox.data.inventory.get('inv_sencha')?.inventory_by_warehouse_id) ?? {}
  const [from, to] = Object.values(breakdown)
  for (const field of ['onhand', 'fulfillable', 'sellable'] as const) {
    if (from) from[field] = Number(from[field]) - 2
    if (to) to[field] = Number(to[field]) + 2
  }
  const { record } = sandbox.change('inventory', 'inv_sencha', { inventory_by_warehouse_id: breakdown })
  await deliver('inventory.updated', record)
  t.match(await stream.data(1), [{ sku: 'SENCHA-100', available: 38, previous_available: 38 }])
  t.strictSame(await read(), [before[0] - 2, before[1] + 2, ...before.slice(2)])
})

tap.test('regression: a client with an HTTP cache read the old number after an event', async (t) => {
  const { get, move, changeAt } = await start(t, 'CUP')
  for (const url of ['/products/CUP/stock', '/stock?sku=CUP', '/products/CUP', '/inventory/inv_cup']) {
    const reply = await get(url)
    t.equal(reply.headers['cache-control'], 'private, no-cache', url)
    const again = await get(url, { 'if-none-match': String(reply.headers.etag) })
    t.match(again, { statusCode: 304, headers: { 'cache-control': 'private, no-cache' } })
  }
  const { etag } = (await get('/products/CUP/stock')).headers
  await move('inv_cup', -1)
  t.strictSame(await changeAt(1), ['CUP', 40, 39])
  t.equal((await get('/products/CUP/stock', { 'if-none-match': String(etag) })).json().available, 39)
})
