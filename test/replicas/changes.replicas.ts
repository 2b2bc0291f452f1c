import { Redis } from 'ioredis'
import tap from 'tap'
import { sandboxWebhookSecret } from '../../src/sandbox/sandbox.js'
import { eventually, type Replica, seen, startReplicas } from './replicas.js'

/** Mirrors that read changes so seldom that every change has come through Redis. */
const mirrored = {
  CATALOG_MODE: 'mirror',
  SYNC_INTERVAL_SECONDS: '3600',
  FULL_COMPARE_HOURS: '24',
  TRACKSTAR_READ_RATE: '1000',
  TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
}
const unlimited = { readRate: 0, writeRate: 0 }

const isLive = async ({ get }: Replica) => {
  const [connection] = (await get('/status')).body.connections
  return connection.mirror.state === 'live' && connection.mirror.pages_left === 0
}
const available = async ({ get }: Replica, sku: string) => (await get(`/products/${sku}/stock`)).body.available

tap.test('a change that one replica learns is known to all, in the order that is settled for all', async (t) => {
  const { sandbox, replicas, redis } = await startReplicas(t, 3, mirrored, unlimited)
  const [one, two, three] = replicas
  if (!one || !two || !three) throw new Error('expected three replicas')
  await eventually(async () => (await Promise.all(replicas.map(isLive))).every(Boolean))
  sandbox.sendWebhooksTo(`${one.address}/webhooks/trackstar`, [sandboxWebhookSecret])
  for (let n = 0; n < 20; n++) sandbox.move('inv_jasmine', { by: n % 3 === 0 ? 5 : -2, warehouse_id: 'wh_oslo' })
  await sandbox.flushWebhooks()
  const { fulfillable } = sandbox.data.inventory.get('inv_jasmine') ?? {}
  for (const replica of replicas) {
    await eventually(async () => (await available(replica, 'LIVE-JASMINE')) === fulfillable)
  }
  t.equal((await one.get('/status')).body.connections[0].webhooks.received, 20)

  sandbox.sendWebhooksTo(undefined)
  const adjusted = await fetch(`${two.address}/inventory/inv_jasmine/adjust`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ quantity: 7, adjustment_type: 'increase' }),
  })
  t.equal(adjusted.status, 200)
  for (const replica of replicas) {
    await eventually(async () => (await available(replica, 'LIVE-JASMINE')) === Number(fulfillable) + 7)
  }

  const client = new Redis(redis.url)
  const keys = await client.keys('*')
  const records = keys.find((key) => key.endsWith(':records'))
  const written = [keys, await client.hgetall(records ?? '')]
  t.ok(Object.keys(written[1] ?? {}).length > 500)
  client.disconnect()
  const { apiKey, accessToken } = sandbox.credentials
  t.notMatch(JSON.stringify(written), apiKey, 'no API key in Redis')
  t.notMatch(JSON.stringify(written), accessToken, 'no access token in Redis')
})

tap.test('replicas that changed apart while Redis was gone have one picture when it is back, empty', async (t) => {
  const { sandbox, replicas, redis } = await startReplicas(t, 2, mirrored, unlimited)
  const [one, two] = replicas
  if (!one || !two) throw new Error('expected two replicas')
  await eventually(async () => (await Promise.all(replicas.map(isLive))).every(Boolean))
  const states = async (wanted: 'ok' | 'down') => (await seen(replicas)).every((state) => state?.redis === wanted)
  await redis.stop()
  await eventually(() => states('down'))
  // Each of them hears of one change.
  sandbox.sendWebhooksTo(`${one.address}/webhooks/trackstar`, [sandboxWebhookSecret])
  sandbox.move('inv_jasmine', { by: 5, warehouse_id: 'wh_oslo' })
  await sandbox.flushWebhooks()
  sandbox.sendWebhooksTo(`${two.address}/webhooks/trackstar`, [sandboxWebhookSecret])
  sandbox.change('products', 'prod_cup', { name: 'Teacup' })
  await sandbox.flushWebhooks()
  sandbox.sendWebhooksTo(undefined)
  const { fulfillable } = sandbox.data.inventory.get('inv_jasmine') ?? {}
  t.equal(await available(one, 'LIVE-JASMINE'), fulfillable)
  t.not(await available(two, 'LIVE-JASMINE'), fulfillable)
  await redis.start()
  await eventually(() => states('ok'))
  for (const replica of replicas) {
    await eventually(async () => (await available(replica, 'LIVE-JASMINE')) === fulfillable)
    await eventually(async () => (await replica.get('/products/CUP/stock')).body.product.name === 'Teacup')
  }
  t.pass('both know both changes')
})
