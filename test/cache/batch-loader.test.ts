import tap from 'tap'
import type { LoadRequest } from '../../src/cache/batch-loader.js'
import { BatchLoader } from '../../src/cache/batch-loader.js'
import { isProblem, type Problem, problem } from '../../src/errors.js'
import type { CallOptions } from '../../src/trackstar/client.js'
import {
  overloaded,
  type Permit,
  type PermitRequest,
  priorities,
  type RateLimiter,
} from '../../src/trackstar/rate-limiter.js'
import { ErrorResponse } from '../../src/trackstar/upstream-errors.js'
import { problemOf, settle, TestClock } from '../harness.js'

/** A rate limiter whose permits are granted by hand. */
class ManualLimiter implements RateLimiter {
  readonly requests: (PermitRequest & { grant: () => void; refuse: (error: unknown) => void })[] = []
  readonly state = { readsPerSecond: 10, usedLastSecond: 0, waiting: 0, isExhausted: false }
  released = 0
  estimateAt: RateLimiter['estimateAt'] = () => 0
  pause = () => {}

  acquire(request: PermitRequest): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        this.requests.splice(
          this.requests.findIndex((other) => other.refuse === reject),
          1,
        )
        resolve({ waitedMs: 0, wasLast: false, sent() {}, release: () => this.released++ })
      }
      this.requests.push({ ...request, grant, refuse: reject })
    })
  }

  pauseUntil(): void {}

  onPause(listener: () => void): void {
    this.pause = listener
  }

  /** Grants the permit request of the highest priority. */
  async grant(): Promise<void> {
    await settle()
    const sorted = this.requests.toSorted((a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority))
    sorted[0]?.grant()
    await settle()
  }

  async refuse(error: unknown): Promise<void> {
    await settle()
    this.requests.shift()?.refuse(error)
    await settle()
  }
}

interface Call {
  readonly keys: readonly string[]
  readonly options: CallOptions
  /** Answers each key with itself in capitals, except for the keys of `other`. */
  readonly answer: (other?: Record<string, string | Problem | undefined>) => Promise<void>
  readonly fail: (error: unknown) => Promise<void>
}

function start() {
  const clock = new TestClock()
  const limiter = new ManualLimiter()
  const calls: Call[] = []
  const readBatch = async (keys: readonly string[], options: CallOptions) => {
    if (options.permit === undefined) await limiter.acquire(options.permitRequest)
    return new Promise<Map<string, string | Problem>>((resolve, reject) => {
      calls.push({
        keys,
        options,
        async answer(other = {}) {
          const answers = new Map<string, string | Problem>()
          for (const key of keys.toReversed()) {
            const value = key in other ? other[key] : key.toUpperCase()
            if (value !== undefined) answers.set(key, value)
          }
          resolve(answers)
          await settle()
        },
        async fail(error) {
          reject(error)
          await settle()
        },
      })
    })
  }
  const upstream = { isWell: true, checks: 0 }
  const isUpstreamWell = async () => {
    upstream.checks++
    return upstream.isWell
  }
  const loader = new BatchLoader<string>({
    name: 'keys',
    readBatch,
    limiter,
    clock,
    failureTtlMs: 30_000,
    isUpstreamWell,
  })
  const load = (key: string, request: Partial<LoadRequest> = {}) =>
    loader.load(key, { priority: 'caller', caller: 'a', deadline: clock.elapsed() + 10_000, ...request })
  /** The problem code that a load fails with. */
  const codeOf = async (load: Promise<string>) => (await problemOf(load))?.problem
  return { clock, limiter, calls, loader, load, codeOf, upstream }
}

const names = (count: number, prefix = 'k') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)

tap.test('reads all keys of one turn of the event loop with one call, and matches results by key', async (t) => {
  const { limiter, calls, load, loader } = start()
  const loads = Promise.all(['a', 'b', 'a', 'c'].map((key) => load(key)))
  t.equal(loader.waiting, 3)
  await limiter.grant()
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a', 'b', 'c']],
  )
  t.match(calls[0]?.options, { cause: 'miss', permitRequest: { priority: 'caller', caller: 'keys' } })
  t.equal(loader.waiting, 0)
  await calls[0]?.answer()
  t.strictSame(await loads, ['A', 'B', 'A', 'C'])
})

