import { pino } from 'pino'
import tap from 'tap'
import { eventually, RunningClock, type Service, type ServiceOptions, startService } from '../../harness.js'
import { isCompared } from './mirrored.js'

type T = Parameters<typeof startService>[0]

function startMirror(t: T, { environment, ...options }: ServiceOptions = {}): Promise<Service> {
  return startService(t, { ...options, environment: { CATALOG_MODE: 'mirror', ...environment } })
}

const mirrorOf = async ({ get }: Service) => (await get('/status')).json().connections[0].mirror
const stateIs = (service: Service, state: string) => async () => (await mirrorOf(service)).state === state

tap.test('continues loading with the failed page after upstream was down', async (t) => {
  const service = await startMirror(t, { sandbox: { products: 1200, itemsPerProduct: 1 } })
  const { sandbox } = service
  sandbox.fault('/wms/inventory', { status: 500, times: 1 })
  await service.listen()
  await eventually(stateIs(service, 'live'))
  const { products, inventory } = sandbox.data
  t.match(await mirrorOf(service), { products: products.size, inventory: inventory.size })
  const pages = Math.ceil(products.size / 1000) + Math.ceil(inventory.size / 1000)
  const lists = sandbox.calls.filter(({ path }) => path === '/wms/products' || path === '/wms/inventory')
  const loading = lists.findIndex(({ url }) => url.includes('trackstar_updated_date'))
  t.equal(loading, pages + 1, 'only the failed page was read twice')
})

tap.test('restarts a list whose page tokens have expired', async (t) => {
  const service = await startMirror(t, {
    sandbox: { products: 1200, itemsPerProduct: 1 },
    environment: { TRACKSTAR_READ_RATE: '1000' },
  })
  const { sandbox } = service
  sandbox.options.latencyMs = 20
  await service.listen()
  await eventually(() => sandbox.calls.some(({ url }) => url.includes('page_token')))
  sandbox.expirePageTokens()
  await eventually(stateIs(service, 'live'))
  t.match(await mirrorOf(service), { products: sandbox.data.products.size, inventory: sandbox.data.inventory.size })
})

tap.test('falls back to read-through when the catalog does not fit in memory, and logs it once', async (t) => {
  const lines: string[] = []
  const service = await startMirror(t, {
    sandbox: { products: 1500 },
    environment: { CACHE_MAX_MB: '1' },
    logger: () => pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
  })
  await service.listen()
  await eventually(stateIs(service, 'off'))
  t.equal((await service.get('/products/SENCHA-100/stock')).json().available, 38)
  t.equal((await service.get('/products/none/stock')).statusCode, 404)
  for (const url of ['/stock/low?below=5', '/inventory/inv_cup/products', '/stock/events']) {
    t.match(await service.get(url), { statusCode: 501, body: /requires_mirror/ }, url)
  }
  const logged = lines.filter((line) => line.includes('CACHE_MAX_MB'))
  t.equal(logged.length, 1)
  t.match(logged[0], /falling back to read-through/)
})

tap.test('stops being authoritative when upstream is down too long, and recovers', async (t) => {
  const clock = new RunningClock()
  const service = await startMirror(t, {
    clock,
    environment: { SYNC_INTERVAL_SECONDS: '1', CACHE_MAX_STALE_SECONDS: '600', CACHE_REVALIDATE_SECONDS: '60' },
  })
  const { sandbox, get } = service
  await service.listen()
  await eventually(() => isCompared(service))
  sandbox.fault('*', { status: 500 })
  clock.advance(400_000)
  t.match((await get('/products/CUP/stock')).json(), { available: 40, stale: true })
  t.equal((await get('/products/none/stock')).statusCode, 404)
  clock.advance(400_000)
  t.equal((await get('/products/CUP/stock')).statusCode, 503)
  t.equal((await get('/products/none/stock')).statusCode, 503, 'it may have been added meanwhile')
  t.equal((await get('/stock/low?below=5')).json().code, 'mirror_loading')
  sandbox.clearFaults()
  await eventually(async () => (await get('/products/CUP/stock')).statusCode === 200)
  await eventually(async () => (await get('/stock/low?below=5')).statusCode === 200)
  t.match((await get('/products/CUP/stock')).json(), { available: 40, stale: false })
})

tap.test('stops calling upstream when it closes during a load', async (t) => {
  const service = await startMirror(t, { sandbox: { products: 3000 }, environment: { TRACKSTAR_READ_RATE: '4' } })
  const { app, sandbox } = service
  await service.listen()
  await eventually(() => sandbox.calls.length > 0)
  await app.close()
  const { length } = sandbox.calls
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal(sandbox.calls.length, length)
})
