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
  const shelf = new Map<string, CacheEntry<string>>()
  const loads: string[] = []
  const demands: LoadRequest[] = []
  const upstream: { load: (key: string) => Promise<CacheEntry<string>> } = {
    load: async (key) => put(key, `${key} anew`),
  }
  const waiting = new ConcurrencyLimit(2)
  const followed = { by: false }
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const loader = {
    load(key: string, demand: LoadRequest) {
      loads.push(`${key} ${demand.priority}`)
      demands.push(demand)
      return upstream.load(key)
    },
  } as unknown as BatchLoader<CacheEntry<string>>
  const read = readThrough(
    { find: (key) => shelf.get(key), loader, isFollowed: () => followed.by },
    { clock, policy, refreshTimeoutMs: 5000, lookups, waiting },
  )
  function put(key: string, value: string | undefined, ageMs = 0): CacheEntry<string> {
    const readAt = clock.elapsed() - ageMs
    const freshUntil = readAt + (value === undefined ? 30_000 : 60_000)
    const held = { value, begunAt: readAt, readAt, freshUntil, wallTime: readAt }
    shelf.set(key, held)
    return held
  }
  const reading = (directives: Directives = {}, timeoutMs = 10_000) =>
    new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  /** Reads one key; a problem is told by its code. */
  async function one(key: string, given = reading()) {
    const found = (await read([key], given)).get(key)
    return isProblem(found) ? found.problem : { value: found?.value, stale: found?.stale, outcome: given.outcome }
  }
  return { followed, waiting, clock, shelf, loads, demands, upstream, lookups, read, put, reading, one }
}

const unavailable = () => Promise.reject(problem('upstream_unavailable', 'gone'))
const never = () => new Promise<never>(() => {})

tap.test('serves what is fresh without asking', async (t) => {
  const { put, one, loads, lookups } = start()
  put('a', 'here', 59_999)
  put('gone', undefined, 29_999)
  t.strictSame(await one('a'), { value: 'here', stale: false, outcome: 'hit' })
  t.strictSame(await one('gone'), { value: undefined, stale: false, outcome: 'hit' })
  t.strictSame(loads, [])
  t.strictSame(lookups, { hit: 1, stale: 0, negative: 1, miss: 0 })
})

tap.test('serves what is stale at once and refreshes it behind the answer', async (t) => {
  const { put, one, loads, lookups, demands, clock } = start()
  put('a', 'old', 60_000)
  t.strictSame(await one('a'), { value: 'old', stale: true, outcome: 'stale' })
  t.strictSame(loads, ['a refresh'])
  t.equal(demands[0]?.deadline, clock.elapsed() + 5000)
  await settle()
  t.match(await one('a'), { value: 'a anew', outcome: 'hit' })
  t.strictSame(lookups, { hit: 1, stale: 1, negative: 0, miss: 0 })
})

tap.test('takes no harm from a refresh that fails', async (t) => {
  const { put, one, upstream } = start()
  put('a', 'old', 60_000)
  upstream.load = unavailable
  t.match(await one('a'), { value: 'old' })
  await settle()
})

tap.test('reads what is not held, on behalf of the caller', async (t) => {
  const { one, reading, loads, demands, lookups } = start()
  const given = reading()
  t.strictSame(await one('a', given), { value: 'a anew', stale: false, outcome: 'fwd=miss' })
  t.strictSame(loads, ['a caller'])
  t.match(demands[0], { caller: 'a', deadline: given.deadline })
  t.equal(demands[0]?.calls, given.calls)
  t.equal(lookups.miss, 1)
})

tap.test('waits for what is too stale, and falls back to it where upstream fails', async (t) => {
  const { put, one, loads, upstream } = start()
  put('a', 'old', 360_000)
  t.strictSame(await one('a'), { value: 'a anew', stale: false, outcome: 'fwd=stale' })
  put('a', 'old', 360_000)
  upstream.load = unavailable
  t.strictSame(await one('a'), { value: 'old', stale: true, outcome: 'fwd=stale' })
  t.strictSame(loads, ['a caller', 'a caller'])
  put('a', 'old', 1_060_000)
  t.equal(await one('a'), 'upstream_unavailable')
})

tap.test('falls back to what it holds where upstream does not answer in time', async (t) => {
  const { put, one, upstream, reading } = start()
  put('a', 'old', 360_000)
  upstream.load = never
  t.strictSame(await one('a', reading({}, 5)), { value: 'old', stale: true, outcome: 'fwd=stale' })
  put('a', 'old', 1_060_000)
  t.equal(await one('a', reading({}, 5)), 'upstream_timeout')
  t.equal(await one('b', reading({}, 5)), 'upstream_timeout')
})