tap.test('includes keys that are requested while a permit is awaited', async (t) => {
  const { limiter, calls, load } = start()
  const first = load('a')
  await settle()
  const second = load('b')
  await limiter.grant()
  t.strictSame(calls[0]?.keys, ['a', 'b'])
  t.equal(limiter.requests.length, 0, 'one permit is enough')
  await calls[0]?.answer()
  t.strictSame(await Promise.all([first, second]), ['A', 'B'])
})

tap.test('shares a pending load, and reads again after it has completed', async (t) => {
  const { limiter, calls, load } = start()
  const first = load('a')
  await limiter.grant()
  const second = load('a')
  await calls[0]?.answer({ a: 'one' })
  t.strictSame(await Promise.all([first, second]), ['one', 'one'])
  const third = load('a')
  await limiter.grant()
  await calls[1]?.answer({ a: 'two' })
  t.equal(await third, 'two')
})

tap.test('sends full batches at once, and a partial one only when none is in flight', async (t) => {
  const { limiter, calls, load } = start()
  const loads = names(250).map((key) => load(key))
  await settle()
  t.equal(limiter.requests.length, 3)
  for (let n = 0; n < 3; n++) await limiter.grant()
  t.strictSame(
    calls.map(({ keys }) => keys.length),
    [100, 100, 50],
  )
  const late = load('late')
  await settle()
  t.equal(limiter.requests.length, 0, 'the second partial batch waits for the first')
  loads.push(...names(100, 'more').map((key) => load(key)))
  await limiter.grant()
  t.equal(calls[3]?.keys.length, 100, 'a full batch does not wait')
  await calls[0]?.answer()
  await calls[3]?.answer()
  t.equal(limiter.requests.length, 0)
  await calls[2]?.answer()
  await limiter.grant()
  t.equal(calls[4]?.keys.length, 1)
  await calls[4]?.answer()
  await calls[1]?.answer()
  t.equal(await late, 'LATE')
  t.equal((await Promise.all(loads)).length, 350)
})

tap.test('releases a permit when lower-priority keys have left with another batch', async (t) => {
  const { limiter, calls, load } = start()
  const loads = names(150).map((key) => load(key))
  await settle()
  t.equal(limiter.requests.length, 2)
  loads.push(...names(20, 'x').map((key) => load(key, { priority: 'refresh' })))
  await limiter.grant()
  await limiter.grant()
  t.equal(calls[1]?.keys.length, 70, 'keys of a lower priority fill the batch')
  const another = load('z')
  await limiter.grant()
  t.equal(calls.length, 2, 'no refreshes are waiting')
  t.equal(limiter.released, 1)
  await calls[0]?.answer()
  await calls[1]?.answer()
  await limiter.grant()
  await calls[2]?.answer()
  t.equal(await another, 'Z')
  await Promise.all(loads)
})

tap.test('releases a permit when a partial batch is left and another one is in flight', async (t) => {
  const { clock, limiter, calls, load, codeOf } = start()
  const lost = Promise.all(names(100, 'brief').map((key) => codeOf(load(key, { deadline: clock.elapsed() + 100 }))))
  const loads = names(50).map((key) => load(key))
  await settle()
  t.equal(limiter.requests.length, 2)
  clock.advance(101)
  await limiter.grant()
  t.strictSame(new Set(await lost), new Set(['overloaded']))
  t.equal(calls[0]?.keys.length, 50)
  loads.push(...names(30, 'more').map((key) => load(key)))
  await limiter.grant()
  t.equal(calls.length, 1, 'the permit is released')
  await calls[0]?.answer()
  await limiter.grant()
  t.equal(calls[1]?.keys.length, 30)
  await calls[1]?.answer()
  t.equal((await Promise.all(loads)).length, 80)
})

tap.test('lets callers take turns within a batch', async (t) => {
  const { limiter, calls, load } = start()
  const loads = names(300).map((key) => load(key))
  loads.push(load('other', { caller: 'b' }))
  await limiter.grant()
  t.ok(calls[0]?.keys.includes('other'))
  while (calls.length < 4) await limiter.grant()
  for (const call of calls) await call.answer()
  await Promise.all(loads)
})

tap.test('raises a key to the highest priority of its requests', async (t) => {
  const { limiter, calls, load } = start()
  const refresh = load('a', { priority: 'refresh' })
  const caller = load('a', { caller: 'b' })
  const refreshAgain = load('a', { priority: 'refresh' })
  await settle()
  t.strictSame(
    limiter.requests.map(({ priority }) => priority),
    ['caller'],
  )
  await limiter.grant()
  t.equal(calls.length, 1)
  t.equal(calls[0]?.options.cause, 'miss')
  await calls[0]?.answer()
  t.strictSame(await Promise.all([refresh, caller, refreshAgain]), ['A', 'A', 'A'])
})

