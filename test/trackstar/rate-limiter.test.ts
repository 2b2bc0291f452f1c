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
import { aBid, spanMs, watch, within } from './permit-requests.js'
import { fakeTime, settled } from './time.js'

tap.test('lets as many as the rate leave at once, and each next one a second and a margin after', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(createRateLimiter(2, time.clock), time)
  for (const name of ['a', 'b', 'c', 'd', 'e']) bid(name)
  await time.pass(5000)
  t.strictSame(log, ['a at 0', 'b at 0', `c at ${spanMs}`, `d at ${spanMs}`, `e at ${2 * spanMs}`])
  t.equal(time.timers(), 0)
})

tap.test('counts from when a call is written, not from when it was allowed', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  const permit = await budget.acquire(aBid())
  bid('second')
  await time.pass(3000)
  t.strictSame(log, [])
  t.equal(time.timers(), 0, 'the call that is about to be written wakes the next')
  permit.sent()
  await time.pass(spanMs - 1)
  t.strictSame(log, [])
  await time.pass(1)
  t.strictSame(log, [`second at ${3000 + spanMs}`])
})

tap.test('gives a permit that is given back to the next at once', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  const permit = await budget.acquire(aBid())
  bid('second')
  await time.pass(100)
  permit.release()
  await settled()
  t.strictSame(log, ['second at 100'])
})

tap.test('takes the first word on a permit for the last', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  const sent = await budget.acquire(aBid())
  sent.sent()
  sent.release()
  bid('second')
  await time.pass(spanMs)
  t.strictSame(log, [`second at ${spanMs}`])

  await time.pass(spanMs)
  const released = await budget.acquire(aBid())
  released.release()
  released.sent()
  bid('third')
  await settled()
  t.strictSame(log[1], `third at ${2 * spanMs}`)
})

tap.test('lets leave in order of priority, callers of one priority in turns, each by age', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(createRateLimiter(1, time.clock), time)
  bid('first')
  bid('m', { priority: 'mirror' })
  bid('f', { priority: 'forced' })
  bid('r', { priority: 'refresh' })
  bid('a1')
  bid('a2')
  bid('a3')
  bid('b1', { caller: 'bert' })
  await time.pass(20_000)
  t.strictSame(
    log.map((line) => line.split(' ')[0]),
    ['first', 'a1', 'b1', 'a2', 'a3', 'r', 'f', 'm'],
  )
})

tap.test('refuses at once what cannot leave before its deadline, and says when to come back', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(createRateLimiter(1, time.clock), time)
  bid('a')
  await settled()
  bid('just in time', { deadline: within(time, spanMs) })
  bid('late', { deadline: within(time, 2 * spanMs - 1) })
  bid('long ago', { deadline: within(time, -1), priority: 'mirror' })
  await settled()
  t.strictSame(log, ['a at 0', 'late refused for 3 s at 0', 'long ago refused for 3 s at 0'])
  await time.pass(spanMs)
  t.strictSame(log[3], `just in time at ${spanMs}`)
})

tap.test('refuses one more than may wait', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock, 2)
  const { log, bid } = watch(budget, time)
  for (const name of ['a', 'b', 'c']) bid(name)
  await settled()
  bid('d')
  await settled()
  t.strictSame(log, ['a at 0', 'd refused for 4 s at 0'])
  t.equal(budget.state.waiting, 2)
})

tap.test('refuses what more urgent bids have kept from its turn, soon after its deadline', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(createRateLimiter(1, time.clock), time)
  bid('first')
  bid('refresh', { priority: 'refresh', deadline: within(time, 1500) })
  for (let n = 0; n < 4; n++) bid(`caller ${n}`)
  await time.pass(2 * spanMs)
  t.match(log, new Set([`refresh refused for 1 s at ${2 * spanMs}`]))
  t.equal(log.length, 4)
})

tap.test('refuses what is too late when its turn comes', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  const permit = await budget.acquire(aBid())
  bid('late', { deadline: within(time, 2000) })
  bid('next')
  await time.pass(2001)
  permit.release()
  await settled()
  t.strictSame(log, ['late refused for 1 s at 2001', 'next at 2001'])
})

tap.test('reads a deadline whenever it matters, so that it may move', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  let deadline = time.clock.elapsed() + 2000
  bid('a')
  bid('b', { deadline: () => deadline })
  await settled()
  deadline += 10_000
  budget.pauseUntil(time.clock.elapsed() + 5000)
  await time.pass(5000)
  t.strictSame(log, ['a at 0', 'b at 5000'])
})

