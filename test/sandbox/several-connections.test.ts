import tap, { type Test } from 'tap'
import { namePattern } from '../../src/config/formats.js'
import { createSandbox, createSandboxServer, type ServedConnection } from '../../src/sandbox/sandbox.js'
import { maxConnections, severalConnections } from '../../src/sandbox/several-connections.js'
import { startReceiver } from './webhook-receiver.js'

const optionsOf = (count: number, options = {}) => {
  const [first, ...others] = severalConnections(count, { products: 60, readRate: 0, ...options })
  return [first.options, ...others.map((one) => one.options)] as const
}

/** Starts three connections behind one address. */
async function start(t: Test, options = {}) {
  const server = createSandboxServer(optionsOf(3, options))
  const address = await server.listen()
  t.teardown(() => server.close())
  const [one, two, three] = server.connections as readonly [ServedConnection, ServedConnection, ServedConnection]
  const call = async (
    token: string | undefined,
    path: string,
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const headers = new Headers({ 'x-trackstar-api-key': 'sandbox-api-key', ...init.headers })
    if (token !== undefined) headers.set('x-trackstar-access-token', token)
    const response = await fetch(address + path, { ...init, headers })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as { data: { fulfillable?: number } },
    }
  }
  const as = ({ credentials }: ServedConnection, path: string, init?: Parameters<typeof call>[2]) =>
    call(credentials.accessToken, path, init)
  return { one, two, three, call, as }
}

tap.test('names as many connections as are requested, each name, token and id once', async (t) => {
  const all = severalConnections(maxConnections)
  const names = all.map(({ name }) => name)
  t.strictSame(names.slice(0, 3), ['one', 'two', 'three'])
  t.strictSame([names[11], names[19], names[20], names.at(-1)], ['twelve', 'twenty', 'twenty-one', 'ninety-nine'])
  t.ok(names.every((name) => namePattern.test(name)))
  for (const values of [names, all.map((one) => one.options.accessToken), all.map((one) => one.options.connectionId)]) {
    t.equal(new Set(values).size, maxConnections)
  }
})

tap.test('the first of several connections is the one that a sandbox has otherwise', async (t) => {
  const { connections } = createSandboxServer(optionsOf(2))
  const [first, second] = connections
  const only = createSandbox({ products: 60, readRate: 0 })
  t.strictSame(first.credentials, only.credentials)
  t.equal(JSON.stringify([...first.data.inventory]), JSON.stringify([...only.data.inventory]))
  t.equal(second?.data.products.size, 60)
  const generated = 'inv_000000_a'
  t.not(second?.data.inventory.get(generated)?.onhand, first.data.inventory.get(generated)?.onhand)
})

tap.test('the access token chooses the connection, and the id that of a management path', async (t) => {
  const { one, two, three, as, call } = await start(t)
  const available = async (connection: ServedConnection) =>
    (await as(connection, '/wms/inventory/inv_cup')).body.data.fulfillable
  t.strictSame([await available(one), await available(two), await available(three)], [40, 80, 120])
  t.equal((await as(two, '/wms/products/prod_kettle')).status, 404)
  t.match(await call(undefined, '/connections/conn_sandbox_3'), {
    status: 200,
    body: { data: { id: 'conn_sandbox_3' } },
  })
  t.match((await as(one, '/connections/conn_sandbox_2')).body, { data: { id: 'conn_sandbox_2' } })
  t.strictSame(
    [one, two, three].map(({ calls }) => calls.length),
    [1, 3, 2],
  )
})

tap.test('refuses an unknown token or id without counting it for any connection', async (t) => {
  const { one, two, three, call } = await start(t)
  t.equal((await call('token-of-nobody', '/wms/products')).status, 401)
  t.equal((await call(undefined, '/wms/products')).status, 401)
  t.equal((await call(undefined, '/connections/conn_nobody')).status, 404)
  t.strictSame([one.calls, two.calls, three.calls], [[], [], []])
})

tap.test('a replaced token chooses the same connection, and the one before is refused', async (t) => {
  const { two, call, as } = await start(t)
  const before = two.credentials.accessToken
  two.credentials.accessToken = 'new-token'
  t.equal((await as(two, '/wms/inventory/inv_cup')).body.data.fulfillable, 80)
  t.equal((await call(before, '/wms/inventory/inv_cup')).status, 401)
})

tap.test('rates, faults, idempotency keys and changes are of one connection', async (t) => {
  let now = 10_000
  const { one, two, as } = await start(t, { readRate: 2, now: () => now })
  for (const status of [200, 200, 429]) t.equal((await as(one, '/wms/warehouses')).status, status)
  t.equal((await as(two, '/wms/warehouses')).status, 200)
  now += 2000
  one.fault('*', { status: 500 })
  t.equal((await as(one, '/wms/products')).status, 500)
  t.equal((await as(two, '/wms/products')).status, 200)
  one.clearFaults()
  now += 2000
  const body = JSON.stringify({ quantity: 2, adjustment_type: 'increase' })
  const put = { method: 'PUT', body, headers: { 'idempotency-key': '1' } }
  t.equal((await as(two, '/wms/inventory/inv_cup/adjust', put)).body.data.fulfillable, 82)
  t.equal((await as(one, '/wms/inventory/inv_cup/adjust', put)).body.data.fulfillable, 42)
})

tap.test('webhooks carry the id of their connection', async (t) => {
  const { one, two } = await start(t)
  const receiver = await startReceiver(t)
  for (const connection of [one, two]) {
    connection.sendWebhooksTo(receiver.url)
    connection.move('inv_cup', { by: 1 })
    await connection.flushWebhooks()
  }
  t.match(
    receiver.received.map(({ body }) => body),
    [{ connection_id: 'conn_sandbox' }, { connection_id: 'conn_sandbox_2' }],
  )
})
