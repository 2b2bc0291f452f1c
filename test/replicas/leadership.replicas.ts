import tap from 'tap'
import { worstReadsPerSecond } from '../../src/sandbox/call-log.js'
import { eventually, type Replica, startReplicas } from './replicas.js'

const mirrored = { CATALOG_MODE: 'mirror', SYNC_INTERVAL_SECONDS: '1', FULL_COMPARE_HOURS: '24' }

const connection = async ({ get }: Replica) => (await get('/status')).body.connections[0]
const isLive = async (replica: Replica) => (await connection(replica)).mirror.state === 'live'
const areLive = async (replicas: readonly Replica[]) => (await Promise.all(replicas.map(isLive))).every(Boolean)
const available = async ({ get }: Replica, sku: string) => (await get(`/products/${sku}/stock`)).body.available

async function leaderOf(replicas: readonly Replica[]): Promise<Replica | undefined> {
  const leads = await Promise.all(replicas.map(async (replica) => (await connection(replica)).leader))
  return leads.filter(Boolean).length === 1 ? replicas[leads.indexOf(true)] : undefined
}

tap.test('one replica reads the catalog for all, and another one goes on when it is killed', async (t) => {
  const { sandbox, replicas, add } = await startReplicas(t, 3, mirrored, { products: 500 })
  await eventually(() => areLive(replicas))
  const isWhole = ({ path, query }: { path: string; query: URLSearchParams }) =>
    path === '/wms/products' && !query.has('trackstar_updated_date[gte]') && !query.has('page_token')
  await eventually(async () => sandbox.calls.filter(isWhole).length >= 2)
  t.ok(sandbox.calls.filter(isWhole).length < 4, 'one load, and the first comparison')
  for (const replica of replicas) t.equal((await connection(replica)).mirror.products, sandbox.data.products.size)

  const before = sandbox.calls.filter(isWhole).length
  const fourth = await add()
  await eventually(() => isLive(fourth))
  t.equal((await connection(fourth)).leader, false)
  t.equal((await connection(fourth)).mirror.products, sandbox.data.products.size)
  t.equal(sandbox.calls.filter(isWhole).length, before, 'it has the catalog from the others')

  const leader = await leaderOf(replicas)
  if (leader === undefined) throw new Error('expected one leader')
  leader.signal('SIGKILL')
  const left = [...replicas, fourth].filter((replica) => replica !== leader)
  sandbox.move('inv_jasmine', { by: 5, warehouse_id: 'wh_oslo' })
  const { fulfillable } = sandbox.data.inventory.get('inv_jasmine') ?? {}
  for (const replica of left) {
    await eventually(async () => (await available(replica, 'LIVE-JASMINE')) === fulfillable)
  }
  t.ok(await leaderOf(left), 'one of the others leads')
  t.ok(worstReadsPerSecond(sandbox.calls) <= 10, `${worstReadsPerSecond(sandbox.calls)} reads in a second`)
})

tap.test('a leader that slept through its lease changes nothing, and follows again', async (t) => {
  const { sandbox, replicas } = await startReplicas(t, 2, mirrored, { products: 50 })
  await eventually(() => areLive(replicas))
  const leader = await leaderOf(replicas)
  const other = replicas.find((replica) => replica !== leader)
  if (leader === undefined || other === undefined) throw new Error('expected one leader')
  leader.signal('SIGSTOP')
  await eventually(async () => (await connection(other)).leader)
  sandbox.move('inv_jasmine', { by: 5, warehouse_id: 'wh_oslo' })
  const { fulfillable } = sandbox.data.inventory.get('inv_jasmine') ?? {}
  await eventually(async () => (await available(other, 'LIVE-JASMINE')) === fulfillable)
  leader.signal('SIGCONT')
  await eventually(async () => (await available(leader, 'LIVE-JASMINE')) === fulfillable)
  await eventually(async () => !(await connection(leader)).leader)
  t.equal(await available(other, 'LIVE-JASMINE'), fulfillable)
  t.equal((await connection(other)).leader, true)
})
