import tap from 'tap'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'

const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }
const cached: CacheEntry<string> = { value: 'here', begunAt: 0, readAt: 0, freshUntil: 60_000, wallTime: 0 }
const decide = (at: number, directives?: Directives, entry: CacheEntry<string> | undefined = cached) =>
  new ReadContext('a', 0, directives).decide(entry, at, policy)

tap.test('serves fresh entries, refreshes stale ones, and reads missing and too stale ones', async (t) => {
  t.equal(decide(59_999), 'serve')
  t.equal(decide(60_000), 'refresh')
  t.equal(decide(359_999), 'refresh')
  t.equal(decide(360_000), 'read')
  t.equal(new ReadContext('a', 0).decide(undefined, 0, policy), 'read')
})

tap.test('reads for no-cache, unless the entry is under a second old', async (t) => {
  t.equal(decide(1000, { noCache: true }), 'serve')
  t.equal(decide(1001, { noCache: true }), 'read')
})

tap.test('serves nothing older than max-age, except entries under a second old', async (t) => {
  t.equal(decide(20_000, { maxAgeMs: 20_000 }), 'serve')
  t.equal(decide(20_001, { maxAgeMs: 20_000 }), 'read')
  t.equal(decide(1000, { maxAgeMs: 0 }), 'serve')
  t.equal(decide(90_000, { maxAgeMs: 100_000 }), 'refresh')
})

tap.test('serves any cached entry for only-if-cached, and never reads', async (t) => {
  const onlyIfCached = true
  t.equal(decide(900_000, { onlyIfCached }), 'serve')
  t.equal(decide(2000, { onlyIfCached, maxAgeMs: 1999 }), 'read')
  t.equal(new ReadContext('a', 0, { onlyIfCached }).onlyIfCachedProblem()?.problem, 'not_cached')
  t.equal(new ReadContext('a', 0).onlyIfCachedProblem(), undefined)
})

tap.test('reports the worst of the outcomes of all records', async (t) => {
  const context = new ReadContext('a', 0)
  t.equal(context.outcome, undefined)
  for (const outcome of ['hit', 'stale', 'fwd=stale', 'fwd=miss'] as const) {
    context.outcomeCounts[outcome]++
    t.equal(context.outcome, outcome)
  }
  context.outcomeCounts.hit++
  t.equal(context.outcome, 'fwd=miss')
})