tap.test('holds all while it is paused, refuses what that makes late, and tells its listeners', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(2, time.clock)
  const { log, bid } = watch(budget, time)
  const heard: string[] = []
  budget.onPause(() => heard.push(`first, ${budget.state.waiting} waiting`))
  budget.onPause(() => heard.push('second'))
  for (const name of ['a', 'b', 'c']) bid(name)
  bid('mirror', { priority: 'mirror', deadline: within(time, 2500) })
  await settled()
  budget.pauseUntil(time.clock.elapsed() + 3000)
  t.strictSame(heard, ['first, 1 waiting', 'second'])
  await settled()
  bid('early', { deadline: within(time, 2999) })
  bid('d', { deadline: within(time, 3000) })
  await time.pass(2999)
  t.strictSame(log, ['a at 0', 'b at 0', 'mirror refused for 3 s at 0', 'early refused for 3 s at 0'])
  await time.pass(1)
  t.strictSame(log.slice(4), ['c at 3000', 'd at 3000'])
})

tap.test('lets no pause shorten another', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { log, bid } = watch(budget, time)
  let pauses = 0
  budget.onPause(() => pauses++)
  const start = time.clock.elapsed()
  budget.pauseUntil(start + 2000)
  budget.pauseUntil(start + 1000)
  budget.pauseUntil(start + 2000)
  t.equal(pauses, 1)
  bid('a')
  await time.pass(1999)
  budget.pauseUntil(start + 2500)
  await time.pass(1000)
  t.strictSame(log, ['a at 2500'])
})

tap.test('keeps no timer when nothing waits any more', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(1, time.clock)
  const { bid } = watch(budget, time)
  bid('a')
  bid('b', { deadline: within(time, 2000) })
  await settled()
  t.equal(time.timers(), 1)
  budget.pauseUntil(time.clock.elapsed() + 3000)
  t.equal(time.timers(), 0)
})

tap.test('looks again where a timer comes a moment early', async (t) => {
  const time = fakeTime(t)
  const elapsed = () => time.clock.elapsed() - (time.elapsed() === spanMs ? 0.25 : 0)
  const budget = createRateLimiter(1, { elapsed })
  const { log, bid } = watch(budget, time)
  bid('a')
  bid('b')
  await time.pass(spanMs)
  t.equal(log.length, 1)
  await time.pass(1)
  t.strictSame(log[1], `b at ${spanMs + 1}`)
})

tap.test('tells its state: what the last second took and what waits', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(3, time.clock)
  t.strictSame(budget.state, { readsPerSecond: 3, usedLastSecond: 0, waiting: 0, isExhausted: false })
  const permits = await Promise.all([budget.acquire(aBid()), budget.acquire(aBid()), budget.acquire(aBid())])
  const waiting = [budget.acquire(aBid()), budget.acquire(aBid({ priority: 'mirror' }))]
  t.strictSame(budget.state, { readsPerSecond: 3, usedLastSecond: 3, waiting: 2, isExhausted: true })
  for (const permit of permits) permit.sent()
  await time.pass(999)
  t.equal(budget.state.usedLastSecond, 3)
  await time.pass(1)
  t.strictSame(budget.state, { readsPerSecond: 3, usedLastSecond: 0, waiting: 2, isExhausted: true })
  await time.pass(jitterMarginMs)
  t.strictSame(budget.state, { readsPerSecond: 3, usedLastSecond: 2, waiting: 0, isExhausted: false })
  for (const permit of await Promise.all(waiting)) permit.release()
  t.equal(budget.state.usedLastSecond, 0)
})

tap.test('names a whole number of seconds to come back after, one at least', async (t) => {
  t.match(overloaded(0), { problem: 'overloaded', statusCode: 503, extras: { retryAfter: 1 } })
  t.equal(overloaded(-50).extras.retryAfter, 1)
  t.equal(overloaded(1000).extras.retryAfter, 1)
  t.equal(overloaded(1001).extras.retryAfter, 2)
})

const priority = fc.constantFrom('caller', 'refresh', 'forced', 'mirror')
const caller = fc.constantFrom('anna', 'bert', 'cleo')

tap.test('foretells when one more leaves, as long as all is written at once and nothing more comes', async (t) => {
  const time = fakeTime(t)
  const earlier = fc.array(fc.record({ priority, caller, restMs: fc.oneof(fc.constant(0), fc.nat(1500)) }), {
    maxLength: 25,
  })
  await fc.assert(
    fc.asyncProperty(earlier, fc.integer({ min: 1, max: 4 }), fc.nat(3000), priority, caller, async (...given) => {
      const [bids, rate, pauseMs, priority, caller] = given
      const budget = createRateLimiter(rate, time.clock)
      for (const { restMs, ...one } of bids) {
        void budget.acquire(aBid(one)).then((permit) => permit.sent())
        await time.pass(restMs)
      }
      await settled()
      budget.pauseUntil(time.clock.elapsed() + pauseMs)
      const promised = budget.estimateAt(priority, caller, 0)
      let left = Number.NaN
      const leave = async () => {
        const permit = await budget.acquire(aBid({ priority, caller, deadline: () => promised }))
        left = time.clock.elapsed()
        permit.sent()
      }
      await Promise.all([leave(), time.pass(60_000)])
      return left === promised
    }),
  )
})

