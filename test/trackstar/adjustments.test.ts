import tap, { type Test } from 'tap'
import { Agent } from 'undici'
import type { ProblemCode } from '../../src/errors.js'
import { createSandbox } from '../../src/sandbox/sandbox.js'
import type { Adjustment } from '../../src/trackstar/adjustments.js'
import { createUpstream, inProcessLimiters } from '../../src/trackstar/upstream.js'
import { problemOf, RunningClock } from '../harness.js'

const path = '/wms/inventory/inv_sencha/adjust'
const five: Adjustment = { quantity: 5, adjustment_type: 'increase' }

/** A connection in front of a sandbox; retries come at once. */
async function start(t: Test) {
  const sandbox = createSandbox({ products: 40, readRate: 0, writeRate: 0 })
  const dispatcher = new Agent()
  const clock = new RunningClock()
  t.teardown(() => dispatcher.close())
  t.teardown(() => sandbox.close())
  t.intercept(Math, 'random', { value: () => 0 })
  const { adjust } = createUpstream({
    dispatcher,
    baseUrl: await sandbox.listen(),
    credentials: sandbox.credentials,
    limiters: inProcessLimiters({ readRate: 1000, writeRate: 1000 }, clock),
    timeoutMs: 2000,
    clock,
    onCall: () => {},
    onCircuit: () => {},
    onCredentials: () => {},
  })
  const request = () => {
    const deadline = clock.elapsed() + 5000
    return { priority: 'caller', caller: 'anna', deadline: () => deadline } as const
  }
  const sent = (id = 'inv_sencha', adjustment = five, key = 'key-1') => adjust(id, adjustment, key, request())
  return { sandbox, sent }
}

tap.test('adjusts an item and returns it as it is afterwards', async (t) => {
  const { sandbox, sent } = await start(t)
  const before = sandbox.data.inventory.get('inv_sencha')?.onhand ?? 0
  const given = { ...five, warehouse_id: 'wh_oslo', location_id: 'A-01' }
  const { item, body, isReplay } = await sent('inv_sencha', given)
  t.match(item, { id: 'inv_sencha', onhand: before + 5 })
  t.match(body, { id: 'inv_sencha', data: { onhand: before + 5 }, unused_fields: ['location_id'] })
  t.equal(isReplay, false)
  t.match(sandbox.calls, [{ method: 'PUT', path, headers: { 'idempotency-key': 'key-1' } }])
})

tap.test('encodes any id in the path', async (t) => {
  const { sandbox, sent } = await start(t)
  const problem = await problemOf(sent('a/../../wms/products?x=1#é'))
  t.match(problem, { problem: 'inventory_item_not_found', message: /a\/\.\.\/\.\.\/wms/ })
  t.equal(sandbox.calls[0]?.path, '/wms/inventory/a%2F..%2F..%2Fwms%2Fproducts%3Fx%3D1%23%C3%A9/adjust')
})

tap.test('marks a replayed response', async (t) => {
  const { sandbox, sent } = await start(t)
  const first = await sent()
  const again = await sent()
  t.strictSame([first.isReplay, again.isReplay], [false, true])
  t.strictSame(again.body, first.body)
  t.equal(sandbox.calls.length, 2)
})

tap.test("maps upstream's errors of a write", async (t) => {
  const { sandbox, sent } = await start(t)
  const errorBody = { error: 'because', origin: 'integration' }
  const cases: [status: number, body: unknown, code: ProblemCode, fields?: object][] = [
    [404, errorBody, 'inventory_item_not_found'],
    [409, errorBody, 'idempotency_conflict', { message: 'because' }],
    [400, { ...errorBody, error: 'Idempotency-Key was used with another body' }, 'idempotency_conflict'],
    [400, { ...errorBody, error: 'nonsense' }, 'upstream_rejected'],
    [403, errorBody, 'forbidden', { message: 'because', extras: { origin: 'integration' } }],
    [401, errorBody, 'upstream_auth_failed'],
    [422, errorBody, 'upstream_rejected', { message: 'because', extras: { origin: 'integration' } }],
    [501, errorBody, 'not_supported_by_integration'],
    [500, errorBody, 'upstream_unavailable'],
  ]
  for (const [status, body, code, fields] of cases) {
    sandbox.fault(path, { status, body, times: 1 })
    const before = sandbox.calls.length
    t.match(await problemOf(sent()), { problem: code, ...fields }, `${status} ${JSON.stringify(body)}`)
    t.equal(sandbox.calls.length, before + 1, 'the write is not retried')
  }
})

