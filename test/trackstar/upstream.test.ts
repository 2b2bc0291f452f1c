import tap, { type Test } from 'tap'
import { Agent } from 'undici'
import { createSandbox, type Fault } from '../../src/sandbox/sandbox.js'
import type { CallReport } from '../../src/trackstar/call.js'
import { failuresToOpen } from '../../src/trackstar/circuit-breaker.js'
import { createUpstream, inProcessLimiters } from '../../src/trackstar/upstream.js'
import { eventually, problemOf, RunningClock } from '../harness.js'

async function start(t: Test, { readRate = 1000, writeRate = 1000 } = {}) {
  const sandbox = createSandbox({ products: 40, readRate: 0, writeRate: 0 })
  const dispatcher = new Agent()
  const clock = new RunningClock()
  t.teardown(() => dispatcher.close())
  t.teardown(() => sandbox.close())
  t.intercept(Math, 'random', { value: () => 0 })
  const calls: CallReport[] = []
  const circuits: string[] = []
  const credentials: string[] = []
  const upstream = createUpstream({
    dispatcher,
    baseUrl: await sandbox.listen(),
    credentials: sandbox.credentials,
    limiters: inProcessLimiters({ readRate, writeRate }, clock),
    timeoutMs: 2000,
    clock,
    onCall: (call) => calls.push(call),
    onCircuit: (state) => circuits.push(state),
    onCredentials: (state, before) => credentials.push(`${before} → ${state}`),
  })
  const request = (ms = 3000) => {
    const deadline = clock.elapsed() + ms
    return { priority: 'caller', caller: 'anna', deadline: () => deadline } as const
  }
  const read = (ms?: number) =>
    upstream.trackstar.list('products', { limit: '1' }, { permitRequest: request(ms), cause: 'list' })
  let writes = 0
  const write = (ms?: number) =>
    upstream.adjust('inv_sencha', { quantity: 1, adjustment_type: 'increase' }, `key-${writes++}`, request(ms))
  return { sandbox, upstream, clock, calls, circuits, credentials, read, write }
}

tap.test('reads, writes, and reports each call', async (t) => {
  const { upstream, calls, read, write } = await start(t)
  t.equal((await read()).records.length, 1)
  t.match(await write(), { item: { id: 'inv_sencha' } })
  t.match(calls, [
    { route: '/wms/products', cause: 'list', outcome: '200' },
    { route: '/wms/inventory/{inventory_id}/adjust', cause: 'write', outcome: '200' },
  ])
  t.equal(upstream.limiter.state.usedLastSecond, 1, 'of reads')
})

tap.test('limits the rates of reads and writes separately', async (t) => {
  const { read, write } = await start(t, { readRate: 1, writeRate: 2 })
  await read()
  t.match(await problemOf(read(100)), { problem: 'overloaded' })
  await write(100)
  await write(100)
  t.match(await problemOf(write(100)), { problem: 'overloaded' })
})

tap.test('has refused credentials from a 401 or 403 until a call succeeds', async (t) => {
  for (const status of [401, 403]) {
    const { sandbox, upstream, credentials, read } = await start(t)
    t.equal(upstream.credentials, 'unknown')
    sandbox.fault('*', { status, times: 2 })
    await problemOf(read())
    t.equal(upstream.credentials, 'refused')
    sandbox.fault('*', { status: 422, times: 1 })
    await problemOf(read())
    t.equal(upstream.credentials, 'refused')
    sandbox.clearFaults()
    await read()
    t.equal(upstream.credentials, 'ok')
    await read()
    t.strictSame(credentials, ['unknown → refused', 'refused → ok'], 'reported once per change')
  }
})

tap.test('regression: a call with the token from before told that the new one is accepted', async (t) => {
  const { sandbox, upstream, read } = await start(t)
  for (const status of [200, 401]) {
    const { accessToken } = sandbox.credentials
    sandbox.fault('*', { delayMs: 100, times: 1, ...(status === 401 && { status }) })
    const before = sandbox.calls.length
    const reading = problemOf(read())
    await eventually(() => sandbox.calls.length > before)
    sandbox.credentials.accessToken = `${accessToken}-new`
    upstream.setAccessToken(sandbox.credentials.accessToken)
    await reading
    t.equal(sandbox.calls[before]?.headers['x-trackstar-access-token'], accessToken)
    t.equal(sandbox.calls[before]?.status, status)
    if (status === 200) t.equal(upstream.credentials, 'unknown')
    await read()
    t.equal(upstream.credentials, 'ok')
  }
})

tap.test('regression: a call without the access token, which succeeds, hid refused credentials', async (t) => {
  const { sandbox, upstream, read } = await start(t)
  sandbox.fault('/wms/*', { status: 401, times: 1 })
  await problemOf(read())
  const deadline = performance.now() + 3000
  const options = {
    permitRequest: { priority: 'caller', caller: 'status', deadline: () => deadline },
    cause: 'list',
  } as const
  await upstream.trackstar.connection(sandbox.credentials.connectionId, options)
  t.equal(upstream.credentials, 'refused')
  await read()
  t.equal(upstream.credentials, 'ok')
})