tap.test('foretells for after more of a caller’s own, and in the place of fewer', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(2, time.clock)
  const { bid } = watch(budget, time)
  for (const name of ['a', 'b', 'c']) bid(name)
  await settled()
  const start = time.clock.elapsed()
  t.equal(budget.estimateAt('caller', 'anna', -1), start + spanMs)
  t.equal(budget.estimateAt('caller', 'anna', 0), start + spanMs)
  t.equal(budget.estimateAt('caller', 'anna', 1), start + 2 * spanMs)
  t.equal(budget.estimateAt('mirror', 'zoe', 3), start + 3 * spanMs)
})

/** What becomes of one bid: after how long its call is written, or its permit given back. */
interface Fate {
  readonly priority: PermitRequest['priority']
  readonly caller: string
  readonly patienceMs: number
  readonly lateMs: number
  readonly isReleased: boolean
}

tap.test('never lets more than the rate into any second and margin, whatever comes when', async (t) => {
  const time = fakeTime(t)
  const fate: fc.Arbitrary<Fate> = fc.record({
    priority,
    caller,
    patienceMs: fc.oneof(fc.nat(8000), fc.constant(60_000)),
    lateMs: fc.oneof(fc.constant(0), fc.nat(900)),
    isReleased: fc.boolean(),
  })
  const step = fc.record({
    burst: fc.array(fate, { maxLength: 15 }),
    restMs: fc.oneof(fc.nat(50), fc.nat(2500)),
    pauseMs: fc.option(fc.nat(1500), { nil: 0, freq: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.integer({ min: 1, max: 11 }), async (steps, rate) => {
      const budget = createRateLimiter(rate, time.clock, 40)
      const { clock } = time
      const written: number[] = []
      let pausedUntil = 0
      let open = 0
      const faults: string[] = []
      const use = async (permit: Permit, deadline: number, { lateMs, isReleased }: Fate) => {
        if (clock.elapsed() > deadline) faults.push('left after its deadline')
        if (clock.elapsed() < pausedUntil) faults.push('left in a pause')
        if (lateMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, lateMs))
        if (isReleased) return permit.release()
        written.push(clock.elapsed())
        permit.sent()
      }
      for (const { burst, restMs, pauseMs } of steps) {
        for (const fate of burst) {
          const deadline = clock.elapsed() + fate.patienceMs
          open++
          budget
            .acquire(aBid({ ...fate, deadline: () => deadline }))
            .then(
              (permit) => use(permit, deadline, fate),
              (error: unknown) => void (isProblem(error, 'overloaded') || faults.push(String(error))),
            )
            .finally(() => open--)
        }
        await settled()
        if (pauseMs > 0) {
          pausedUntil = Math.max(pausedUntil, clock.elapsed() + pauseMs)
          budget.pauseUntil(pausedUntil)
        }
        await time.pass(restMs)
      }
      await time.pass(150_000)
      written.forEach((at, index) => {
        const later = written[index + rate]
        if (later !== undefined && later - at < spanMs) faults.push(`${rate + 1} calls within ${later - at} ms`)
      })
      if (open > 0 || budget.state.waiting > 0) faults.push(`${open} bids without an end`)
      if (time.timers() > 0) faults.push('a timer is left over')
      if (budget.estimateAt('mirror', 'zoe', rate - 1) > clock.elapsed()) faults.push('a permit is lost')
      return faults.length === 0 || Promise.reject(new Error(faults.join(', ')))
    }),
    { numRuns: 150 },
  )
})

tap.test('tells of each permit whether it was the last for the moment', async (t) => {
  const time = fakeTime(t)
  const budget = createRateLimiter(2, time.clock)
  const [first, second] = await Promise.all([budget.acquire(aBid()), budget.acquire(aBid())])
  t.notOk(first?.wasLast)
  first?.sent()
  second?.sent()
  t.strictSame([first?.wasLast, second?.wasLast], [true, true], 'both places were taken')
  await time.pass(1000 + jitterMarginMs)
  const third = await budget.acquire(aBid())
  third.sent()
  t.notOk(third.wasLast, 'another could have left')
})
