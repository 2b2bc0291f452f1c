import Fastify from 'fastify'
import tap from 'tap'
import { StockFeed } from '../../src/events/stock-feed.js'
import problemDetails from '../../src/http/problems.js'
import { createInTurns, type InTurns } from '../../src/routes/long-work.js'
import { LowStock, lowStockRoute } from '../../src/routes/low-stock.js'
import type { CatalogRouteOptions } from '../../src/routes/stock.js'
import { WorkTurns } from '../../src/services/work-turns.js'
import { stockSchemas } from '../../src/stock/stock.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { inTurns as inTurnsAtOnce, settle, withConnection } from '../harness.js'
import { simple, viewOf } from '../stock/view.js'

interface Entry {
  readonly sku: string
  readonly available: number
}
const summaries = (entries: readonly Entry[]) => entries.map(({ sku, available }) => [sku, available])

/** A shared service for the tests that change nothing. */
const shared = startMirrored(tap, { sandbox: { products: 30 } })

tap.test('lists low stock with the numbers of the stock route', async (t) => {
  const { get, newCalls } = await shared
  newCalls()
  const reply = await get('/stock/low?below=6')
  t.equal(reply.statusCode, 200)
  t.match(reply.headers, { 'content-type': /^application\/json/, 'cache-control': 'private, no-cache' })
  t.strictSame(summaries(reply.json().data), [
    ['CEYLON-500', 0],
    ['DARJEELING-500', 0],
    ['GIFT-CARD', 0],
    ['MATCHA-KIT', 0],
    ['PUERH-357', 0],
    ['__proto__', 3],
    ['constructor', 4],
    ['HONEY-1', 4],
    ['MINT/LEMON 50%', 5],
    ['SAMPLER-3', 5],
    ['TRAVEL-SET', 5],
  ])
  t.equal(reply.json().next_token, null)
  for (const entry of reply.json().data) {
    t.strictSame(Object.keys(entry), ['sku', 'product_id', 'name', 'warehouse_customer_id', 'available', 'quantities'])
    const url = `/products/${encodeURIComponent(entry.sku)}/stock?warehouse_customer_id=${entry.warehouse_customer_id}`
    const { available, quantities, product } = (await get(url)).json()
    t.match(entry, { available, quantities, product_id: product.id, name: product.name })
  }
  t.strictSame(newCalls(), [])
})

tap.test('omits a SKU that several products of one merchant make ambiguous', async (t) => {
  const { get, sandbox } = await shared
  const ambiguous = Array.from(sandbox.data.products.values()).filter(({ sku }) => sku === 'EARL-GREY')
  t.equal(ambiguous.length, 2)
  const listed = (await get('/stock/low?below=1e9')).json().data
  t.notOk(listed.some(({ sku }: Entry) => sku === 'EARL-GREY'))
  t.strictSame(
    listed.flatMap((entry: Entry & { product_id: string }) => (entry.sku === 'HONEY-1' ? [entry.product_id] : [])),
    ['prod_honey_b', 'prod_honey_a'],
    'products of two merchants are listed separately',
  )
  const { warehouse_customer_id } = ambiguous[0] ?? {}
  const stock = await get(`/products/EARL-GREY/stock?warehouse_customer_id=${warehouse_customer_id}`)
  t.equal(stock.json().code, 'sku_ambiguous', 'the stock route does not answer it either')
})

tap.test('omits an inactive product whose SKU selects an active one', async (t) => {
  const { get } = await shared
  const skus = (await get('/stock/low?below=21')).json().data.map(({ sku }: Entry) => sku)
  t.notOk(skus.includes('CHAI-50'), '21 are available, not 3')
})

tap.test('filters by merchant and by warehouse', async (t) => {
  const { get } = await shared
  const data = async (query: string) => summaries((await get(`/stock/low?${query}`)).json().data)
  t.strictSame(await data('below=9&warehouse_customer_id=cust_borealis'), [['HONEY-1', 4]])
  t.strictSame(await data('below=9&warehouse_customer_id=nobody'), [])
  const pooled = await data('below=6&warehouse_id=wh_oslo&warehouse_id=wh_porto')
  t.strictSame(
    pooled.find(([sku]) => sku === 'TRAVEL-SET'),
    ['TRAVEL-SET', 5],
    'pooled, the warehouses can build more than their 3 and 1',
  )
  t.strictSame(
    (await data('below=6&warehouse_id=wh_oslo')).find(([sku]) => sku === 'TRAVEL-SET'),
    ['TRAVEL-SET', 3],
  )
  t.notOk((await data('below=1e9&warehouse_id=nowhere')).some(([, available]) => available !== 0))
})

