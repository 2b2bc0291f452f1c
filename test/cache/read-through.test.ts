import tap from 'tap'
import type { BatchLoader, LoadRequest } from '../../src/cache/batch-loader.js'
import { ConcurrencyLimit } from '../../src/cache/concurrency-limit.js'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'
import { completesWithin, readThrough } from '../../src/cache/read-through.js'
import { isProblem, problem } from '../../src/errors.js'
import { settle, TestClock } from '../harness.js'

const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }

function start() {
  const clock = new TestClock()
  const entries = new Map<string, CacheEntry<string>>()
  const loads: string[] = []
  const requests: LoadRequest[] = []
  const upstream: { load: (key: string) => Promise<CacheEntry<string>> } = {
    load: async (key) => put(key, `${key} anew`),
  }
  const waiting = new ConcurrencyLimit(2)
  const followed = { by: false }
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const loader = {
    load(key: string, request: LoadRequest) {
      loads.push(`${key} ${request.priority}`)
      requests.push(request)
      return upstream.load(key)
    },
  } as unknown as BatchLoader<CacheEntry<string>>
  const read = readThrough(
    { find: (key) => entries.get(key), loader, isFollowed: () => followed.by },
    { clock, policy, refreshTimeoutMs: 5000, lookups, waiting },
  )
  function put(key: string, value: string | undefined, ageMs = 0): CacheEntry<string> {
    const readAt = clock.elapsed() - ageMs
    const freshUntil = readAt + (value === undefined ? 30_000 : 60_000)
    const entry = { value, begunAt: readAt, readAt, freshUntil, wallTime: readAt }
    entries.set(key, entry)
    return entry
  }
  const context = (directives: Directives = {}, timeoutMs = 10_000) =>
    new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  /** Reads one key; resolves to the code of the problem if it fails. */
  async function readOne(key: string, passed = context()) {
    const found = (await read([key], passed)).get(key)
    return isProblem(found) ? found.problem : { value: found?.value, stale: found?.stale, outcome: passed.outcome }
  }
  return { followed, waiting, clock, entries, loads, requests, upstream, lookups, read, put, context, readOne }
}

const unavailable = () => Promise.reject(problem('upstream_unavailable', 'down'))
const never = () => new Promise<never>(() => {})

tap.test('serves a fresh entry without a load', async (t) => {
  const { put, readOne, loads, lookups } = start()
  put('a', 'here', 59_999)
  put('gone', undefined, 29_999)
  t.strictSame(await readOne('a'), { value: 'here', stale: false, outcome: 'hit' })
  t.strictSame(await readOne('gone'), { value: undefined, stale: false, outcome: 'hit' })
  t.strictSame(loads, [])
  t.strictSame(lookups, { hit: 1, stale: 0, negative: 1, miss: 0 })
})

tap.test('serves a stale entry immediately and refreshes it in the background', async (t) => {
  const { put, readOne, loads, lookups, requests, clock } = start()
  put('a', 'old', 60_000)
  t.strictSame(await readOne('a'), { value: 'old', stale: true, outcome: 'stale' })
  t.strictSame(loads, ['a refresh'])
  t.equal(requests[0]?.deadline, clock.elapsed() + 5000)
  await settle()
  t.match(await readOne('a'), { value: 'a anew', outcome: 'hit' })
  t.strictSame(lookups, { hit: 1, stale: 1, negative: 0, miss: 0 })
})

tap.test('serves the stale entry even if its refresh fails', async (t) => {
  const { put, readOne, upstream } = start()
  put('a', 'old', 60_000)
  upstream.load = unavailable
  t.match(await readOne('a'), { value: 'old' })
  await settle()
})

tap.test('loads a missing entry for the caller', async (t) => {
  const { readOne, context, loads, requests, lookups } = start()
  const passed = context()
  t.strictSame(await readOne('a', passed), { value: 'a anew', stale: false, outcome: 'fwd=miss' })
  t.strictSame(loads, ['a caller'])
  t.match(requests[0], { caller: 'a', deadline: passed.deadline })
  t.equal(requests[0]?.calls, passed.calls)
  t.equal(lookups.miss, 1)
})

tap.test(
  'waits for a load past the revalidate window, and falls back to the cached entry if upstream fails',
  async (t) => {
    const { put, readOne, loads, upstream } = start()
    put('a', 'old', 360_000)
    t.strictSame(await readOne('a'), { value: 'a anew', stale: false, outcome: 'fwd=stale' })
    put('a', 'old', 360_000)
    upstream.load = unavailable
    t.strictSame(await readOne('a'), { value: 'old', stale: true, outcome: 'fwd=stale' })
    t.strictSame(loads, ['a caller', 'a caller'])
    put('a', 'old', 1_060_000)
    t.equal(await readOne('a'), 'upstream_unavailable')
  },
)

