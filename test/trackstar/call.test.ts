import tap, { type Test } from 'tap'
import { Agent } from 'undici'
import { isProblem, type Problem, problem } from '../../src/errors.js'
import { createSandbox } from '../../src/sandbox/sandbox.js'
import { type CallReport, createUpstreamCaller, type UpstreamCall } from '../../src/trackstar/call.js'
import { CircuitBreaker, failuresToOpen, guardWithBreaker, openMs } from '../../src/trackstar/circuit-breaker.js'
import type { UpstreamCondition } from '../../src/trackstar/neutral-check.js'
import { createRateLimiter, jitterMarginMs, type PermitRequest } from '../../src/trackstar/rate-limiter.js'
import { httpTransport, type Transport, type UpstreamAnswer } from '../../src/trackstar/transport.js'
import { TestClock } from '../harness.js'
import { settled } from './fake-time.js'

const request = { method: 'GET', path: '/wms/products?limit=1' } as const
const read = (
  clock: TestClock,
  over: Partial<UpstreamCall> = {},
  permitRequest: Partial<PermitRequest> = {},
): UpstreamCall => {
  const deadline = clock.elapsed() + 10_000
  return {
    route: '/wms/products',
    cause: 'miss',
    permitRequest: { priority: 'caller', caller: 'anna', deadline: () => deadline, ...permitRequest },
    request,
    ...over,
  }
}

interface Options {
  readonly rate?: number
  /** Replaces `Math.random()` for the jitter. */
  readonly luck?: number
  readonly timeoutMs?: number
  readonly transport?: (real: Transport, clock: TestClock) => Transport
  /** The result of a neutral call. Default: neutral calls fail. */
  readonly condition?: UpstreamCondition
}

/** An upstream with its parts, in front of a sandbox; the clock stands still, retries come at once. */
async function start(t: Test, { rate = 100, luck = 0, timeoutMs = 5000, ...parts }: Options = {}) {
  const { transport = (real) => real, condition } = parts
  const clock = new TestClock()
  const sandbox = createSandbox({ products: 40, readRate: 0, now: clock.now })
  const base = await sandbox.listen()
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  t.teardown(() => sandbox.close())
  t.intercept(Math, 'random', { value: () => luck })
  const breaker = new CircuitBreaker(clock)
  const limiter = guardWithBreaker(createRateLimiter(rate, clock), breaker)
  const reports: CallReport[] = []
  const checks: unknown[] = []
  const check = {
    calls: 0,
    condition: async () => {
      checks.push(condition)
      return condition ?? 'unknown'
    },
  }
  const upstream = createUpstreamCaller({
    transport: transport(httpTransport(dispatcher, base, sandbox.credentials), clock),
    limiter,
    breaker,
    clock,
    timeoutMs,
    onCall: (report) => reports.push(report),
    ...(condition && { check }),
  })
  const statuses = () => reports.map((report) => report.outcome)
  return { clock, sandbox, limiter, breaker, reports, checks, statuses, upstream }
}

const caught = async (work: Promise<unknown>): Promise<Problem> => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (isProblem(error)) return error
  throw new TypeError(`expected a problem, but got ${error}`)
}

/** A transport that gives the prepared results, one a call. */
const prepared =
  (...results: (Partial<UpstreamAnswer> | Error)[]) =>
  (): Transport =>
  (_request, { onSent }) => {
    onSent()
    const result = results.shift()
    return result instanceof Error
      ? Promise.reject(result)
      : Promise.resolve({ status: 200, headers: {}, body: {}, ...result })
  }

tap.test('returns the response to one call, and reports the call', async (t) => {
  const { clock, sandbox, upstream, limiter, reports } = await start(t, {
    transport: (real, clock) => async (request, options) => {
      const answer = await real(request, options)
      clock.advance(30)
      return answer
    },
  })
  t.match(await upstream(read(clock)), { status: 200, body: { data: [{ id: 'prod_sencha' }] } })
  t.equal(sandbox.calls.length, 1)
  t.equal(limiter.state.usedLastSecond, 1)
  t.strictSame(reports, [
    {
      route: '/wms/products',
      cause: 'miss',
      outcome: '200',
      ms: 30,
      waitedMs: 0,
      upstreamRequestId: 'req_1',
      credentials: 'accepted',
    },
  ])
})