tap.test('reads anew what a caller refuses, at the priority of those who do', async (t) => {
  const { put, one, loads, reading } = start()
  put('a', 'old', 5000)
  t.match(await one('a', reading({ noCache: true })), { value: 'a anew', outcome: 'fwd=stale' })
  put('b', 'old', 60_000)
  t.match(await one('b', reading({ maxAgeMs: 10_000 })), { value: 'b anew' })
  put('c', 'old', 400_000)
  t.match(await one('c', reading({ noCache: true })), { value: 'c anew' })
  t.strictSame(loads, ['a forced', 'b forced', 'c caller'])
})

tap.test('never asks for only-if-cached', async (t) => {
  const { put, one, loads, reading } = start()
  const onlyIfCached = true
  put('a', 'old', 900_000)
  t.match(await one('a', reading({ onlyIfCached })), { value: 'old', stale: true, outcome: 'stale' })
  t.equal(await one('b', reading({ onlyIfCached })), 'not_cached')
  t.equal(await one('a', reading({ onlyIfCached, maxAgeMs: 1000 })), 'not_cached')
  t.strictSame(loads, [])
})

tap.test('answers for each key by itself', async (t) => {
  const { put, read, upstream, reading } = start()
  put('held', 'here')
  upstream.load = async (key) => (key === 'slow' ? never() : key === 'bad' ? unavailable() : put(key, key))
  const given = reading({}, 20)
  const found = await read(new Set(['held', 'slow', 'bad', 'good']), given)
  const told = (key: string) => {
    const result = found.get(key)
    return isProblem(result) ? result.problem : result?.value
  }
  t.strictSame(['held', 'slow', 'bad', 'good'].map(told), ['here', 'upstream_timeout', 'upstream_unavailable', 'good'])
  t.equal(given.outcome, 'fwd=miss')
  t.equal((await read([], reading())).size, 0)
})

tap.test('throws a fault of our own', async (t) => {
  const { upstream, one } = start()
  upstream.load = () => Promise.reject(new TypeError('a bug'))
  await t.rejects(one('a'), new TypeError('a bug'))
})

tap.test('regression: gave what is older than max-age takes where upstream failed', async (t) => {
  const { put, one, upstream, reading } = start()
  upstream.load = () => Promise.reject(problem('upstream_unavailable', 'down'))
  put('a', 'old', 20_000)
  t.equal(await one('a', reading({ maxAgeMs: 10_000 })), 'upstream_unavailable')
  t.match(await one('a', reading({ noCache: true })), { value: 'old' }, 'no-cache asks for an attempt')
  put('b', 'new', 500)
  t.match(await one('b', reading({ maxAgeMs: 0 })), { value: 'new' })
})

tap.test('turns away who finds no room to wait, but for what is held', async (t) => {
  const { waiting, put, one, loads, upstream, reading } = start()
  upstream.load = never
  const first = [one('a', reading({}, 50)), one('b', reading({}, 50))]
  put('held', 'old', 360_000)
  t.equal(await one('c'), 'overloaded')
  t.match(await one('held'), { value: 'old', stale: true })
  t.strictSame(loads, ['a caller', 'b caller'])
  await Promise.all(first)
  t.equal(waiting.used, 0)
})

tap.test('never reads a record for its age alone where changes come by themselves', async (t) => {
  const { followed, put, one, loads, reading } = start()
  followed.by = true
  for (const age of [60_000, 360_000, 1_000_000]) {
    put('a', 'old', age)
    t.match(await one('a'), { value: 'old', stale: true, outcome: 'stale' })
  }
  t.strictSame(loads, [])
  t.match(await one('a', reading({ noCache: true })), { value: 'a anew' })
})

tap.test('says whether the work was done in time', async (t) => {
  t.equal(await completesWithin(Promise.resolve(), 1000), true)
  t.equal(await completesWithin(undefined, 1000), true)
  t.equal(await completesWithin(never(), 1), false)
  t.equal(await completesWithin(never(), -1), false)
})

tap.test('throws what fails in time, and leaves alone what fails later', async (t) => {
  await t.rejects(completesWithin(Promise.reject(new Error('broken')), 1000), new Error('broken'))
  let fail = (_error: Error) => {}
  const work = new Promise<void>((_resolve, reject) => {
    fail = reject
  })
  t.equal(await completesWithin(work, 0), false)
  fail(new Error('later'))
  await new Promise((resolve) => setImmediate(resolve))
})
