import fc from 'fast-check'
import tap from 'tap'
import { isProblem } from '../../src/errors.js'
import {
  createRateLimiter,
  jitterMarginMs,
  overloaded,
  type Permit,
  type PermitRequest,
} from '../../src/trackstar/rate-limiter.js'
import { fakeTime, settled } from './fake-time.js'
import { permitRequest, spanMs, watch, within } from './permit-requests.js'

tap.test('grants as many permits as the rate at once, and each further one a second and a margin later', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(createRateLimiter(2, time.clock), time)
  for (const name of ['a', 'b', 'c', 'd', 'e']) request(name)
  await time.pass(5000)
  t.strictSame(log, ['a at 0', 'b at 0', `c at ${spanMs}`, `d at ${spanMs}`, `e at ${2 * spanMs}`])
  t.equal(time.timers(), 0)
})

tap.test('counts a call from when it is written, not from when its permit was granted', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  const permit = await limiter.acquire(permitRequest())
  request('second')
  await time.pass(3000)
  t.strictSame(log, [])
  t.equal(time.timers(), 0, 'the call that is about to be written triggers the next')
  permit.sent()
  await time.pass(spanMs - 1)
  t.strictSame(log, [])
  await time.pass(1)
  t.strictSame(log, [`second at ${3000 + spanMs}`])
})

tap.test('grants a released permit to the next request at once', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  const permit = await limiter.acquire(permitRequest())
  request('second')
  await time.pass(100)
  permit.release()
  await settled()
  t.strictSame(log, ['second at 100'])
})

tap.test('ignores all but the first use of a permit', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  const sent = await limiter.acquire(permitRequest())
  sent.sent()
  sent.release()
  request('second')
  await time.pass(spanMs)
  t.strictSame(log, [`second at ${spanMs}`])

  await time.pass(spanMs)
  const released = await limiter.acquire(permitRequest())
  released.release()
  released.sent()
  request('third')
  await settled()
  t.strictSame(log[1], `third at ${2 * spanMs}`)
})

tap.test('grants permits by priority, to callers of one priority in turns, and by age', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(createRateLimiter(1, time.clock), time)
  request('first')
  for (const name of ['m', 'm2', 'm3']) request(name, { priority: 'mirror' })
  request('f', { priority: 'forced' })
  request('l', { priority: 'list' })
  request('r', { priority: 'refresh' })
  request('a1')
  request('a2')
  request('a3')
  request('b1', { caller: 'bert' })
  await time.pass(20_000)
  t.strictSame(
    log.map((line) => line.split(' ')[0]),
    ['first', 'm', 'a1', 'm2', 'b1', 'm3', 'a2', 'a3', 'l', 'r', 'f'],
    'at a rate of 1 the mirror alternates with the others',
  )
})

tap.test('rejects at once a request that cannot be granted before its deadline, and says when to retry', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(createRateLimiter(1, time.clock), time)
  request('a')
  await settled()
  request('just in time', { deadline: within(time, spanMs) })
  request('late', { deadline: within(time, 2 * spanMs - 1) })
  request('long ago', { deadline: within(time, -1), priority: 'mirror' })
  await settled()
  t.strictSame(log, ['a at 0', 'late refused for 3 s at 0', 'long ago refused for 2 s at 0'])
  await time.pass(spanMs)
  t.strictSame(log[3], `just in time at ${spanMs}`)
})

tap.test('rejects a request beyond the maximum queue length', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock, 2)
  const { log, request } = watch(limiter, time)
  for (const name of ['a', 'b', 'c']) request(name)
  await settled()
  request('d')
  await settled()
  t.strictSame(log, ['a at 0', 'd refused for 4 s at 0'])
  t.equal(limiter.state.waiting, 2)
})

tap.test('rejects a request that more urgent ones delayed past its deadline', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(createRateLimiter(1, time.clock), time)
  request('first')
  request('refresh', { priority: 'refresh', deadline: within(time, 1500) })
  for (let n = 0; n < 4; n++) request(`caller ${n}`)
  await time.pass(2 * spanMs)
  t.match(log, new Set([`refresh refused for 1 s at ${2 * spanMs}`]))
  t.equal(log.length, 4)
})

tap.test('rejects a request that is past its deadline when its turn comes', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  const permit = await limiter.acquire(permitRequest())
  request('late', { deadline: within(time, 2000) })
  request('next')
  await time.pass(2001)
  permit.release()
  await settled()
  t.strictSame(log, ['late refused for 1 s at 2001', 'next at 2001'])
})

tap.test('reads a deadline each time it matters, so that it may change', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  let deadline = time.clock.elapsed() + 2000
  request('a')
  request('b', { deadline: () => deadline })
  await settled()
  deadline += 10_000
  limiter.pauseUntil(time.clock.elapsed() + 5000)
  await time.pass(5000)
  t.strictSame(log, ['a at 0', 'b at 5000'])
})

