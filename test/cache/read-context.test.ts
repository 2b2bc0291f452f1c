import tap from 'tap'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'

const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }
const held: CacheEntry<string> = { value: 'here', begunAt: 0, readAt: 0, freshUntil: 60_000, wallTime: 0 }
const judge = (at: number, directives?: Directives, what: CacheEntry<string> | undefined = held) =>
  new ReadContext('a', 0, directives).decide(what, at, policy)

tap.test('serves what is fresh, refreshes what is stale, reads what is too stale or not there', async (t) => {
  t.equal(judge(59_999), 'serve')
  t.equal(judge(60_000), 'refresh')
  t.equal(judge(359_999), 'refresh')
  t.equal(judge(360_000), 'read')
  t.equal(new ReadContext('a', 0).decide(undefined, 0, policy), 'read')
})

tap.test('reads for no-cache, but not what was read less than a second ago', async (t) => {
  t.equal(judge(1000, { noCache: true }), 'serve')
  t.equal(judge(1001, { noCache: true }), 'read')
})

tap.test('takes nothing older than max-age, but what was read less than a second ago is new enough', async (t) => {
  t.equal(judge(20_000, { maxAgeMs: 20_000 }), 'serve')
  t.equal(judge(20_001, { maxAgeMs: 20_000 }), 'read')
  t.equal(judge(1000, { maxAgeMs: 0 }), 'serve')
  t.equal(judge(90_000, { maxAgeMs: 100_000 }), 'refresh')
})

tap.test('serves anything held for only-if-cached, and refuses to read', async (t) => {
  const onlyIfCached = true
  t.equal(judge(900_000, { onlyIfCached }), 'serve')
  t.equal(judge(2000, { onlyIfCached, maxAgeMs: 1999 }), 'read')
  t.equal(new ReadContext('a', 0, { onlyIfCached }).onlyIfCachedProblem()?.problem, 'not_cached')
  t.equal(new ReadContext('a', 0).onlyIfCachedProblem(), undefined)
})

tap.test('tells the worst way in which a record came', async (t) => {
  const reading = new ReadContext('a', 0)
  t.equal(reading.outcome, undefined)
  for (const outcome of ['hit', 'stale', 'fwd=stale', 'fwd=miss'] as const) {
    reading.outcomeCounts[outcome]++
    t.equal(reading.outcome, outcome)
  }
  reading.outcomeCounts.hit++
  t.equal(reading.outcome, 'fwd=miss')
})
