import tap from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { type Sandbox, sandboxWebhookSecret } from '../../../src/sandbox/sandbox.js'
import { eventually, RunningClock, type Service, type ServiceOptions, startService } from '../../harness.js'

type T = Parameters<typeof startService>[0]

/** A mirrored service that answers before the load is complete. */
function startMirror(t: T, { environment, ...options }: ServiceOptions = {}): Promise<Service> {
  return startService(t, {
    ...options,
    sandbox: { products: 40, ...options.sandbox },
    environment: {
      CATALOG_MODE: 'mirror',
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
      ...environment,
    },
  })
}

const mirrorOf = async ({ get }: Service) => (await get('/status')).json().connections[0].mirror
const isLive = async (service: Service) => {
  const { state, pages_left } = await mirrorOf(service)
  return state === 'live' && pages_left === 0
}
const available = async ({ get }: Service, sku: string) =>
  (await get(`/products/${encodeURIComponent(sku)}/stock`)).json().available

/** A service whose mirror is live, and that receives webhooks. */
async function liveMirror(t: T, options: ServiceOptions = {}) {
  const service = await startMirror(t, options)
  const port = await service.listen()
  await eventually(() => isLive(service))
  service.sandbox.sendWebhooksTo(`http://127.0.0.1:${port}/webhooks/trackstar`)
  await eventually(() => service.sandbox.calls.some(({ path }) => path.startsWith('/connections/')))
  service.newCalls()
  return service
}

const adding = (sandbox: Sandbox, sku: string, onhand: number) => {
  sandbox.add('inventory', newItem(`inv_${sku}`, sku, sku, [['wh_oslo', counts(onhand)]]))
  sandbox.add('products', newProduct(`prod_${sku}`, sku, sku, [needs(`inv_${sku}`, sku)]))
}

tap.test('answers for every SKU, known or not, without a call once it is loaded', async (t) => {
  const service = await liveMirror(t)
  const { sandbox, get, newCalls } = service
  const skus = new Set(Array.from(sandbox.data.products.values(), ({ sku }) => sku ?? ''))
  const askForAll = async () => {
    const ambiguous: string[] = []
    for (const sku of skus) {
      const { statusCode } = await get(`/products/${encodeURIComponent(sku)}/stock`)
      if (statusCode === 409) ambiguous.push(sku)
      else t.equal(statusCode, 200, sku)
    }
    t.strictSame(ambiguous.toSorted(), ['EARL-GREY', 'HONEY-1'])
  }
  await askForAll()
  t.strictSame(
    newCalls().toSorted(),
    ['prod_earl_1,prod_earl_2', 'prod_honey_a,prod_honey_b'].map((ids) => `GET /wms/products?ids[in]=${ids}`),
    'only an ambiguous SKU is confirmed, once',
  )
  await askForAll()
  t.equal((await get('/products/none/stock')).statusCode, 404)
  t.equal((await get('/inventory/none')).statusCode, 404)
  t.match(await get('/products/SENCHA-100/stock'), { headers: { 'cache-status': 'trackstar-bff; hit' } })
  t.strictSame(newCalls(), [])
  const { size } = sandbox.data.products
  t.match(await mirrorOf(service), { products: size, inventory: sandbox.data.inventory.size, doubtful: [] })
})

tap.test('serves callers by read-through while it loads, ahead of the load', async (t) => {
  const service = await startMirror(t, {
    sandbox: { products: 3000 },
    environment: { TRACKSTAR_READ_RATE: '2' },
  })
  const { get, sandbox } = service
  await service.listen()
  await eventually(() => sandbox.calls.length >= 2)
  t.equal((await get('/stock/low?below=5')).json().code, 'mirror_loading')
  t.equal((await mirrorOf(service)).state, 'loading')
  const from = sandbox.calls.length
  t.equal(await available(service, 'SENCHA-100'), 38)
  const calls = sandbox.calls.slice(from).filter(({ path }) => /products|inventory/.test(path))
  t.ok(calls.findIndex(({ url }) => url.includes('sku')) <= 1, 'at most behind the call that was in flight')
})