tap.test(
  'grants nothing while paused, rejects requests that the pause makes late, and calls its listeners',
  async (t) => {
    const time = fakeTime(t)
    const limiter = createRateLimiter(2, time.clock)
    const { log, request } = watch(limiter, time)
    const pauses: string[] = []
    limiter.onPause(() => pauses.push(`first, ${limiter.state.waiting} waiting`))
    limiter.onPause(() => pauses.push('second'))
    for (const name of ['a', 'b', 'c']) request(name)
    request('mirror', { priority: 'mirror', deadline: within(time, 2500) })
    await settled()
    limiter.pauseUntil(time.clock.elapsed() + 3000)
    t.strictSame(pauses, ['first, 1 waiting', 'second'])
    await settled()
    request('early', { deadline: within(time, 2999) })
    request('d', { deadline: within(time, 3000) })
    await time.pass(2999)
    t.strictSame(log, ['a at 0', 'b at 0', 'mirror refused for 3 s at 0', 'early refused for 3 s at 0'])
    await time.pass(1)
    t.strictSame(log.slice(4), ['c at 3000', 'd at 3000'])
  },
)

tap.test('is not shortened by a second, shorter pause', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { log, request } = watch(limiter, time)
  let pauses = 0
  limiter.onPause(() => pauses++)
  const start = time.clock.elapsed()
  limiter.pauseUntil(start + 2000)
  limiter.pauseUntil(start + 1000)
  limiter.pauseUntil(start + 2000)
  t.equal(pauses, 1)
  request('a')
  await time.pass(1999)
  limiter.pauseUntil(start + 2500)
  await time.pass(1000)
  t.strictSame(log, ['a at 2500'])
})

tap.test('keeps no timer when no request waits', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(1, time.clock)
  const { request } = watch(limiter, time)
  request('a')
  request('b', { deadline: within(time, 2000) })
  await settled()
  t.equal(time.timers(), 1)
  limiter.pauseUntil(time.clock.elapsed() + 3000)
  t.equal(time.timers(), 0)
})

tap.test('sets another timer if one fires a moment early', async (t) => {
  const time = fakeTime(t)
  const elapsed = () => time.clock.elapsed() - (time.elapsed() === spanMs ? 0.25 : 0)
  const limiter = createRateLimiter(1, { elapsed })
  const { log, request } = watch(limiter, time)
  request('a')
  request('b')
  await time.pass(spanMs)
  t.equal(log.length, 1)
  await time.pass(1)
  t.strictSame(log[1], `b at ${spanMs + 1}`)
})

tap.test('reports the permits of the last second and the number of waiting requests', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(3, time.clock)
  t.strictSame(limiter.state, { readsPerSecond: 3, usedLastSecond: 0, waiting: 0, isExhausted: false })
  const permits = await Promise.all([
    limiter.acquire(permitRequest()),
    limiter.acquire(permitRequest()),
    limiter.acquire(permitRequest()),
  ])
  const waiting = [limiter.acquire(permitRequest()), limiter.acquire(permitRequest({ priority: 'mirror' }))]
  t.strictSame(limiter.state, { readsPerSecond: 3, usedLastSecond: 3, waiting: 2, isExhausted: true })
  for (const permit of permits) permit.sent()
  await time.pass(999)
  t.equal(limiter.state.usedLastSecond, 3)
  await time.pass(1)
  t.strictSame(limiter.state, { readsPerSecond: 3, usedLastSecond: 0, waiting: 2, isExhausted: true })
  await time.pass(jitterMarginMs)
  t.strictSame(limiter.state, { readsPerSecond: 3, usedLastSecond: 2, waiting: 0, isExhausted: false })
  for (const permit of await Promise.all(waiting)) permit.release()
  t.equal(limiter.state.usedLastSecond, 0)
})

tap.test('says when to retry in whole seconds, at least one', async (t) => {
  t.match(overloaded(0), { problem: 'overloaded', statusCode: 503, extras: { retryAfter: 1 } })
  t.equal(overloaded(-50).extras.retryAfter, 1)
  t.equal(overloaded(1000).extras.retryAfter, 1)
  t.equal(overloaded(1001).extras.retryAfter, 2)
})

const priority = fc.constantFrom('caller', 'list', 'refresh', 'forced', 'mirror')
const caller = fc.constantFrom('anna', 'bert', 'cleo')

