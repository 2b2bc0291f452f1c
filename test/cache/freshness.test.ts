import tap from 'tap'
import {
  asOf,
  type CacheEntry,
  freshUntil,
  isFresh,
  withinRevalidateWindow,
  withinStaleWindow,
} from '../../src/cache/freshness.js'
import { TestClock } from '../harness.js'

const policy = { ttlMs: 60, revalidateMs: 300, maxStaleMs: 1000, negativeTtlMs: 30 }
const cached: CacheEntry<string> = { value: 'here', begunAt: 0, readAt: 0, freshUntil: 60, wallTime: 0 }
const absent: CacheEntry<string> = { ...cached, value: undefined }

tap.test('is fresh until its TTL is over', async (t) => {
  t.ok(isFresh(cached, 59))
  t.notOk(isFresh(cached, 60))
})

tap.test('regression: as_of was in the future after the wall clock had been corrected', async (t) => {
  const clock = new TestClock()
  const readNow = () => ({ ...cached, readAt: clock.elapsed(), wallTime: clock.now() })
  const before = readNow()
  const readAt = clock.now()
  clock.setWallClock(30 * 3600_000)
  t.equal(asOf(before, clock), readAt + 30 * 3600_000, 'just now, by the wall clock that was set ahead since')
  const meanwhile = readNow()
  clock.setWallClock(-30 * 3600_000)
  clock.advance(5000)
  t.equal(asOf(before, clock), readAt)
  t.equal(asOf(meanwhile, clock), readAt, 'read while the wall clock was ahead, 5 s ago')
  clock.setWallClock(-5500)
  t.ok(asOf(before, clock) <= clock.now())
  clock.setWallClock(-30 * 3600_000)
  t.ok(asOf(before, clock) <= clock.now(), 'the wall clock was set back by more than the age')
})

tap.test('is served without waiting within the TTL and the revalidate window', async (t) => {
  t.ok(withinRevalidateWindow(cached, 59, policy))
  t.ok(withinRevalidateWindow(cached, 359, policy))
  t.notOk(withinRevalidateWindow(cached, 360, policy))
})

tap.test('is served if upstream fails, until the longer of both windows is over', async (t) => {
  t.ok(withinStaleWindow(cached, 1059, policy))
  t.notOk(withinStaleWindow(cached, 1060, policy))
  t.ok(withinStaleWindow(cached, 359, { ...policy, maxStaleMs: 0 }))
  t.notOk(withinStaleWindow(cached, 360, { ...policy, maxStaleMs: 0 }))
})

tap.test('absence is never served past its TTL', async (t) => {
  t.ok(withinRevalidateWindow(absent, 59, policy))
  t.notOk(withinRevalidateWindow(absent, 60, policy))
  t.ok(withinStaleWindow(absent, 59, policy))
  t.notOk(withinStaleWindow(absent, 60, policy))
})

tap.test('shortens a TTL by up to a tenth, and never lengthens it', async (t) => {
  const ends = Array.from({ length: 1000 }, () => freshUntil(5000, 1000))
  t.ok(ends.every((end) => end > 5899 && end <= 6000))
  t.ok(Math.max(...ends) - Math.min(...ends) > 50, 'records that were read together expire at different times')
})