tap.test('shows a change immediately', async (t) => {
  const { get, move } = await startMirrored(t, { sandbox: { products: 30 } })
  await move('inv_gaiwan', -9)
  // The products that use an item are updated in turns of 2 ms, which a busy machine may need several of.
  await settle()
  const reply = await get('/stock/low?below=1')
  t.strictSame(
    summaries(reply.json().data).map(([sku]) => sku),
    ['CEYLON-500', 'DARJEELING-500', 'GIFT-CARD', 'GONGFU-SET', 'MATCHA-KIT', 'PUERH-357', 'TASTING-SET'],
  )
})

tap.test('pages list every unchanged SKU once while stock changes', async (t) => {
  const { get, move, sandbox } = await startMirrored(t, { sandbox: { products: 300 } })
  const all: Entry[] = (await get('/stock/low?below=60&limit=1000')).json().data
  const seen: (Entry & { product_id: string })[] = []
  const moved = new Set(['LIVE-JASMINE', 'LIVE-GIFT'])
  for (let query = ''; ; ) {
    const { data, next_token } = (await get(`/stock/low?below=60&limit=7${query}`)).json()
    t.ok(data.length <= 7)
    seen.push(...data)
    if (next_token === null) break
    t.match(next_token, /^[\w-]+$/)
    query = `&page_token=${next_token}`
    await move('inv_jasmine', sandbox.data.inventory.get('inv_jasmine')?.onhand === 44 ? -20 : 2, 'wh_oslo')
  }
  const still = (entries: readonly Entry[]) => summaries(entries.filter(({ sku }) => !moved.has(sku)))
  t.strictSame(still(seen), still(all))
  t.ok(seen.length > 50)
})

tap.test('rejects invalid requests', async (t) => {
  const { get } = await shared
  const wrong = [
    ['', 'below'],
    ['below=', 'below'],
    ['below=x', 'below'],
    ['below=-1', 'below'],
    ['below=Infinity', 'below'],
    ['below=NaN', 'below'],
    ['below=1e10', 'below'],
    ['below=1&below=2', 'below'],
    ['below=1&limit=0', 'limit'],
    ['below=1&limit=1001', 'limit'],
    ['below=1&limit=1.5', 'limit'],
    ['below=1&limit=all', 'limit'],
    ['below=1&page_token=', 'page_token'],
    ['below=1&page_token=nonsense', 'page_token'],
    ['below=1&page_token=WzFd', 'page_token'],
    [`below=1&page_token=${'x'.repeat(2049)}`, 'page_token'],
    ['below=1&warehouse_id=', 'warehouse_id[0]'],
    ['below=1&warehouse_customer_id=', 'warehouse_customer_id'],
    ['below=1&include=lots', 'include'],
  ] as const
  for (const [query, field] of wrong) {
    const reply = await get(`/stock/low?${query}`)
    t.equal(reply.statusCode, 400, query)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, query)
  }
  t.equal((await get('/stock/low?below=1', { accept: 'text/html' })).statusCode, 406)
  t.equal((await get('/stock/low?below=0')).json().data.length, 0)
  t.equal((await get('/stock/low?below=1&limit=1000')).statusCode, 200)
})

/** The route alone, with a catalog that the test defines. */
async function startAlone(products: Parameters<typeof viewOf>[0], inTurns: InTurns = inTurnsAtOnce) {
  const app = Fastify()
  await app.register(problemDetails)
  for (const schema of [...stockSchemas, LowStock]) app.addSchema(schema)
  const view = viewOf(products, [])
  const feed = new StockFeed(view, 'run', Date.now)
  const catalog = { mirrored: { ...view, isAuthoritative: true }, state: { mirror: { state: 'live' } } }
  await withConnection(app, { catalog, feed })
  await app.register(lowStockRoute, { inTurns } as unknown as CatalogRouteOptions)
  return { app, start: () => feed.start(async () => {}) }
}

tap.test('answers mirror_loading until the feed is live', async (t) => {
  const { app, start } = await startAlone([simple('a')])
  const early = await app.inject('/stock/low?below=1')
  t.equal(early.statusCode, 503)
  t.match(early.json(), { code: 'mirror_loading', retry_after: 1 })
  await start()
  t.match((await app.inject('/stock/low?below=1')).json(), { data: [{ sku: 'A', available: 0 }] })
})

tap.test('does not delay other requests while it reads a large catalog', async (t) => {
  // Each reading moves this clock, so that the number of turns does not depend on the speed of the machine.
  let ms = 0
  const elapsed = () => {
    ms += 0.01
    return ms
  }
  const inTurns = createInTurns(new WorkTurns({ elapsed }), Number.POSITIVE_INFINITY, elapsed)
  const products = Array.from({ length: 5000 }, (_, n) => simple(`p${n}`))
  const { app, start } = await startAlone(products, inTurns)
  app.decorateRequest('client', { getter: () => 'shop' })
  await start()
  let turns = 0
  let isDone = false
  const count = () => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  t.equal((await app.inject('/stock/low?below=1&warehouse_id=wh_oslo')).statusCode, 200)
  isDone = true
  t.ok(turns >= 9, `${turns} turns of the event loop`)
})