tap.test('falls back to the cached entry if upstream does not respond in time', async (t) => {
  const { put, readOne, upstream, context } = start()
  put('a', 'old', 360_000)
  upstream.load = never
  t.strictSame(await readOne('a', context({}, 5)), { value: 'old', stale: true, outcome: 'fwd=stale' })
  put('a', 'old', 1_060_000)
  t.equal(await readOne('a', context({}, 5)), 'upstream_timeout')
  t.equal(await readOne('b', context({}, 5)), 'upstream_timeout')
})

tap.test('reloads for no-cache and max-age at forced priority', async (t) => {
  const { put, readOne, loads, context } = start()
  put('a', 'old', 5000)
  t.match(await readOne('a', context({ noCache: true })), { value: 'a anew', outcome: 'fwd=stale' })
  put('b', 'old', 60_000)
  t.match(await readOne('b', context({ maxAgeMs: 10_000 })), { value: 'b anew' })
  put('c', 'old', 400_000)
  t.match(await readOne('c', context({ noCache: true })), { value: 'c anew' })
  t.strictSame(loads, ['a forced', 'b forced', 'c caller'])
})

tap.test('never loads for only-if-cached', async (t) => {
  const { put, readOne, loads, context } = start()
  const onlyIfCached = true
  put('a', 'old', 900_000)
  t.match(await readOne('a', context({ onlyIfCached })), { value: 'old', stale: true, outcome: 'stale' })
  t.equal(await readOne('b', context({ onlyIfCached })), 'not_cached')
  t.equal(await readOne('a', context({ onlyIfCached, maxAgeMs: 1000 })), 'not_cached')
  t.strictSame(loads, [])
})

tap.test('reports the outcome of each key separately', async (t) => {
  const { put, read, upstream, context } = start()
  put('cached', 'here')
  upstream.load = async (key) => (key === 'slow' ? never() : key === 'bad' ? unavailable() : put(key, key))
  const passed = context({}, 20)
  const found = await read(new Set(['cached', 'slow', 'bad', 'good']), passed)
  const outcomeOf = (key: string) => {
    const result = found.get(key)
    return isProblem(result) ? result.problem : result?.value
  }
  t.strictSame(['cached', 'slow', 'bad', 'good'].map(outcomeOf), [
    'here',
    'upstream_timeout',
    'upstream_unavailable',
    'good',
  ])
  t.equal(passed.outcome, 'fwd=miss')
  t.equal((await read([], context())).size, 0)
})

tap.test('throws an error of our own', async (t) => {
  const { upstream, readOne } = start()
  upstream.load = () => Promise.reject(new TypeError('a bug'))
  await t.rejects(readOne('a'), new TypeError('a bug'))
})

tap.test('regression: served an entry older than max-age when upstream failed', async (t) => {
  const { put, readOne, upstream, context } = start()
  upstream.load = () => Promise.reject(problem('upstream_unavailable', 'down'))
  put('a', 'old', 20_000)
  t.equal(await readOne('a', context({ maxAgeMs: 10_000 })), 'upstream_unavailable')
  t.match(
    await readOne('a', context({ noCache: true })),
    { value: 'old' },
    'no-cache accepts a cached entry if the load fails',
  )
  put('b', 'new', 500)
  t.match(await readOne('b', context({ maxAgeMs: 0 })), { value: 'new' })
})

tap.test('rejects a caller when too many wait, unless an entry is cached', async (t) => {
  const { waiting, put, readOne, loads, upstream, context } = start()
  upstream.load = never
  const first = [readOne('a', context({}, 50)), readOne('b', context({}, 50))]
  put('cached', 'old', 360_000)
  t.equal(await readOne('c'), 'overloaded')
  t.match(await readOne('cached'), { value: 'old', stale: true })
  t.strictSame(loads, ['a caller', 'b caller'])
  await Promise.all(first)
  t.equal(waiting.used, 0)
})

tap.test('never loads an entry because of its age while changes are followed', async (t) => {
  const { followed, put, readOne, loads, context } = start()
  followed.by = true
  for (const age of [60_000, 360_000, 1_000_000]) {
    put('a', 'old', age)
    t.match(await readOne('a'), { value: 'old', stale: true, outcome: 'stale' })
  }
  t.strictSame(loads, [])
  t.match(await readOne('a', context({ noCache: true })), { value: 'a anew' })
})

tap.test('returns whether the work completed in time', async (t) => {
  t.equal(await completesWithin(Promise.resolve(), 1000), true)
  t.equal(await completesWithin(undefined, 1000), true)
  t.equal(await completesWithin(never(), 1), false)
  t.equal(await completesWithin(never(), -1), false)
})

tap.test('throws an error within the time, and ignores a later one', async (t) => {
  await t.rejects(completesWithin(Promise.reject(new Error('broken')), 1000), new Error('broken'))
  let fail = (_error: Error) => {}
  const work = new Promise<void>((_resolve, reject) => {
    fail = reject
  })
  t.equal(await completesWithin(work, 0), false)
  fail(new Error('later'))
  await new Promise((resolve) => setImmediate(resolve))
})