tap.test('keeps the credentials after the 403 of a write, which concerns writing', async (t) => {
  const { sandbox, upstream, write } = await start(t)
  sandbox.fault('*', { status: 403, times: 1 })
  t.match(await problemOf(write()), { problem: 'forbidden' })
  t.equal(upstream.credentials, 'unknown')
  sandbox.fault('*', { status: 401, times: 1 })
  await problemOf(write())
  t.equal(upstream.credentials, 'refused', 'a 401 refuses them')
})

tap.test('regression: a write that was refused only on its retry made the service unready', async (t) => {
  const { sandbox, upstream, calls, write } = await start(t)
  sandbox.fault('*', { status: 403, times: 1 })
  sandbox.fault('*', { reset: true, times: 1 })
  t.match(await problemOf(write()), { problem: 'forbidden' })
  t.match(calls, [{ cause: 'write' }, { cause: 'retry', outcome: '403' }])
  t.equal(upstream.credentials, 'unknown')
})

tap.test('regression: a warehouse system that failed for writes stopped all reads', async (t) => {
  const { sandbox, upstream, circuits, read, write } = await start(t)
  const calm = sandbox.fault('*', { status: 502, method: 'PUT' })
  for (let n = 0; n < failuresToOpen; n++) await problemOf(write())
  const before = sandbox.calls.length
  t.match(await problemOf(write()), { problem: 'upstream_unavailable' })
  t.equal(sandbox.calls.length, before, 'writes pause for a while')
  t.equal((await read()).records.length, 1)
  t.equal(upstream.breaker.state, 'closed')
  t.strictSame(circuits, [])
  calm()
})

tap.test("regression: six failures of one caller's SKU opened the breaker for everyone", async (t) => {
  const { sandbox, upstream, circuits, calls } = await start(t)
  for (const fault of [{ status: 500 }, { reset: true }, { body: '<h1>Oops</h1>' }]) {
    sandbox.fault('/wms/products/a%2Cb', fault)
    const deadline = performance.now() + 3000
    const permitRequest = { priority: 'caller', caller: 'anna', deadline: () => deadline } as const
    for (let n = 0; n < 2 * failuresToOpen; n++) {
      await problemOf(
        upstream.trackstar.recordsByIds('products', ['a,b'], { permitRequest, cause: 'miss', maxRetries: 0 }),
      )
    }
  }
  t.equal(upstream.breaker.state, 'closed')
  t.strictSame(circuits, [])
  t.ok(calls.some(({ cause }) => cause === 'check'))
})

tap.test('checks upstream with a call that contains nothing of a caller', async (t) => {
  const { sandbox, upstream, clock } = await start(t)
  const table: [Fault, string][] = [
    [{}, 'well'],
    [{ status: 501 }, 'well'],
    [{ status: 401 }, 'refusing'],
    [{ status: 403, body: '<h1>Blocked</h1>' }, 'refusing'],
    [{ status: 302 }, 'refusing'],
    [{ status: 500 }, 'failing'],
    [{ status: 200, body: '' }, 'failing'],
    [{ reset: true }, 'failing'],
    [{ status: 429, headers: { 'retry-after': '3' } }, 'unknown'],
    [{}, 'unknown'],
  ]
  for (const [fault, condition] of table) {
    sandbox.fault('*', { ...fault, times: 1 })
    t.equal(await upstream.condition(), condition, JSON.stringify(fault))
    sandbox.clearFaults()
    clock.advance(300)
  }
  t.equal(sandbox.calls.at(-1)?.url, '/wms/products?trackstar_updated_date%5Bgte%5D=9999-01-01T00%3A00%3A00Z&limit=1')
  t.equal(sandbox.calls.length, table.length - 1, 'no neutral call is made while calls are paused')
})

tap.test('shares a neutral call among simultaneous failures', async (t) => {
  const { sandbox, upstream } = await start(t)
  await Promise.all([upstream.condition(), upstream.condition()])
  t.equal(sandbox.calls.length, 1)
})

tap.test('reports when the breaker of reads opens', async (t) => {
  const { sandbox, upstream, circuits, read, write } = await start(t)
  sandbox.fault('*', { status: 500, method: 'GET' })
  for (let n = 0; n < failuresToOpen; n++) await problemOf(read())
  t.strictSame(circuits, ['open'])
  t.equal(upstream.breaker.state, 'open')
  t.match(await write(), { item: { id: 'inv_sencha' } })
})

tap.test("regression: a gateway's 403 made the service unready", async (t) => {
  const { sandbox, upstream, read, write } = await start(t)
  for (const status of [401, 403]) {
    for (const body of ['<h1>Forbidden</h1>', '', { message: 'Forbidden' }]) {
      sandbox.fault('*', { status, body, times: 2 })
      t.match(await problemOf(read()), { problem: 'upstream_invalid_response' })
      t.match(await problemOf(write()), { problem: 'upstream_invalid_response' })
      t.not(upstream.credentials, 'refused', `${status} ${JSON.stringify(body)}`)
    }
  }
})

tap.test('has refused credentials until Trackstar itself responds: an HTML page is not its response', async (t) => {
  const { sandbox, upstream, read } = await start(t)
  sandbox.fault('*', { status: 401, times: 1 })
  await problemOf(read())
  sandbox.fault('*', { status: 200, body: '<h1>Welcome</h1>', times: 1 })
  await problemOf(read())
  t.equal(upstream.credentials, 'refused')
  await read()
  t.equal(upstream.credentials, 'ok')
})
