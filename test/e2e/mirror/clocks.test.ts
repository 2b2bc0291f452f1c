import tap from 'tap'
import { eventually, RunningClock, type Service, startService } from '../../harness.js'
import { startMirrored } from './mirrored.js'

const thirtyHours = 30 * 3600_000

/** The stock of a SKU, whether its `as_of` has passed within the last minute, and its `Age` is less than that. */
async function stockOf({ get }: Service, clock: RunningClock, sku: string) {
  const reply = await get(`/products/${sku}/stock`)
  const { as_of, stale, available } = reply.json()
  const isPast = Date.parse(as_of) <= clock.now() && Date.parse(as_of) > clock.now() - 60_000
  return { available, stale, isPast, isYoung: Number(reply.headers.age) < 60 }
}

tap.test('regression: a wall clock that was set ahead and back made a mirror stale for hours', async (t) => {
  const clock = new RunningClock()
  const environment = { SYNC_INTERVAL_SECONDS: '1', FULL_COMPARE_HOURS: '0.01' }
  const service = await startMirrored(t, { clock, environment })
  const { get, sandbox } = service
  /** Waits for an incremental read that begins after now. */
  const synced = async () => {
    const reads = () => sandbox.calls.filter(({ url }) => url.includes('updated_date')).length
    const before = reads()
    await eventually(() => reads() > before + 2)
  }
  const fresh = { available: 40, stale: false, isPast: true, isYoung: true }
  clock.setWallClock(thirtyHours)
  t.match(await stockOf(service, clock, 'CUP'), fresh, 'set ahead')
  await synced()
  t.match(await stockOf(service, clock, 'CUP'), fresh, 'read while the wall clock is ahead')
  clock.setWallClock(-thirtyHours)
  t.match(await stockOf(service, clock, 'CUP'), fresh, 'corrected')
  const { synced_at } = (await get('/status')).json().connections[0].mirror
  t.ok(Date.parse(synced_at) <= clock.now())

  sandbox.remove('products', 'prod_cup')
  clock.advance(40_000)
  await eventually(async () => (await get('/products/CUP/stock')).statusCode === 404)
  t.pass('comparisons go on')
})

tap.test('regression: a wall clock that was set ahead and back made cached records stale', async (t) => {
  const clock = new RunningClock()
  const service = await startService(t, { clock })
  const fresh = { available: 40, stale: false, isPast: true, isYoung: true }
  t.match(await stockOf(service, clock, 'CUP'), fresh)
  const calls = service.newCalls().length
  clock.setWallClock(thirtyHours)
  t.match(await stockOf(service, clock, 'CUP'), fresh)
  t.equal((await service.get('/products/SENCHA-100/stock')).statusCode, 200)
  clock.setWallClock(-thirtyHours)
  for (const sku of ['CUP', 'SENCHA-100']) {
    t.match(await stockOf(service, clock, sku), { stale: false, isPast: true, isYoung: true }, sku)
  }
  clock.setWallClock(-thirtyHours)
  t.match(await stockOf(service, clock, 'CUP'), fresh, 'set back further')
  t.ok(service.newCalls().length <= calls + 2, 'no read was needed')
})
