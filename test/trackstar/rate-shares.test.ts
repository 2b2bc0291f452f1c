import tap from 'tap'
import { createRateLimiter } from '../../src/trackstar/rate-limiter.js'
import { limitShares } from '../../src/trackstar/rate-shares.js'
import { type FakeTime, fakeTime, settled } from './fake-time.js'
import { permitRequest, spanMs, watch, within } from './permit-requests.js'

const forced = { priority: 'forced' } as const
const shared = (time: FakeTime, rate: number) => limitShares(createRateLimiter(rate, time.clock), time.clock)

tap.test('limits forced requests to half of the rate', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 5), time)
  for (let n = 1; n <= 5; n++) request(`f${n}`, forced)
  await time.pass(3 * spanMs)
  t.strictSame(log, ['f1 at 0', 'f2 at 0', `f3 at ${spanMs}`, `f4 at ${spanMs}`, `f5 at ${2 * spanMs}`])
})

tap.test('grants forced requests at a rate of one', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 1), time)
  request('forced', forced)
  await time.pass(0)
  t.strictSame(log, ['forced at 0'])
})

tap.test('never grants forced and other requests more than the rate together', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 4), time)
  for (let n = 1; n <= 3; n++) request(`f${n}`, forced)
  for (let n = 1; n <= 3; n++) request(`c${n}`)
  await time.pass(spanMs - 1)
  t.strictSame(new Set(log), new Set(['f1 at 0', 'c1 at 0', 'c2 at 0', 'c3 at 0']))
  await time.pass(1)
  t.strictSame(log.slice(4).sort(), [`f2 at ${spanMs}`, `f3 at ${spanMs}`])
})

tap.test('queues forced requests with refreshes: behind callers, in turns', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 2)
  const { log, request } = watch(limiter, time)
  for (const name of ['a', 'b']) request(name)
  await settled()
  request('m', { priority: 'mirror', caller: 'mirror' })
  request('r1', { priority: 'refresh', caller: 'refresh' })
  request('r2', { priority: 'refresh', caller: 'refresh' })
  request('f', forced)
  await settled()
  request('c')
  t.equal(limiter.state.waiting, 5)
  await time.pass(5 * spanMs)
  t.strictSame(
    log.map((line) => line.split(' ')[0]),
    ['a', 'b', 'm', 'c', 'r1', 'f', 'r2'],
  )
})

tap.test('rejects a forced request at once if either limiter delays it past its deadline', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 4)
  const { log, request } = watch(limiter, time)
  request('f1', forced)
  request('f2', forced)
  await settled()
  request('late for the half', { ...forced, deadline: within(time, spanMs - 1) })
  await time.pass(2 * spanMs)
  for (let n = 0; n < 4; n++) request('c')
  await settled()
  request('late for the whole', { ...forced, deadline: within(time, spanMs - 1) })
  await settled()
  t.strictSame(
    log.filter((line) => line.includes('refused')),
    ['late for the half refused for 2 s at 0', `late for the whole refused for 2 s at ${2 * spanMs}`],
  )
  t.equal(limiter.state.waiting, 0)
})

tap.test('does not wait for the forced limiter if the shared one would be too late', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 4), time)
  request('f1', forced)
  request('f2', forced)
  await settled()
  for (let n = 0; n < 10; n++) request('c')
  await settled()
  request('late', { ...forced, deadline: within(time, 2 * spanMs) })
  await settled()
  t.equal(log.at(-1), 'late refused for 4 s at 0')
})

tap.test('releases the permit of the forced limiter when the shared one rejects the request', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 2)
  const { log, request } = watch(limiter, time)
  for (const name of ['a', 'b', 'c']) request(name)
  await settled()
  request('f1', { ...forced, deadline: within(time, spanMs) })
  await settled()
  for (const name of ['d', 'e', 'f']) request(name)
  await time.pass(2 * spanMs)
  t.match(log, new Set([`f1 refused for 1 s at ${2 * spanMs}`]))
  request('f2', forced)
  await time.pass(spanMs)
  t.equal(log.at(-1), `f2 at ${3 * spanMs}`)
})