tap.test('reports how long a call waited for its permit', async (t) => {
  const { clock, upstream, limiter, reports } = await start(t, { rate: 1 })
  const { sent, release } = await limiter.acquire(read(clock).permitRequest)
  const answer = upstream(read(clock, { cause: 'list' }))
  await settled()
  clock.advance(700)
  release()
  await answer
  sent()
  t.match(reports, [{ cause: 'list', waitedMs: 700, ms: 0 }])
})

tap.test('uses the given permit for the first attempt, and requests others for retries', async (t) => {
  const { clock, sandbox, upstream, limiter, reports } = await start(t, { rate: 1 })
  const permit = await limiter.acquire(read(clock).permitRequest)
  sandbox.fault('*', { reset: true, times: 1 })
  const answer = upstream(read(clock, { permit }))
  while (reports.length === 0) await settled()
  t.equal(limiter.state.usedLastSecond, 1)
  t.equal(sandbox.calls.length, 1)
  clock.advance(1075)
  t.match(await answer, { status: 200 })
  t.match(reports, [{ cause: 'miss', waitedMs: 0 }, { cause: 'retry' }])
})

tap.test('releases the permit of a request that cannot be made', async (t) => {
  const invalid = Array.from({ length: failuresToOpen }, () => new RangeError('no such key'))
  const transport = (): Transport => async () => {
    throw invalid.shift()
  }
  const { clock, upstream, limiter, breaker } = await start(t, { rate: 1, transport })
  for (let n = 0; n < failuresToOpen; n++) await t.rejects(upstream(read(clock)), { message: 'no such key' })
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed())
  t.equal(breaker.state, 'closed')
})

tap.test('retries a failure that may be temporary, at most twice', async (t) => {
  for (const fault of [{ status: 502 }, { status: 503 }, { status: 504 }, { reset: true }, { truncate: true }]) {
    const { clock, sandbox, upstream, limiter, reports } = await start(t)
    sandbox.fault('/wms/products', { ...fault, times: 2 })
    t.match(await upstream(read(clock)), { status: 200 })
    t.equal(sandbox.calls.length, 3)
    t.equal(limiter.state.usedLastSecond, 3, 'each attempt takes a permit of its own')
    t.strictSame(
      reports.map(({ cause }) => cause),
      ['miss', 'retry', 'retry'],
    )
    const outcome = fault.status === undefined ? 'upstream_unavailable' : String(fault.status)
    t.match(reports, [{ outcome }, { outcome }, { outcome: '200' }])

    sandbox.fault('/wms/products', { ...fault, times: 3 })
    t.match(await caught(upstream(read(clock))), { problem: 'upstream_unavailable' })
    t.equal(sandbox.calls.length, 6)
  }
})

tap.test('does not retry a permanent failure', async (t) => {
  const { clock, sandbox, upstream } = await start(t)
  const table: [object, string][] = [
    [{ status: 400 }, 'upstream_rejected'],
    [{ status: 401 }, 'upstream_auth_failed'],
    [{ status: 403 }, 'upstream_auth_failed'],
    [{ status: 409 }, 'upstream_invalid_response'],
    [{ status: 422 }, 'upstream_rejected'],
    [{ status: 500 }, 'upstream_unavailable'],
    [{ status: 501 }, 'not_supported_by_integration'],
    [{ status: 302 }, 'upstream_invalid_response'],
    [{ body: '{"data": [' }, 'upstream_invalid_response'],
  ]
  for (const [fault, code] of table) {
    const before = sandbox.calls.length
    sandbox.fault('/wms/products', { ...fault, times: 1 })
    t.match(await caught(upstream(read(clock))), { problem: code }, code)
    t.equal(sandbox.calls.length, before + 1)
  }
})