tap.test(
  'estimates when one more request is granted if every call is written at once and no request follows',
  async (t) => {
    const time = fakeTime(t)
    const earlier = fc.array(fc.record({ priority, caller, restMs: fc.oneof(fc.constant(0), fc.nat(1500)) }), {
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(earlier, fc.integer({ min: 1, max: 4 }), fc.nat(3000), priority, caller, async (...given) => {
        const [requests, rate, pauseMs, priority, caller] = given
        const limiter = createRateLimiter(rate, time.clock)
        for (const { restMs, ...permit } of requests) {
          void limiter.acquire(permitRequest(permit)).then((permit) => permit.sent())
          await time.pass(restMs)
        }
        await settled()
        limiter.pauseUntil(time.clock.elapsed() + pauseMs)
        const estimate = limiter.estimateAt(priority, caller, 0)
        let grantedAt = Number.NaN
        const leave = async () => {
          const permit = await limiter.acquire(permitRequest({ priority, caller, deadline: () => estimate }))
          grantedAt = time.clock.elapsed()
          permit.sent()
        }
        await Promise.all([leave(), time.pass(60_000)])
        return grantedAt === estimate
      }),
    )
  },
)

tap.test('estimates for a caller with more or fewer requests ahead', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(2, time.clock)
  const { request } = watch(limiter, time)
  for (const name of ['a', 'b', 'c']) request(name)
  await settled()
  const start = time.clock.elapsed()
  t.equal(limiter.estimateAt('caller', 'anna', -1), start + spanMs)
  t.equal(limiter.estimateAt('caller', 'anna', 0), start + spanMs)
  t.equal(limiter.estimateAt('caller', 'anna', 1), start + 2 * spanMs)
  t.equal(limiter.estimateAt('mirror', 'zoe', 3), start + 3 * spanMs)
})

/**
 * A permit request: how long its caller waits, after how long its call is written, or whether its permit is released.
 */
interface PlannedRequest {
  readonly priority: PermitRequest['priority']
  readonly caller: string
  readonly patienceMs: number
  readonly lateMs: number
  readonly isReleased: boolean
}

tap.test('never grants more than the rate within any second and margin, whatever is requested when', async (t) => {
  const time = fakeTime(t)
  const planned: fc.Arbitrary<PlannedRequest> = fc.record({
    priority,
    caller,
    patienceMs: fc.oneof(fc.nat(8000), fc.constant(60_000)),
    lateMs: fc.oneof(fc.constant(0), fc.nat(900)),
    isReleased: fc.boolean(),
  })
  const step = fc.record({
    burst: fc.array(planned, { maxLength: 15 }),
    restMs: fc.oneof(fc.nat(50), fc.nat(2500)),
    pauseMs: fc.option(fc.nat(1500), { nil: 0, freq: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.integer({ min: 1, max: 11 }), async (steps, rate) => {
      const limiter = createRateLimiter(rate, time.clock, 40)
      const { clock } = time
      const written: number[] = []
      let pausedUntil = 0
      let open = 0
      const faults: string[] = []
      const use = async (permit: Permit, deadline: number, { lateMs, isReleased }: PlannedRequest) => {
        if (clock.elapsed() > deadline) faults.push('left after its deadline')
        if (clock.elapsed() < pausedUntil) faults.push('left in a pause')
        if (lateMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, lateMs))
        if (isReleased) return permit.release()
        written.push(clock.elapsed())
        permit.sent()
      }
      for (const { burst, restMs, pauseMs } of steps) {
        for (const planned of burst) {
          const deadline = clock.elapsed() + planned.patienceMs
          open++
          limiter
            .acquire(permitRequest({ ...planned, deadline: () => deadline }))
            .then(
              (permit) => use(permit, deadline, planned),
              (error: unknown) => void (isProblem(error, 'overloaded') || faults.push(String(error))),
            )
            .finally(() => open--)
        }
        await settled()
        if (pauseMs > 0) {
          pausedUntil = Math.max(pausedUntil, clock.elapsed() + pauseMs)
          limiter.pauseUntil(pausedUntil)
        }
        await time.pass(restMs)
      }
      await time.pass(150_000)
      written.forEach((at, index) => {
        const later = written[index + rate]
        if (later !== undefined && later - at < spanMs) faults.push(`${rate + 1} calls within ${later - at} ms`)
      })
      if (open > 0 || limiter.state.waiting > 0) faults.push(`${open} bids without an end`)
      if (time.timers() > 0) faults.push('a timer is left over')
      if (limiter.estimateAt('mirror', 'zoe', rate - 1) > clock.elapsed()) faults.push('a permit is lost')
      return faults.length === 0 || Promise.reject(new Error(faults.join(', ')))
    }),
    { numRuns: 150 },
  )
})

tap.test('a permit knows whether it was the last one available', async (t) => {
  const time = fakeTime(t)
  const limiter = createRateLimiter(2, time.clock)
  const [first, second] = await Promise.all([limiter.acquire(permitRequest()), limiter.acquire(permitRequest())])
  t.notOk(first?.wasLast)
  first?.sent()
  second?.sent()
  t.strictSame([first?.wasLast, second?.wasLast], [true, true], 'both permits are used')
  await time.pass(1000 + jitterMarginMs)
  const third = await limiter.acquire(permitRequest())
  third.sent()
  t.notOk(third.wasLast, 'another permit was available')
})