tap.test('releases both permits of a forced call that is not made', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 2)
  const permit = await limiter.acquire(permitRequest(forced))
  t.equal(limiter.state.usedLastSecond, 1)
  permit.release()
  t.equal(limiter.state.usedLastSecond, 0)
  t.equal(limiter.estimateAt('forced', 'anna', 0), time.clock.elapsed())
})

tap.test('estimates by the later of both limiters', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 4)
  const { request } = watch(limiter, time)
  const start = time.clock.elapsed()
  t.equal(limiter.estimateAt('forced', 'anna', 0), start)
  t.equal(limiter.estimateAt('forced', 'anna', 2), start + spanMs, 'by the forced limiter')
  t.equal(limiter.estimateAt('caller', 'anna', 2), start)
  for (let n = 0; n < 4; n++) request('c')
  await settled()
  t.equal(limiter.estimateAt('forced', 'anna', 0), start + spanMs, 'by the shared limiter')
  t.equal(limiter.estimateAt('refresh', 'anna', 0), start + spanMs)
})

tap.test('pauses forced requests as long as all others', async (t) => {
  const time = fakeTime(t)
  const limiter = shared(time, 2)
  const { log, request } = watch(limiter, time)
  let pauses = 0
  limiter.onPause(() => pauses++)
  request('f1', forced)
  await settled()
  for (let n = 0; n < 9; n++) request(`c${n}`, { deadline: within(time, 50_000) })
  request('impatient', { ...forced, deadline: within(time, 7000) })
  await settled()
  limiter.pauseUntil(time.clock.elapsed() + 8000)
  t.equal(pauses, 1)
  await settled()
  t.strictSame(log, ['f1 at 0', 'c0 at 0', 'impatient refused for 8 s at 0'])
  t.strictSame(limiter.state, { readsPerSecond: 2, usedLastSecond: 2, waiting: 8, isExhausted: true })
  await time.pass(7999)
  t.equal(log.length, 3)
  await time.pass(5 * spanMs)
  request('f2', forced)
  await settled()
  t.equal(log.at(-1), `f2 at ${7999 + 5 * spanMs}`)
})

tap.test('regression: constant requests of callers left the mirror no permit', async (t) => {
  const time = fakeTime(t)
  for (const rate of [1, 2, 3, 10]) {
    const { log, request } = watch(shared(time, rate), time)
    const begin = time.elapsed()
    for (let n = 0; n < 20 * rate; n++) {
      for (const priority of ['caller', 'list', 'forced', 'refresh'] as const) request(priority, { priority })
    }
    await settled()
    for (let n = 0; n < 20; n++) request('mirror', { priority: 'mirror' })
    await time.pass(12 * spanMs)
    const at = log.filter((line) => line.startsWith('mirror')).map((line) => Number(line.split(' ')[2]) - begin)
    t.equal(at.length, rate === 1 ? 6 : 12, `at a rate of ${rate}`)
    t.ok(log.length - at.length >= 12 * rate - at.length, 'the others get the rest')
    await time.pass(200 * spanMs)
  }
})

tap.test('grants the mirror the whole rate while nothing else waits', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 4), time)
  for (let n = 0; n < 8; n++) request('mirror', { priority: 'mirror' })
  await time.pass(spanMs)
  t.equal(log.length, 8)
})

tap.test('limits lists to six tenths of the rate', async (t) => {
  const time = fakeTime(t)
  const { log, request } = watch(shared(time, 10), time)
  for (let n = 0; n < 30; n++) request('list', { priority: 'list', caller: `caller ${n % 4}` })
  await settled()
  t.equal(log.length, 6)
  for (let n = 0; n < 4; n++) request('caller')
  await settled()
  t.equal(log.length, 10, 'callers without an answer get the rest')
  await time.pass(spanMs)
  t.equal(log.length, 16)
  const slow = watch(shared(time, 1), time)
  slow.request('list', { priority: 'list' })
  await settled()
  t.equal(slow.log.length, 1, 'at least one call')
})
