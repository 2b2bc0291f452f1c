import tap from 'tap'
import { createRateLimiter, limitForcedReads } from '../../src/trackstar/rate-limiter.js'
import { aBid, spanMs, watch, within } from './permit-requests.js'
import { fakeTime, settled, type Time } from './time.js'

const forced = { priority: 'forced' } as const
const shared = (time: Time, rate: number) => limitForcedReads(createRateLimiter(rate, time.clock), time.clock)

tap.test('lets forced bids have half of the rate, however many they are', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(shared(time, 5), time)
  for (let n = 1; n <= 5; n++) bid(`f${n}`, forced)
  await time.pass(3 * spanMs)
  t.strictSame(log, ['f1 at 0', 'f2 at 0', `f3 at ${spanMs}`, `f4 at ${spanMs}`, `f5 at ${2 * spanMs}`])
})

tap.test('leaves a budget of one call to forced bids as well', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(shared(time, 1), time)
  bid('forced', forced)
  await time.pass(0)
  t.strictSame(log, ['forced at 0'])
})

tap.test('never lets forced and other bids together have more than the whole', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(shared(time, 4), time)
  for (let n = 1; n <= 3; n++) bid(`f${n}`, forced)
  for (let n = 1; n <= 3; n++) bid(`c${n}`)
  await time.pass(spanMs - 1)
  t.strictSame(new Set(log), new Set(['f1 at 0', 'c1 at 0', 'c2 at 0', 'c3 at 0']))
  await time.pass(1)
  t.strictSame(log.slice(4).sort(), [`f2 at ${spanMs}`, `f3 at ${spanMs}`])
})

tap.test('puts forced bids in line with the refreshes: behind callers, in turns, before the mirror', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 2)
  const { log, bid } = watch(budget, time)
  for (const name of ['a', 'b']) bid(name)
  await settled()
  bid('m', { priority: 'mirror', caller: 'mirror' })
  bid('r1', { priority: 'refresh', caller: 'refresh' })
  bid('r2', { priority: 'refresh', caller: 'refresh' })
  bid('f', forced)
  await settled()
  bid('c')
  t.equal(budget.state.waiting, 5)
  await time.pass(5 * spanMs)
  t.strictSame(
    log.map((line) => line.split(' ')[0]),
    ['a', 'b', 'c', 'r1', 'f', 'r2', 'm'],
  )
})

tap.test('refuses a forced bid at once where the half or the whole keeps it too long', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 4)
  const { log, bid } = watch(budget, time)
  bid('f1', forced)
  bid('f2', forced)
  await settled()
  bid('late for the half', { ...forced, deadline: within(time, spanMs - 1) })
  await time.pass(2 * spanMs)
  for (let n = 0; n < 4; n++) bid('c')
  await settled()
  bid('late for the whole', { ...forced, deadline: within(time, spanMs - 1) })
  await settled()
  t.strictSame(
    log.filter((line) => line.includes('refused')),
    ['late for the half refused for 2 s at 0', `late for the whole refused for 2 s at ${2 * spanMs}`],
  )
  t.equal(budget.state.waiting, 0)
})

tap.test('does not wait for the half where the whole would be too late anyway', async (t) => {
  const time = fakeTime(t)
  const { log, bid } = watch(shared(time, 4), time)
  bid('f1', forced)
  bid('f2', forced)
  await settled()
  for (let n = 0; n < 10; n++) bid('c')
  await settled()
  bid('late', { ...forced, deadline: within(time, 2 * spanMs) })
  await settled()
  t.equal(log.at(-1), 'late refused for 4 s at 0')
})

tap.test('gives its half back when the whole refuses', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 2)
  const { log, bid } = watch(budget, time)
  for (const name of ['a', 'b', 'c']) bid(name)
  await settled()
  bid('f1', { ...forced, deadline: within(time, spanMs) })
  await settled()
  for (const name of ['d', 'e', 'f']) bid(name)
  await time.pass(2 * spanMs)
  t.match(log, new Set([`f1 refused for 1 s at ${2 * spanMs}`]))
  bid('f2', forced)
  await time.pass(spanMs)
  t.equal(log.at(-1), `f2 at ${3 * spanMs}`)
})

tap.test('gives both back when a forced call is not made after all', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 2)
  const permit = await budget.acquire(aBid(forced))
  t.equal(budget.state.usedLastSecond, 1)
  permit.release()
  t.equal(budget.state.usedLastSecond, 0)
  t.equal(budget.estimateAt('forced', 'anna', 0), time.clock.elapsed())
})

tap.test('foretells by the half or the whole, whichever is later', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 4)
  const { bid } = watch(budget, time)
  const start = time.clock.elapsed()
  t.equal(budget.estimateAt('forced', 'anna', 0), start)
  t.equal(budget.estimateAt('forced', 'anna', 2), start + spanMs, 'the half')
  t.equal(budget.estimateAt('caller', 'anna', 2), start)
  for (let n = 0; n < 4; n++) bid('c')
  await settled()
  t.equal(budget.estimateAt('forced', 'anna', 0), start + spanMs, 'the whole')
  t.equal(budget.estimateAt('refresh', 'anna', 0), start + spanMs)
})

tap.test('pauses forced bids with all others, for as long and no longer', async (t) => {
  const time = fakeTime(t)
  const budget = shared(time, 2)
  const { log, bid } = watch(budget, time)
  let pauses = 0
  budget.onPause(() => pauses++)
  bid('f1', forced)
  await settled()
  for (let n = 0; n < 9; n++) bid(`c${n}`, { deadline: within(time, 50_000) })
  bid('impatient', { ...forced, deadline: within(time, 7000) })
  await settled()
  budget.pauseUntil(time.clock.elapsed() + 8000)
  t.equal(pauses, 1)
  await settled()
  t.strictSame(log, ['f1 at 0', 'c0 at 0', 'impatient refused for 8 s at 0'])
  t.strictSame(budget.state, { readsPerSecond: 2, usedLastSecond: 2, waiting: 8, isExhausted: true })
  await time.pass(7999)
  t.equal(log.length, 3)
  await time.pass(5 * spanMs)
  bid('f2', forced)
  await settled()
  t.equal(log.at(-1), `f2 at ${7999 + 5 * spanMs}`)
})