tap.test('does not retry a call that timed out', async (t) => {
  const { clock, sandbox, upstream, breaker, statuses } = await start(t, { timeoutMs: 50 })
  sandbox.fault('/wms/products', { delayMs: 10_000 })
  const errors = await Promise.all(Array.from({ length: failuresToOpen }, () => caught(upstream(read(clock)))))
  for (const error of errors) t.equal(error.problem, 'upstream_timeout')
  t.equal(statuses().length, failuresToOpen)
  t.equal(breaker.state, 'open')
})

tap.test('reports which upstream call returned a success that is not JSON', async (t) => {
  const { clock, sandbox, upstream } = await start(t)
  sandbox.fault('/wms/products', { body: '<h1>Hello</h1>' })
  t.equal((await caught(upstream(read(clock)))).message, "In Trackstar's response, the body must be JSON")
})

tap.test('returns a 404 as a response', async (t) => {
  const { clock, upstream, breaker } = await start(t)
  const nowhere = { method: 'GET', path: '/wms/inventory/nowhere' } as const
  for (let n = 0; n < failuresToOpen; n++) {
    t.match(await upstream(read(clock, { request: nowhere })), { status: 404 })
  }
  t.equal(breaker.state, 'closed')
})

tap.test('does not retry past the deadline', async (t) => {
  const deadlineIn = async (ms: number, rate = 100) => {
    const { clock, sandbox, upstream } = await start(t, { luck: 0.5, rate })
    sandbox.fault('/wms/products', { status: 502, times: 1 })
    const deadline = clock.elapsed() + ms
    const result = await upstream(read(clock, {}, { deadline: () => deadline })).catch((error: unknown) => error)
    return { result, calls: sandbox.calls.length }
  }
  t.match(await deadlineIn(50), { calls: 1, result: { problem: 'upstream_unavailable' } }, 'the jitter is longer')
  t.match(await deadlineIn(51), { calls: 2, result: { status: 200 } })
  t.match(
    await deadlineIn(1075, 1),
    { calls: 1, result: { message: 'Trackstar is failing (502)' } },
    'no permit in time',
  )
})

tap.test('waits longer, at random, before the second retry', async (t) => {
  const { clock, sandbox, upstream } = await start(t, { luck: 0.5 })
  sandbox.fault('/wms/products', { status: 502, times: 2 })
  const deadline = clock.elapsed() + 100
  const error = await caught(upstream(read(clock, {}, { deadline: () => deadline })))
  t.equal(error.problem, 'upstream_unavailable')
  t.equal(sandbox.calls.length, 2, 'half of 100 ms is in time, half of 200 ms is not')
})

tap.test('pauses all calls when upstream requests it', async (t) => {
  for (const status of [429, 503]) {
    const { clock, sandbox, upstream, limiter, breaker } = await start(t)
    sandbox.fault('/wms/products', { status, headers: { 'retry-after': '3' }, times: 1 })
    const deadline = clock.elapsed() + 3000
    const error = await caught(upstream(read(clock, {}, { deadline: () => deadline })))
    t.match(error, { problem: 'upstream_unavailable', extras: { retryAfter: 3 } })
    t.equal(sandbox.calls.length, 1)
    t.equal(limiter.estimateAt('mirror', 'anybody', 0), clock.elapsed() + 3000)
    t.equal(breaker.state, 'closed')
    const other = await caught(upstream(read(clock, {}, { caller: 'bert', deadline: () => deadline - 1 })))
    t.match(other, { problem: 'overloaded', extras: { retryAfter: 3 } })
    clock.advance(3000)
    t.match(await upstream(read(clock)), { status: 200 })
  }
})

tap.test('retries a rejected call after the pause', async (t) => {
  const { clock, sandbox, upstream, statuses } = await start(t)
  sandbox.fault('/wms/products', { status: 429, headers: { 'retry-after': '0.05' }, times: 1 })
  const answer = upstream(read(clock))
  while (statuses().length === 0) await settled()
  clock.advance(50)
  t.match(await answer, { status: 200 })
  t.strictSame(statuses(), ['429', '200'])
})

tap.test('ignores Retry-After on a success', async (t) => {
  const { clock, sandbox, upstream, limiter } = await start(t)
  sandbox.fault('/wms/products', { headers: { 'retry-after': '3', 'x-ratelimit-remaining': '9' } })
  t.match(await upstream(read(clock)), { status: 200 })
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed())
})

