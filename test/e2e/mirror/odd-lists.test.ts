import tap from 'tap'
import { eventually, startService } from '../../harness.js'
import { isCompared, startMirrored } from './mirrored.js'

const follows = { SYNC_INTERVAL_SECONDS: '1' }
const toUpstreamDate = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

tap.test('regression: a change that upstream listed late, or after a wrong Date header, was missed', async (t) => {
  const { sandbox, get } = await startMirrored(t, { sandbox: { products: 20 }, environment: follows })
  const available = async (sku: string) => (await get(`/products/${sku}/stock`)).json().available
  const ahead = { date: new Date(Date.now() + 7_200_000).toUTCString() }
  sandbox.fault('/wms/*', { headers: ahead, times: 2 })
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await available('CUP')) === 30)
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await available('CUP')) === 20)
  const item = sandbox.data.inventory.get('inv_sencha')
  if (item === undefined) throw new Error('expected inv_sencha')
  Object.assign(item, { fulfillable: 1, trackstar_updated_date: toUpstreamDate(Date.now() - 200_000) })
  await eventually(async () => (await available('SENCHA-100')) === 1)
  t.match((await get('/products/SENCHA-100/stock')).json(), { available: 1, stale: false })
})

tap.test('regression: a record that paging hid from the load was denied', async (t) => {
  const service = await startService(t, { sandbox: { products: 20 }, environment: { CATALOG_MODE: 'mirror' } })
  const { sandbox, get } = service
  for (const [path, records, hidden] of [
    ['/wms/products', sandbox.data.products, 'prod_cup'],
    ['/wms/inventory', sandbox.data.inventory, 'inv_sencha'],
  ] as const) {
    const data = [...records.values()].filter(({ id }) => id !== hidden)
    sandbox.fault(path, { body: { data, next_token: null, total_count: data.length }, times: 1 })
  }
  await service.listen()
  const statuses = new Set<number>()
  await eventually(async () => {
    statuses.add((await get('/products/CUP/stock')).statusCode)
    statuses.add((await get('/inventory/inv_sencha')).statusCode)
    return isCompared(service)
  })
  t.strictSame([...statuses], [200])
  t.equal((await get('/products/CUP/stock')).json().available, 40)
})

tap.test('regression: pages that took longer than the timeout were loading forever', async (t) => {
  const service = await startService(t, {
    sandbox: { products: 400 },
    environment: { CATALOG_MODE: 'mirror', TRACKSTAR_TIMEOUT_MS: '300' },
  })
  const isTooLarge = (query: URLSearchParams) => Number(query.get('limit')) > 300
  service.sandbox.fault('/wms/products', { delayMs: 5000, matches: isTooLarge })
  service.sandbox.fault('/wms/inventory', { body: '{"data": [', matches: isTooLarge })
  await service.listen()
  await eventually(() => isCompared(service))
  const { mirror } = (await service.get('/status')).json().connections[0]
  const { products, inventory } = service.sandbox.data
  t.match(mirror, { state: 'live', products: products.size, inventory: inventory.size })
})

tap.test('regression: one unexpected answer stopped the mirror until the next start', async (t) => {
  const service = await startService(t, {
    sandbox: { products: 20 },
    environment: { CATALOG_MODE: 'mirror', ...follows, FULL_COMPARE_HOURS: '0.01' },
  })
  const { sandbox } = service
  const strange = [
    { status: 501 },
    { body: { data: [], next_token: 'again' } },
    { body: { data: [], next_token: 'again' } },
    { body: `{"data": [{"id": "deep", "x": ${'['.repeat(5000)}${']'.repeat(5000)}}], "next_token": null}` },
  ]
  for (const fault of strange.toReversed()) sandbox.fault('/wms/inventory', { ...fault, times: 1 })
  await service.listen()
  await eventually(() => isCompared(service))
  for (const fault of strange.toReversed()) sandbox.fault('/wms/*', { ...fault, times: 1 })
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await service.get('/products/CUP/stock')).json().available === 30)
  t.equal((await service.get('/status')).json().connections[0].mirror.state, 'live')
})
