import tap from 'tap'
import {
  type CacheEntry,
  freshUntil,
  isFresh,
  withinRevalidateWindow,
  withinStaleWindow,
} from '../../src/cache/freshness.js'

const policy = { ttlMs: 60, revalidateMs: 300, maxStaleMs: 1000, negativeTtlMs: 30 }
const held: CacheEntry<string> = { value: 'here', begunAt: 0, readAt: 0, freshUntil: 60 }
const absent: CacheEntry<string> = { ...held, value: undefined }

tap.test('is fresh until its TTL is over', async (t) => {
  t.ok(isFresh(held, 59))
  t.notOk(isFresh(held, 60))
})

tap.test('regression: what was read before the clock was set back was fresh until it came round again', async (t) => {
  const later: CacheEntry<string> = { value: 'here', begunAt: 1000, readAt: 1000, freshUntil: 1060 }
  t.ok(isFresh(later, 1000))
  t.notOk(isFresh(later, 999))
  t.ok(withinRevalidateWindow(later, 999, policy), 'it may be served, and refreshed')
  t.ok(withinStaleWindow(later, 999, policy))
  const gone: CacheEntry<string> = { ...later, value: undefined }
  t.notOk(withinRevalidateWindow(gone, 999, policy), 'absence may not')
  t.notOk(withinStaleWindow(gone, 999, policy))
})

tap.test('is served at once within the TTL and the revalidate window', async (t) => {
  t.ok(withinRevalidateWindow(held, 59, policy))
  t.ok(withinRevalidateWindow(held, 359, policy))
  t.notOk(withinRevalidateWindow(held, 360, policy))
})

tap.test('is served for a failing upstream until the longer of both windows is over', async (t) => {
  t.ok(withinStaleWindow(held, 1059, policy))
  t.notOk(withinStaleWindow(held, 1060, policy))
  t.ok(withinStaleWindow(held, 359, { ...policy, maxStaleMs: 0 }))
  t.notOk(withinStaleWindow(held, 360, { ...policy, maxStaleMs: 0 }))
})

tap.test('never serves absence past its TTL', async (t) => {
  t.ok(withinRevalidateWindow(absent, 59, policy))
  t.notOk(withinRevalidateWindow(absent, 60, policy))
  t.ok(withinStaleWindow(absent, 59, policy))
  t.notOk(withinStaleWindow(absent, 60, policy))
})

tap.test('takes up to a tenth off a TTL, and never adds to it', async (t) => {
  const ends = Array.from({ length: 1000 }, () => freshUntil(5000, 1000))
  t.ok(ends.every((end) => end > 5899 && end <= 6000))
  t.ok(Math.max(...ends) - Math.min(...ends) > 50, 'what came together expires apart')
})
