import tap from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { eventually, RunningClock } from '../../harness.js'
import { startMirrored } from './mirrored.js'

const empty = { body: { data: [], next_token: null, total_count: 0 } }
const unreadable = { body: 'not JSON' }
const noCache = { 'cache-control': 'no-cache' }

/** A live mirror whose records were all read more than a second ago, so that `no-cache` reads upstream. */
async function start(t: Parameters<typeof startMirrored>[0], environment = {}) {
  const clock = new RunningClock()
  const service = await startMirrored(t, { clock, sandbox: { products: 20 }, environment })
  await eventually(async () => (await service.get('/status')).json().connections[0].mirror.state === 'live')
  clock.advance(2000)
  service.newCalls()
  const stock = async (sku: string, headers = {}) => (await service.get(`/products/${sku}/stock`, headers)).json()
  return { ...service, clock, stock }
}

tap.test('regression: one empty answer to one caller removed a record for everyone', async (t) => {
  const { sandbox, clock, get, stock, newCalls } = await start(t)
  for (const path of ['/wms/products', '/wms/inventory']) {
    clock.advance(2000)
    const clear = sandbox.fault(path, empty)
    t.match(await stock('CUP', noCache), { available: 40, stale: true }, path)
    t.match(await stock('CUP'), { available: 40, stale: true }, 'other callers get it too, as stale')
    t.equal((await get('/inventory/inv_cup')).statusCode, 200)
    clear()
    newCalls()
    await eventually(async () => (await stock('CUP')).stale === false)
    t.ok(
      newCalls().some((call) => call.includes(`${path}?ids[in]=`)),
      'it is read again by id',
    )
  }
  t.match(await stock('CUP'), { available: 40, complete: true })
})

tap.test('removes a record that a second answer lacks as well', async (t) => {
  const { sandbox, get, stock } = await start(t)
  sandbox.remove('products', 'prod_cup')
  t.match(await stock('CUP', noCache), { available: 40, stale: true })
  await eventually(async () => (await get('/products/CUP/stock')).statusCode === 404)
  sandbox.remove('inventory', 'inv_sencha')
  t.equal((await get('/inventory/inv_sencha', noCache)).statusCode, 200)
  await eventually(async () => (await get('/inventory/inv_sencha')).statusCode === 404)
})

tap.test('regression: a truncated delivery whose read came back empty or unreadable removed the record', async (t) => {
  const { sandbox, get, stock, deliver } = await start(t)
  for (const fault of [empty, unreadable, { status: 500 }]) {
    const clear = sandbox.fault('/wms/*', fault)
    const calls = sandbox.calls.length
    await deliver('product.updated', { id: 'prod_cup' }, { data_truncated: true })
    await deliver('inventory.updated', { id: 'inv_cup' }, { data_truncated: true })
    await eventually(() => sandbox.calls.length >= calls + 2)
    t.match(await stock('CUP'), { available: 40, stale: true }, JSON.stringify(fault))
    clear()
    await eventually(async () => (await stock('CUP')).stale === false)
    t.equal((await get('/inventory/inv_cup')).statusCode, 200)
  }
})

tap.test('regression: a truncated delivery about an id with a comma read two other ids', async (t) => {
  const { sandbox, stock, newCalls, deliver } = await start(t)
  sandbox.add('inventory', newItem('inv,1', 'COMMA', 'Comma', [['wh_oslo', counts(3)]]))
  sandbox.add('products', newProduct('prod,1', 'COMMA', 'Comma', [needs('inv,1', 'COMMA')]))
  await deliver('product.created', { id: 'prod,1' }, { data_truncated: true })
  await deliver('inventory.created', { id: 'inv,1' }, { data_truncated: true })
  await eventually(async () => (await stock('COMMA')).available === 3)
  t.match(
    newCalls()
      .filter((call) => call.includes('inv') || call.includes('prod,'))
      .sort(),
    [/^GET \/wms\/inventory\/inv,1/, /^GET \/wms\/products\/prod,1/],
  )
})

tap.test('regression: while most of a list was missing, records were removed and SKUs denied', async (t) => {
  const { sandbox, clock, get, stock, deliver, newCalls } = await start(t, {
    SYNC_INTERVAL_SECONDS: '1',
    FULL_COMPARE_HOURS: '0.01',
  })
  const clear = sandbox.fault('/wms/products', empty)
  clock.advance(60_000)
  await eventually(async () => {
    clock.advance(2000)
    return (await stock('CUP')).complete === false
  })
  t.match(await stock('CUP'), { available: 40, issues: [{ code: 'upstream_sync_incomplete' }] })
  await deliver('product.updated', { id: 'prod_cup' }, { data_truncated: true })
  await eventually(async () => (await stock('CUP')).stale === false)
  clock.advance(2000)
  t.match(await stock('CUP', noCache), { available: 40, complete: false })
  await eventually(async () => (await stock('CUP')).stale === false)
  t.match(await stock('CUP'), { available: 40, complete: false })
  newCalls()
  t.equal((await get('/products/UNKNOWN/stock')).statusCode, 404)
  t.match(newCalls().join(), /sku\[in\]=UNKNOWN/, 'an unknown SKU is looked up')
  clear()
})