tap.test("shows a webhook's change at once in each product and kit with the item", async (t) => {
  const service = await liveMirror(t)
  const { sandbox, newCalls } = service
  const before = await available(service, 'TASTING-SET')
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await available(service, 'CUP')) === 30)
  t.ok((await available(service, 'TASTING-SET')) < before)
  t.strictSame(newCalls(), [])
})

tap.test('finds a product as soon as its webhook arrives, and by its new SKU only', async (t) => {
  const service = await liveMirror(t)
  const { sandbox, get, newCalls } = service
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  adding(sandbox, 'NEW', 7)
  await eventually(async () => (await available(service, 'NEW')) === 7)
  t.match((await get('/inventory/inv_NEW/products')).json(), { data: [{ sku: 'NEW' }] })
  sandbox.change('products', 'prod_NEW', { sku: 'NEWER' })
  await eventually(async () => (await available(service, 'NEWER')) === 7)
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  t.strictSame(newCalls(), [])
})

tap.test('reads the record of a truncated webhook', async (t) => {
  const service = await liveMirror(t)
  const { sandbox, newCalls } = service
  sandbox.webhookFaults = { truncateEvery: 1 }
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await available(service, 'CUP')) === 30)
  sandbox.change('products', 'prod_cup', { name: 'Cup, blue' })
  await eventually(async () => (await service.get('/products/CUP')).json().data.name === 'Cup, blue')
  t.strictSame(newCalls(), ['GET /wms/inventory?ids[in]=inv_cup', 'GET /wms/products?ids[in]=prod_cup'])
})

tap.test('ends in the same state however webhooks are lost, repeated or reordered', async (t) => {
  const service = await liveMirror(t)
  const { sandbox } = service
  sandbox.webhookFaults = { repeatEvery: 2, reorderWindow: 5, truncateEvery: 3 }
  for (let n = 0; n < 20; n++) sandbox.move('inv_cup', { by: n % 3 === 0 ? 2 : -1 })
  await sandbox.flushWebhooks()
  const there = sandbox.data.inventory.get('inv_cup')?.fulfillable
  await eventually(async () => (await available(service, 'CUP')) === there)
})

tap.test('shows a change without a webhook within the interval, in two calls', async (t) => {
  const service = await startMirror(t, { environment: { SYNC_INTERVAL_SECONDS: '1' } })
  const { sandbox, newCalls } = service
  await service.listen()
  await eventually(() => isLive(service))
  await eventually(() => newCalls().length > 0)
  const syncedAt = (await mirrorOf(service)).synced_at
  sandbox.move('inv_cup', { by: -10 })
  newCalls()
  await eventually(async () => (await available(service, 'CUP')) === 30)
  const calls = newCalls().filter((call) => !call.includes('/connections/'))
  t.equal(calls.length, 2)
  t.match(calls[0], /^GET \/wms\/products\?trackstar_updated_date\[gte\]=.*&limit=1000$/)
  t.match(calls[1], /^GET \/wms\/inventory\?trackstar_updated_date\[gte\]=/)
  await eventually(async () => (await mirrorOf(service)).synced_at > syncedAt)
})