tap.test('reports the cause of each call', async (t) => {
  for (const [priority, cause] of [
    ['refresh', 'refresh'],
    ['forced', 'forced'],
    ['mirror', 'refresh'],
  ] as const) {
    const { limiter, calls, load } = start()
    const value = load('a', { priority })
    await limiter.grant()
    t.equal(calls[0]?.options.cause, cause)
    await calls[0]?.answer()
    t.equal(await value, 'A')
  }
})

tap.test('sends a key with a comma in a call of its own', async (t) => {
  const { limiter, calls, load } = start()
  const loads = ['a', 'b,c', 'd'].map((key) => load(key))
  for (let n = 0; n < 3; n++) await limiter.grant()
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a'], ['b,c'], ['d']],
  )
  for (const call of calls) await call.answer()
  await Promise.all(loads)
})

tap.test('rejects a key at once if it cannot be read in time', async (t) => {
  const { clock, limiter, load, loader } = start()
  limiter.estimateAt = () => clock.elapsed() + 10_001
  t.match(await problemOf(load('a')), { problem: 'overloaded', extras: { retryAfter: 11 } })
  t.equal(loader.waiting, 0)
  limiter.estimateAt = (_priority, _caller, extra) => clock.elapsed() + 4000 * (extra + limiter.requests.length + 1)
  const loads = names(201).map((key) => load(key).catch((error: unknown) => error))
  await settle()
  t.equal(loader.waiting, 200, 'keys behind two batches would be too late')
  t.ok(isProblem(await loads[200], 'overloaded'))
})

tap.test('fails only the key that a problem is about', async (t) => {
  const { limiter, calls, load, codeOf } = start()
  const good = load('good')
  const bad = codeOf(load('bad'))
  const silent = load('silent').catch((error: unknown) => String(error))
  await limiter.grant()
  await calls[0]?.answer({ bad: problem('upstream_invalid_response', 'not what it claims'), silent: undefined })
  t.equal(await good, 'GOOD')
  t.equal(await bad, 'upstream_invalid_response')
  t.equal(await silent, 'Error: the batch has no result for "silent"')
})

tap.test('fails only the keys of a failed call, and reads them again on request', async (t) => {
  const { limiter, calls, load, codeOf } = start()
  const first = codeOf(load('a'))
  await limiter.grant()
  const second = load('b')
  await calls[0]?.fail(problem('upstream_unavailable', 'gone'))
  t.equal(await first, 'upstream_unavailable')
  await limiter.grant()
  t.strictSame(calls[1]?.keys, ['b'])
  await calls[1]?.answer()
  t.equal(await second, 'B')
  const again = load('a')
  await limiter.grant()
  await calls[2]?.answer()
  t.equal(await again, 'A')
})

tap.test('fails all waiting keys when permits are refused', async (t) => {
  const { limiter, load, loader, codeOf } = start()
  const codes = Promise.all(names(150).map((key) => codeOf(load(key))))
  await limiter.refuse(problem('upstream_unavailable', 'the breaker is open'))
  t.strictSame(new Set(await codes), new Set(['upstream_unavailable']))
  t.equal(loader.waiting, 0)
  await limiter.grant()
  await limiter.grant()
  t.equal(limiter.requests.length, 0)
})

tap.test('rejects keys that are past their deadline when the permit arrives', async (t) => {
  const { clock, limiter, calls, load, codeOf } = start()
  const late = codeOf(load('late', { deadline: clock.elapsed() + 100 }))
  const good = load('good')
  clock.advance(101)
  await limiter.grant()
  t.equal(await late, 'overloaded')
  t.strictSame(calls[0]?.keys, ['good'])
  await calls[0]?.answer()
  t.equal(await good, 'GOOD')
})

tap.test('requests a permit until the latest deadline of its keys', async (t) => {
  const { clock, limiter, calls, load } = start()
  const first = load('a', { deadline: clock.elapsed() + 100 })
  const second = load('b', { deadline: clock.elapsed() + 300 })
  await settle()
  t.equal(limiter.requests[0]?.deadline(), clock.elapsed() + 300)
  await limiter.grant()
  const joined = load('a', { deadline: clock.elapsed() + 500 })
  t.equal(calls[0]?.options.permitRequest.deadline(), clock.elapsed() + 500)
  await calls[0]?.answer()
  await Promise.all([first, second, joined])
})