tap.test("pauses until the reset by upstream's clock when no calls remain", async (t) => {
  const { clock, sandbox, upstream, limiter } = await start(t)
  const upstreamDate = 946_684_800
  const headers = (resetSeconds: number) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(resetSeconds),
    date: new Date(upstreamDate * 1000).toUTCString(),
  })
  sandbox.fault('/wms/products', { headers: headers(upstreamDate + 0.4), times: 1 })
  await upstream(read(clock))
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed() + 400)
  clock.advance(400)
  sandbox.fault('/wms/products', { headers: headers(upstreamDate + 60), times: 1 })
  await upstream(read(clock))
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed() + 1000)
})

tap.test('does not pause for a limit that the limiter already counts', async (t) => {
  const { clock, sandbox, upstream, limiter } = await start(t, { rate: 1 })
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(clock.now() / 1000 + 60) }
  sandbox.fault('/wms/products', { headers, times: 1 })
  await upstream(read(clock))
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed() + 1000 + jitterMarginMs)
})

tap.test('opens the breaker after failures, and makes no call while it is open', async (t) => {
  for (const fault of [{ status: 500 }, { body: 'garbled' }]) {
    const { clock, sandbox, upstream, breaker, limiter, checks } = await start(t, { condition: 'failing' })
    const heal = sandbox.fault('/wms/products', fault)
    await Promise.all(Array.from({ length: failuresToOpen }, () => caught(upstream(read(clock)))))
    t.equal(breaker.state, 'open')
    t.equal(checks.length, 1)
    t.match(await caught(upstream(read(clock))), { problem: 'upstream_unavailable', extras: { retryAfter: 2 } })
    t.equal(sandbox.calls.length, failuresToOpen)
    heal()
    clock.advance(openMs)
    t.match(await upstream(read(clock)), { status: 200 })
    t.equal(breaker.state, 'closed')
    t.equal(limiter.state.usedLastSecond, 1)
  }
})

tap.test("regression: six failures of one caller's request opened the breaker for everyone", async (t) => {
  const faults = [{ status: 500 }, { status: 502 }, { reset: true }, { body: '<h1>Hello</h1>' }]
  for (const condition of ['well', 'refusing', 'unknown'] as const) {
    for (const fault of faults) {
      const { clock, sandbox, upstream, breaker, checks } = await start(t, { condition })
      sandbox.fault('/wms/products', fault)
      for (let n = 0; n <= failuresToOpen; n++) await caught(upstream(read(clock)))
      t.equal(breaker.state, 'closed', `${condition} ${JSON.stringify(fault)}`)
      t.ok(checks.length >= 1)
    }
  }
})

tap.test('stays half-open if the trial fails because of its own request', async (t) => {
  const { clock, sandbox, upstream, breaker } = await start(t, { condition: 'well' })
  for (let n = 0; n < failuresToOpen; n++) breaker.begin()('failing')
  clock.advance(openMs)
  sandbox.fault('/wms/products', { status: 500 })
  await caught(upstream(read(clock)))
  t.equal(breaker.state, 'closed', 'the neutral call counts as the trial')
})

tap.test('treats the 500 of a write as a response about that write', async (t) => {
  const { clock, sandbox, upstream, breaker } = await start(t)
  sandbox.fault('/wms/products', { status: 500 })
  for (let n = 0; n < failuresToOpen; n++) await caught(upstream(read(clock)))
  t.equal(breaker.state, 'closed')
})

tap.test('checks the credentials after a 403, which may concern one request only', async (t) => {
  const { clock, sandbox, upstream, checks, reports } = await start(t, { condition: 'well' })
  sandbox.fault('/wms/products', { status: 403 })
  t.match(await caught(upstream(read(clock))), { problem: 'upstream_auth_failed' })
  t.equal(checks.length, 1)
  sandbox.fault('/wms/products', { status: 401 })
  await caught(upstream(read(clock)))
  t.equal(checks.length, 1)
  t.match(reports, [{ credentials: undefined }, { credentials: 'refused' }])
})

