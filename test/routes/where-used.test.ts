import Fastify from 'fastify'
import tap from 'tap'
import problemDetails from '../../src/http/problems.js'
import type { CatalogRouteOptions } from '../../src/routes/stock.js'
import { WhereUsed, whereUsedRoute } from '../../src/routes/where-used.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { getOverSocket, inTurns, withConnection } from '../harness.js'
import { simple, viewOf } from '../stock/view.js'

interface Use {
  readonly sku: string
  readonly is_kit: boolean
  readonly unit_quantity: number | null
}
const summaries = (uses: readonly Use[]) => uses.map(({ sku, is_kit, unit_quantity }) => [sku, is_kit, unit_quantity])

/** A shared service: no test depends on deliveries of another. */
const shared = startMirrored(tap)

tap.test('lists the products and kits that use an item', async (t) => {
  const { get, newCalls } = await shared
  newCalls()
  const reply = await get('/inventory/inv_cup/products')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['cache-control'], 'private, no-cache')
  t.strictSame(reply.json().data[1], {
    product_id: 'prod_gongfu',
    sku: 'GONGFU-SET',
    name: 'Gongfu set for four',
    is_kit: true,
    unit_quantity: 4,
    warehouse_customer_id: 'cust_aurora',
  })
  t.strictSame(summaries(reply.json().data), [
    ['CUP', false, 1],
    ['GONGFU-SET', true, 4],
    ['TASTING-SET', true, 6],
  ])
  t.strictSame(newCalls(), [])
})

tap.test('counts units as the stock does', async (t) => {
  const { get } = await shared
  const used = async (id: string) => summaries((await get(`/inventory/${encodeURIComponent(id)}/products`)).json().data)
  t.strictSame(await used('inv_filter'), [['REFILL-BOX', true, 3]], 'a kit refers to it twice: 2 + 1')
  t.strictSame(await used('inv_biscuit'), [['BISCUIT-6PK', false, 6]])
  t.strictSame(await used('inv_ribbon'), [['SAMPLER-3', true, null]], 'not a valid number')
  t.strictSame(await used('inv/mint 50%'), [['MINT/LEMON 50%', false, 1]])
  t.strictSame(await used('inv_抹茶'), [['抹茶 30g', false, 1]])
  t.strictSame(await used('__proto__'), [['__proto__', false, 1]])
})

tap.test('finds items that only products refer to and unused items; others are 404', async (t) => {
  const { get, deliver, listen } = await shared
  t.strictSame(summaries((await get('/inventory/inv_nowhere/products')).json().data), [['HOJICHA-80', false, 1]])
  const date = { trackstar_updated_date: '2030-01-01T00:00:00Z' }
  await deliver('inventory.created', { id: 'inv_part', ...date })
  t.equal(
    (await get('/inventory/inv_part/products')).statusCode,
    404,
    'a part of a record that Trackstar does not have',
  )
  await deliver('inventory.created', { id: 'inv_alone', fulfillable: 1, ...date })
  const alone = await get('/inventory/inv_alone/products')
  t.equal(alone.statusCode, 200)
  t.strictSame(alone.json(), { data: [] })
  const port = await listen()
  for (const id of ['unknown', 'toString', '..', '%2e%2e', '..%2F..%2Fproducts']) {
    const reply = await getOverSocket(port, `/inventory/${id}/products`)
    t.equal(reply.status, 404, id)
    t.equal(JSON.parse(reply.body).code, 'inventory_item_not_found')
  }
})

tap.test('follows changes of products', async (t) => {
  const { get, deliver } = await shared
  const date = { trackstar_updated_date: '2030-01-01T00:00:00Z' }
  await deliver('product.created', { id: 'p', inventory_items: [{ inventory_item_id: 'inv_tray' }], ...date })
  t.strictSame((await get('/inventory/inv_tray/products')).json().data[1], {
    product_id: 'p',
    sku: null,
    name: null,
    is_kit: false,
    unit_quantity: 1,
    warehouse_customer_id: null,
  })
  await deliver('product.updated', { id: 'p', inventory_items: [], trackstar_updated_date: '2030-01-02T00:00:00Z' })
  t.strictSame(summaries((await get('/inventory/inv_tray/products')).json().data), [['GONGFU-SET', true, 1]])
})

tap.test('omits an indexed product that no longer exists', async (t) => {
  const app = Fastify()
  await app.register(problemDetails)
  app.addSchema(WhereUsed)
  const view = viewOf([simple('a')], [])
  const index = { productIdsOfItem: () => ['gone', 'a'] }
  const catalog = { mirrored: { ...view, index, isAuthoritative: true }, state: { mirror: { state: 'live' } } }
  await withConnection(app, { catalog })
  await app.register(whereUsedRoute, { inTurns } as unknown as CatalogRouteOptions)
  t.match((await app.inject('/inventory/a/products')).json(), { data: [{ product_id: 'a' }] })
})

tap.test('rejects invalid requests', async (t) => {
  const { get } = await shared
  for (const url of [`/inventory/${'x'.repeat(256)}/products`, '/inventory/inv_cup/products?limit=1']) {
    const reply = await get(url)
    t.equal(reply.statusCode, 400, url)
    t.equal(reply.json().code, 'validation_failed')
  }
})