tap.test('retries a write that upstream may not have made, twice at most, with the same key', async (t) => {
  const { sandbox, sent } = await start(t)
  const before = sandbox.data.inventory.get('inv_sencha')?.onhand ?? 0
  const faults = [{ status: 429 }, { status: 502 }, { status: 503 }, { status: 504 }, { reset: true }]
  for (const [n, fault] of faults.entries()) {
    sandbox.fault(path, { ...fault, headers: { 'retry-after': '0' }, times: 2 })
    const from = sandbox.calls.length
    await sent('inv_sencha', five, `key-${n}`)
    const calls = sandbox.calls.slice(from)
    t.strictSame(
      calls.map(({ headers }) => headers['idempotency-key']),
      Array.from({ length: 3 }, () => `key-${n}`),
      JSON.stringify(fault),
    )
  }
  t.equal(sandbox.data.inventory.get('inv_sencha')?.onhand, before + 5 * faults.length)
  sandbox.fault(path, { status: 503, headers: { 'retry-after': '0' } })
  const from = sandbox.calls.length
  t.match(await problemOf(sent('inv_sencha', five, 'other')), { problem: 'upstream_unavailable' })
  t.equal(sandbox.calls.length, from + 3)
})

tap.test('makes a write once if its response is lost', async (t) => {
  const { sandbox, sent } = await start(t)
  const before = sandbox.data.inventory.get('inv_sencha')?.onhand ?? 0
  sandbox.fault(path, { truncate: true, times: 1 })
  t.match(await sent(), { isReplay: false, item: undefined, body: { id: 'inv_sencha' } })
  t.equal(sandbox.data.inventory.get('inv_sencha')?.onhand, before + 5)
  t.equal(sandbox.calls.length, 1)
})

tap.test(
  "regression: a gateway's HTML page counted as a missing item, a missing permission or invalid credentials",
  async (t) => {
    const { sandbox, sent } = await start(t)
    for (const status of [400, 401, 403, 404, 409, 422]) {
      for (const body of ['<h1>Blocked</h1>', '', { error: 'Forbidden' }, { message: 'Idempotency' }]) {
        sandbox.fault(path, { status, body, times: 1 })
        t.match(await problemOf(sent()), { problem: 'upstream_invalid_response' }, `${status} ${JSON.stringify(body)}`)
      }
    }
  },
)

tap.test('regression: a write that succeeded was an error if its response was unexpected', async (t) => {
  const { sandbox, sent } = await start(t)
  sandbox.fault(path, { status: 200, body: { id: 'inv_sencha', data: { id: '' } }, times: 1 })
  t.match(await sent(), { body: { id: 'inv_sencha', data: { id: '' } }, item: undefined })
  for (const body of ['[]', '7', 'null', '', 'OK', '<html></html>', '{"id":', '['.repeat(5000)]) {
    for (const status of [200, 201, 202]) {
      sandbox.fault(path, { status, body, times: 1 })
      t.match(await sent(), { body: { id: 'inv_sencha' }, item: undefined }, body)
    }
  }
  sandbox.fault(path, { status: 204, body: '', times: 1 })
  t.match(await sent(), { body: { id: 'inv_sencha' }, item: undefined }, 'no body')
})