tap.test('retries no more often than the call allows', async (t) => {
  const { clock, sandbox, upstream } = await start(t)
  sandbox.fault('/wms/products', { status: 502 })
  await caught(upstream(read(clock, { maxRetries: 0 })))
  t.equal(sandbox.calls.length, 1)
})

tap.test('closes the breaker on error responses that show a working upstream', async (t) => {
  for (const status of [401, 403, 404, 422, 429, 501]) {
    const { clock, sandbox, upstream, breaker } = await start(t)
    for (let n = 0; n < failuresToOpen; n++) breaker.begin()('failing')
    clock.advance(openMs)
    sandbox.fault('/wms/products', { status, headers: { 'retry-after': '0' }, times: 1 })
    await upstream(read(clock)).catch(() => {})
    t.equal(breaker.state, 'closed', `${status}`)
  }
})

tap.test('stops retrying once the breaker is open, and throws the last problem', async (t) => {
  const { clock, sandbox, upstream, breaker } = await start(t)
  for (let n = 0; n < failuresToOpen - 2; n++) breaker.begin()('failing')
  sandbox.fault('/wms/products', { status: 502 })
  t.match(await caught(upstream(read(clock))), { message: /is failing \(502\)/, problem: 'upstream_unavailable' })
  t.equal(sandbox.calls.length, 2)
})

tap.test('releases the permit when the breaker has opened in the meantime', async (t) => {
  const { clock, sandbox, upstream, breaker, limiter } = await start(t, { rate: 1 })
  const { release } = await limiter.acquire(read(clock).permitRequest)
  const error = caught(upstream(read(clock)))
  await settled()
  for (let n = 0; n < failuresToOpen; n++) breaker.begin()('failing')
  release()
  t.match(await error, { message: /suspended/, problem: 'upstream_unavailable' })
  t.equal(sandbox.calls.length, 0)
  t.equal(limiter.estimateAt('caller', 'anna', 0), clock.elapsed())
})

tap.test('releases the given permit when another call is the trial', async (t) => {
  const { clock, sandbox, upstream, limiter, breaker } = await start(t, { rate: 2 })
  for (let n = 0; n < failuresToOpen; n++) breaker.begin()('failing')
  clock.advance(openMs)
  const permit = await limiter.acquire(read(clock).permitRequest)
  const endTrial = breaker.begin()
  t.match(await caught(upstream(read(clock, { permit }))), { problem: 'upstream_unavailable' })
  t.equal(sandbox.calls.length, 0)
  t.equal(limiter.state.usedLastSecond, 0)
  endTrial('unknown')
  t.equal(breaker.state, 'half-open')
  t.match(await upstream(read(clock)), { status: 200 })
  t.equal(breaker.state, 'closed')
})

tap.test('passes on the rejection of the limiter, and reports no call', async (t) => {
  const { clock, upstream, reports } = await start(t)
  const error = await caught(upstream(read(clock, {}, { deadline: () => clock.elapsed() - 1 })))
  t.equal(error.problem, 'overloaded')
  t.strictSame(reports, [])
})

tap.test("reports upstream's id of a call only if there is exactly one", async (t) => {
  const results = [{ headers: { 'x-request-id': ['a', 'b'] } }, problem('upstream_timeout', 'too late')]
  const { clock, upstream, reports } = await start(t, { transport: prepared(...results) })
  await upstream(read(clock))
  await caught(upstream(read(clock)))
  t.match(reports, [
    { outcome: '200', upstreamRequestId: undefined },
    { outcome: 'upstream_timeout', upstreamRequestId: undefined },
  ])
})

tap.test('throws an error of our own, which says nothing about upstream', async (t) => {
  const faults = Array.from({ length: failuresToOpen }, () => new TypeError('a bug'))
  const { clock, upstream, breaker, limiter, reports } = await start(t, { transport: prepared(...faults) })
  for (const fault of faults) await t.rejects(upstream(read(clock)), fault)
  t.equal(breaker.state, 'closed')
  t.equal(limiter.state.usedLastSecond, failuresToOpen)
  t.strictSame(reports, [])
})