tap.test('regression: a shared key was lost when its first request reached its deadline', async (t) => {
  const { clock, limiter, calls, load } = start()
  const first = load('a', { deadline: clock.elapsed() + 100 })
  await settle()
  const joined = load('a', { deadline: clock.elapsed() + 5000 })
  t.equal(limiter.requests[0]?.deadline(), clock.elapsed() + 5000)
  clock.advance(200)
  await limiter.grant()
  await calls[0]?.answer()
  t.strictSame(await Promise.all([first, joined]), ['A', 'A'])
})

tap.test('regression: a surplus permit request failed the keys of earlier requests', async (t) => {
  const { limiter, calls, load, loader, codeOf } = start()
  const loads = names(101).map((key) => load(key))
  const codes = Promise.all(loads.map(codeOf))
  await settle()
  t.equal(limiter.requests.length, 2)
  const [, surplus] = limiter.requests
  limiter.requests.pop()
  surplus?.refuse(overloaded(1000))
  await settle()
  t.equal(loader.waiting, 101)
  t.equal(limiter.requests.length, 1, 'no new request before the next permit')
  await limiter.grant()
  t.equal(calls[0]?.keys.length, 100)
  t.equal(limiter.requests.length, 1, 'the remaining keys request another permit')
  await limiter.refuse(overloaded(1000))
  t.equal(loader.waiting, 0, 'without an earlier request, the remaining keys are too late')
  await calls[0]?.answer()
  t.strictSame(
    (await codes).filter((code) => code !== undefined),
    ['overloaded'],
  )
})

tap.test('rejects keys that a pause delays past their deadline, and keeps the rest', async (t) => {
  const { clock, limiter, calls, load, codeOf } = start()
  const brief = codeOf(load('brief', { deadline: clock.elapsed() + 500 }))
  const patient = load('patient')
  await settle()
  limiter.estimateAt = () => clock.elapsed() + 1000
  limiter.pause()
  t.equal(await brief, 'overloaded')
  await limiter.grant()
  t.strictSame(calls[0]?.keys, ['patient'])
  await calls[0]?.answer()
  t.equal(await patient, 'PATIENT')
})

tap.test('regression: after a pause, keys were delayed by their own permit request', async (t) => {
  const { clock, limiter, calls, load } = start()
  limiter.estimateAt = (_priority, _caller, extra) =>
    clock.elapsed() + 900 * Math.max(0, limiter.requests.length + extra)
  const value = load('a', { deadline: clock.elapsed() + 500 })
  await settle()
  limiter.pause()
  await limiter.grant()
  await calls[0]?.answer()
  t.equal(await value, 'A')
})

tap.test('adds the call to the call sets of all requests', async (t) => {
  const { limiter, calls, load } = start()
  const [first, second, third] = [new Set<object>(), new Set<object>(), new Set<object>()]
  const loads = [load('a', { calls: first }), load('b', { calls: first }), load('a', { calls: second }), load('a')]
  await limiter.grant()
  loads.push(load('a', { calls: third }))
  await calls[0]?.answer()
  await Promise.all(loads)
  t.strictSame(
    [first, second, third].map((set) => set.size),
    [1, 1, 1],
  )
  t.strictSame([...first], [...third])
})

const refused = () => problem('upstream_rejected', 'the SKU is malformed')

tap.test('regression: one rejected key failed all other keys of its batch', async (t) => {
  const { clock, limiter, calls, load, loader, codeOf } = start()
  const loads = ['a', 'b', 'bad', 'c', 'd'].map((key) => load(key, { caller: key }))
  const codes = Promise.all(loads.map(codeOf))
  await limiter.grant()
  await calls[0]?.fail(refused())
  t.equal(limiter.requests.length, 2, 'each half requests a permit of its own')
  t.equal(limiter.requests[0]?.deadline(), clock.elapsed() + 10_000)
  const joined = codeOf(load('bad', { caller: 'late' }))
  for (let n = 0; n < 2; n++) await limiter.grant()
  await calls[1]?.fail(refused())
  await calls[2]?.answer()
  for (let n = 0; n < 2; n++) await limiter.grant()
  await calls[3]?.answer()
  await calls[4]?.fail(refused())
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a', 'b', 'bad', 'c', 'd'], ['a', 'b', 'bad'], ['c', 'd'], ['a', 'b'], ['bad']],
  )
  t.strictSame(await codes, [undefined, undefined, 'upstream_rejected', undefined, undefined])
  t.equal(await joined, 'upstream_rejected', 'all requests of the key fail')
  t.equal(await codeOf(load('bad')), 'upstream_rejected', 'the rejection is remembered')
  t.equal(limiter.requests.length, 0)
  t.equal(loader.waiting, 0)
})