tap.test('reloads for no-cache, and removes what no longer exists', async (t) => {
  const clock = new RunningClock()
  const service = await liveMirror(t, { clock })
  const { sandbox, get, newCalls } = service
  sandbox.sendWebhooksTo(undefined)
  adding(sandbox, 'NEW', 7)
  t.equal((await get('/products/NEW/stock')).statusCode, 404)
  clock.advance(1100)
  t.equal((await get('/products/NEW/stock', { 'cache-control': 'no-cache' })).json().available, 7)
  t.equal(await available(service, 'NEW'), 7)
  sandbox.remove('products', 'prod_NEW')
  t.equal(await available(service, 'NEW'), 7, 'upstream announces no deletion')
  newCalls()
  clock.advance(1100)
  t.match((await get('/products/NEW/stock', { 'cache-control': 'no-cache' })).json(), { available: 7, stale: true })
  await eventually(async () => (await get('/products/NEW/stock')).statusCode === 404)
  t.ok(newCalls().includes('GET /wms/products?ids[in]=prod_NEW'), 'confirmed by id')
})

tap.test("reports that upstream's first sync is unfinished until it is finished", async (t) => {
  const service = await startMirror(t)
  const { sandbox, get } = service
  sandbox.connection.beginHistoricalSync('inventory')
  const port = await service.listen()
  await eventually(() => isLive(service))
  t.strictSame((await mirrorOf(service)).doubtful, ['inventory'])
  const { complete, issues } = (await get('/products/CUP/stock')).json()
  t.equal(complete, false)
  t.ok(issues.some(({ code }: { code: string }) => code === 'upstream_sync_incomplete'))
  sandbox.sendWebhooksTo(`http://127.0.0.1:${port}/webhooks/trackstar`)
  sandbox.connection.finishHistoricalSync('inventory')
  for (const id of ['inv_cup', 'inv_sencha']) sandbox.change('inventory', id, {})
  await sandbox.flushWebhooks()
  await eventually(async () => (await get('/products/CUP/stock')).json().complete === true)
  t.strictSame((await mirrorOf(service)).doubtful, [])
})

tap.test('reads the connection again after its webhooks', async (t) => {
  const service = await liveMirror(t)
  const { sandbox, get } = service
  const errors = async () => (await get('/status')).json().connections[0].source?.errors.length
  t.equal(await errors(), 0)
  const id = sandbox.connection.addError({ error_message: 'the warehouse is closed' })
  await eventually(async () => (await errors()) === 1)
  sandbox.connection.removeError(id)
  await eventually(async () => (await errors()) === 0)
})

tap.test('takes warehouse names from webhooks', async (t) => {
  const service = await liveMirror(t)
  service.sandbox.change('warehouses', 'wh_oslo', { name: 'Oslo, new pier' })
  await eventually(async () => (await service.get('/warehouses/wh_oslo')).json().data.name === 'Oslo, new pier')
})

tap.test('shows an adjustment in the next stock', async (t) => {
  const service = await liveMirror(t)
  const { app, sandbox, newCalls } = service
  sandbox.sendWebhooksTo(undefined)
  const adjust = () =>
    app.inject({
      method: 'PUT',
      url: '/inventory/inv_cup/adjust',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
      payload: { quantity: 5, adjustment_type: 'decrease' },
    })
  t.equal((await adjust()).statusCode, 200)
  t.equal(await available(service, 'CUP'), 35)
  sandbox.sendWebhooksTo(`http://127.0.0.1:${await service.listen()}/webhooks/trackstar`)
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await available(service, 'CUP')) === 25)
  t.equal((await adjust()).headers['idempotent-replayed'], 'true')
  t.equal(await available(service, 'CUP'), 25, 'the record of a replay is old')
  t.strictSame(newCalls(), ['PUT /wms/inventory/inv_cup/adjust', 'PUT /wms/inventory/inv_cup/adjust'])
})

tap.test('stays ready if it may not write', async (t) => {
  const service = await liveMirror(t)
  service.sandbox.fault('*', { status: 403, method: 'PUT' })
  const { statusCode } = await service.app.inject({
    method: 'PUT',
    url: '/inventory/inv_cup/adjust',
    headers: { 'content-type': 'application/json' },
    payload: { quantity: 5, adjustment_type: 'decrease' },
  })
  t.equal(statusCode, 403)
  t.equal((await service.get('/readyz')).statusCode, 200)
})