tap.test('reads each key by itself when all are rejected, and no more often', async (t) => {
  const { limiter, calls, load, codeOf } = start()
  const codes = Promise.all(names(4).map((key) => codeOf(load(key))))
  for (let done = 0; done < 7; done++) {
    await limiter.grant()
    await calls[done]?.fail(refused())
  }
  t.strictSame(new Set(await codes), new Set(['upstream_rejected']))
  t.equal(calls.length, 7)
  t.equal(limiter.requests.length, 0)
})

/** Failures that may be caused by one key. */
const unclear = (): readonly Problem[] => [
  problem('upstream_invalid_response', 'HTML'),
  problem('upstream_timeout', 'slow'),
  problem('upstream_auth_failed', '403', { cause: new ErrorResponse(403, undefined) }),
  problem('upstream_unavailable', '500', { cause: new ErrorResponse(500, undefined) }),
  problem('upstream_unavailable', 'the connection was reset', { cause: new Error('ECONNRESET') }),
]

tap.test(
  'regression: a key that caused a 403, a 500, HTML or a reset failed all other keys of its batch',
  async (t) => {
    for (const error of unclear()) {
      const { limiter, calls, load, codeOf, upstream } = start()
      const codes = Promise.all(['a', 'bad', 'b'].map((key) => codeOf(load(key))))
      await limiter.grant()
      await calls[0]?.fail(error)
      for (let n = 0; n < 2; n++) await limiter.grant()
      await calls[1]?.fail(error)
      await calls[2]?.answer()
      for (let n = 0; n < 2; n++) await limiter.grant()
      await calls[3]?.answer()
      await calls[4]?.fail(error)
      t.strictSame(await codes, [undefined, error.problem, undefined])
      t.equal(upstream.checks, 3)
      t.equal(calls[0]?.options.maxRetries, undefined)
      t.equal(calls[1]?.options.maxRetries, 0, 'a call that failed after its retries is not retried again')
    }
  },
)

tap.test('regression: a key for which upstream took too long failed all other keys again and again', async (t) => {
  const { clock, limiter, calls, load, codeOf } = start()
  const slow = problem('upstream_timeout', 'slow')
  const codes = Promise.all(
    ['a', 'bad', 'b', 'c'].map((key) => codeOf(load(key, { deadline: clock.elapsed() + 8000 }))),
  )
  await limiter.grant()
  clock.advance(5000)
  await calls[0]?.fail(slow)
  for (let n = 0; n < 2; n++) await limiter.grant()
  await calls[2]?.answer()
  clock.advance(5000)
  await calls[1]?.fail(slow)
  t.ok((limiter.requests[0]?.deadline() ?? 0) > clock.elapsed(), 'though the time of the requests is used up')
  for (let n = 0; n < 2; n++) await limiter.grant()
  await calls[3]?.answer()
  await calls[4]?.fail(slow)
  t.strictSame(await codes, [undefined, 'upstream_timeout', undefined, undefined])
  const again = ['a', 'bad', 'b'].map((key) => codeOf(load(key)))
  await limiter.grant()
  t.strictSame(calls.at(-1)?.keys, ['a', 'b'], 'the key is known now')
  await calls.at(-1)?.answer()
  t.strictSame(await Promise.all(again), [undefined, 'upstream_timeout', undefined])
})

tap.test('does not split a batch, nor remember a key, if upstream itself fails', async (t) => {
  const certain = [
    problem('upstream_unavailable', 'the breaker is open'),
    problem('upstream_unavailable', '503', { cause: new ErrorResponse(503, undefined) }),
    problem('upstream_unavailable', '429', { cause: new ErrorResponse(429, undefined) }),
    problem('upstream_auth_failed', '401', { cause: new ErrorResponse(401, 'no') }),
    problem('not_supported_by_integration', '501', { cause: new ErrorResponse(501, 'no') }),
  ]
  for (const error of [...certain, ...unclear()]) {
    for (const keys of [['a', 'b', 'c'], ['a']]) {
      const { limiter, calls, load, codeOf, upstream } = start()
      upstream.isWell = certain.includes(error)
      const codes = Promise.all(keys.map((key) => codeOf(load(key))))
      await limiter.grant()
      await calls[0]?.fail(error)
      t.strictSame(new Set(await codes), new Set([error.problem]))
      t.equal(limiter.requests.length, 0)
      t.equal(upstream.checks, certain.includes(error) ? 0 : 1)
      const again = load('a')
      await limiter.grant()
      await calls[1]?.answer()
      t.equal(await again, 'A')
    }
  }
})

tap.test('ends the search for a bad key if nothing succeeds: 100 keys do not become 199 calls', async (t) => {
  const { limiter, calls, load, codeOf } = start()
  const codes = Promise.all(names(100).map((key) => codeOf(load(key))))
  for (let done = 0; done < 199; done++) {
    await limiter.grant()
    await calls[done]?.fail(refused())
  }
  t.strictSame(new Set(await codes), new Set(['upstream_rejected']))
  t.equal(calls.length, 29)
})

tap.test('finds several bad keys among a hundred with at most 64 calls', async (t) => {
  for (const count of [4, 50]) {
    const { limiter, calls, load, codeOf } = start()
    const bad = new Set(names(100).filter((_, n) => n % (100 / count) === 7 % (100 / count)))
    const codes = Promise.all(names(100).map((key) => codeOf(load(key))))
    for (let done = 0; done < 199; done++) {
      await limiter.grant()
      const call = calls[done]
      if (call?.keys.some((key) => bad.has(key))) await call.fail(refused())
      else await call?.answer()
    }
    const failed = (await codes).filter((code) => code !== undefined).length
    if (count === 4) t.equal(failed, 4)
    t.ok(calls.length <= 90, `${calls.length} calls`)
  }
})

tap.test('regression: a key that fails was read again with every request', async (t) => {
  const { clock, limiter, calls, load, codeOf } = start()
  const first = codeOf(load('bad'))
  await limiter.grant()
  await calls[0]?.fail(refused())
  t.equal(await first, 'upstream_rejected')
  clock.advance(999)
  t.equal(
    await codeOf(load('bad', { ignoresFailure: true })),
    'upstream_rejected',
    'a failure under a second old is not read again',
  )
  clock.advance(29_000)
  t.equal(await codeOf(load('bad')), 'upstream_rejected')
  t.equal(calls.length, 1)

  const forced = codeOf(load('bad', { ignoresFailure: true }))
  const other = load('good')
  await limiter.grant()
  await limiter.grant()
  t.strictSame(
    new Set(calls.slice(1).map(({ keys }) => keys.join())),
    new Set(['bad', 'good']),
    'the key is read by itself',
  )
  for (const call of calls.slice(1)) await (call.keys[0] === 'bad' ? call.fail(refused()) : call.answer())
  t.equal(await forced, 'upstream_rejected')
  t.equal(await other, 'GOOD')

  clock.advance(30_000)
  const cured = load('bad')
  await limiter.grant()
  await calls[3]?.answer()
  t.equal(await cured, 'BAD')
  const again = [load('bad'), load('good')]
  await limiter.grant()
  t.strictSame(calls[4]?.keys, ['bad', 'good'], 'the key is read with others again')
  await calls[4]?.answer()
  t.strictSame(await Promise.all(again), ['BAD', 'GOOD'])
})

tap.test('remembers a failure that concerns only the record of a key, and reads the key with others', async (t) => {
  const { clock, limiter, calls, load, loader, codeOf } = start()
  loader.rememberFailure('odd', problem('upstream_invalid_response', 'malformed'))
  t.equal(await codeOf(load('odd')), 'upstream_invalid_response')
  clock.advance(30_000)
  const loads = [load('odd'), load('even')]
  await limiter.grant()
  t.strictSame(calls[0]?.keys, ['odd', 'even'])
  await calls[0]?.answer()
  t.strictSame(await Promise.all(loads), ['ODD', 'EVEN'])
})

tap.test('fails a half that gets no permit in time, but not the other', async (t) => {
  const { limiter, calls, load, codeOf } = start()
  const codes = Promise.all(['a', 'b', 'c', 'd'].map((key) => codeOf(load(key))))
  await limiter.grant()
  await calls[0]?.fail(refused())
  await limiter.refuse(overloaded(1000))
  await limiter.grant()
  await calls[1]?.answer()
  t.strictSame(await codes, ['overloaded', 'overloaded', undefined, undefined])
  t.equal(calls.length, 2)
})
