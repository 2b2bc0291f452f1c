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
import { problemOf, settle, TestClock } from '../harness.js'

/** A budget whose permits are given out by hand. */
class HandBudget implements RateLimiter {
  readonly bids: (PermitRequest & { grant: () => void; refuse: (error: unknown) => void })[] = []
  readonly state = { readsPerSecond: 10, usedLastSecond: 0, waiting: 0, isSpent: false }
  estimateAt: RateLimiter['estimateAt'] = () => 0
  pause = () => {}

  acquire(bid: PermitRequest): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const leave = () =>
        this.bids.splice(
          this.bids.findIndex((other) => other.refuse === reject),
          1,
        )
      const grant = () => {
        leave()
        resolve({ sent() {}, release() {}, wasLast: false })
      }
      this.bids.push({ ...bid, grant, refuse: reject })
    })
  }

  pauseUntil(): void {}

  onPause(listener: () => void): void {
    this.pause = listener
  }

  /** Gives the most urgent of the waiting bids its permit. */
  async grant(): Promise<void> {
    await settle()
    const urgent = this.bids.toSorted((a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority))
    urgent[0]?.grant()
    await settle()
  }

  async refuse(error: unknown): Promise<void> {
    await settle()
    this.bids.shift()?.refuse(error)
    await settle()
  }
}

interface Call {
  readonly keys: readonly string[]
  readonly errand: CallOptions
  /** Answers each key with itself in capitals, but for what `other` says. */
  readonly answer: (other?: Record<string, string | Problem | undefined>) => Promise<void>
  readonly fail: (error: unknown) => Promise<void>
}

function start() {
  const clock = new TestClock()
  const budget = new HandBudget()
  const calls: Call[] = []
  const loader = new BatchLoader<string>(
    'keys',
    async (pull, errand) => {
      await budget.acquire(errand.permitRequest)
      const keys = pull()
      if (keys.length === 0) return undefined
      return new Promise((resolve, reject) => {
        calls.push({
          keys,
          errand,
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
    },
    budget,
    clock,
  )
  const load = (key: string, demand: Partial<LoadRequest> = {}) =>
    loader.load(key, { priority: 'caller', caller: 'a', deadline: clock.elapsed() + 10_000, ...demand })
  /** The code of the problem that a load ends in. */
  const codeOf = async (load: Promise<string>) => (await problemOf(load))?.problem
  return { clock, budget, calls, loader, load, codeOf }
}

const names = (count: number, prefix = 'k') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)

tap.test('asks once for all that comes in one turn of the event loop, and matches answers by key', async (t) => {
  const { budget, calls, load, loader } = start()
  const loads = Promise.all(['a', 'b', 'a', 'c'].map((key) => load(key)))
  t.equal(loader.waiting, 3)
  await budget.grant()
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a', 'b', 'c']],
  )
  t.match(calls[0]?.errand, { cause: 'miss', permitRequest: { priority: 'caller', caller: 'keys' } })
  t.equal(loader.waiting, 0)
  await calls[0]?.answer()
  t.strictSame(await loads, ['A', 'B', 'A', 'C'])
})

tap.test('takes along what turns up while a permit is awaited', async (t) => {
  const { budget, calls, load } = start()
  const first = load('a')
  await settle()
  const second = load('b')
  await budget.grant()
  t.strictSame(calls[0]?.keys, ['a', 'b'])
  t.equal(budget.bids.length, 0, 'one permit is enough')
  await calls[0]?.answer()
  t.strictSame(await Promise.all([first, second]), ['A', 'B'])
})

tap.test('shares the flight of a key that is being asked for, and asks anew after it has landed', async (t) => {
  const { budget, calls, load } = start()
  const first = load('a')
  await budget.grant()
  const second = load('a')
  await calls[0]?.answer({ a: 'one' })
  t.strictSame(await Promise.all([first, second]), ['one', 'one'])
  const third = load('a')
  await budget.grant()
  await calls[1]?.answer({ a: 'two' })
  t.equal(await third, 'two')
})

tap.test('sends full batches at once and a part-filled one only when none is in flight', async (t) => {
  const { budget, calls, load } = start()
  const loads = names(250).map((key) => load(key))
  await settle()
  t.equal(budget.bids.length, 3)
  for (let n = 0; n < 3; n++) await budget.grant()
  t.strictSame(
    calls.map(({ keys }) => keys.length),
    [100, 100, 50],
  )
  const late = load('late')
  await settle()
  t.equal(budget.bids.length, 0, 'held back behind the part-filled one')
  loads.push(...names(100, 'more').map((key) => load(key)))
  await budget.grant()
  t.equal(calls[3]?.keys.length, 100, 'a full one does not wait')
  await calls[0]?.answer()
  await calls[3]?.answer()
  t.equal(budget.bids.length, 0)
  await calls[2]?.answer()
  await budget.grant()
  t.equal(calls[4]?.keys.length, 1)
  await calls[4]?.answer()
  await calls[1]?.answer()
  t.equal(await late, 'LATE')
  t.equal((await Promise.all(loads)).length, 350)
})

tap.test('gives a permit back where a part-filled batch has gone off meanwhile', async (t) => {
  const { budget, calls, load } = start()
  const loads = names(150).map((key) => load(key))
  await settle()
  t.equal(budget.bids.length, 2)
  loads.push(...names(20, 'x').map((key) => load(key, { priority: 'refresh' })))
  await budget.grant()
  await budget.grant()
  t.equal(calls[1]?.keys.length, 70, 'less urgent keys fill the room')
  const another = load('z')
  await budget.grant()
  t.equal(calls.length, 2, 'the bid of the refreshes found nothing left')
  await calls[0]?.answer()
  await calls[1]?.answer()
  await budget.grant()
  await calls[2]?.answer()
  t.equal(await another, 'Z')
  await Promise.all(loads)
})

tap.test('pulls nothing where less than a batch is left and another such batch is in flight', async (t) => {
  const { clock, budget, calls, load, codeOf } = start()
  const lost = Promise.all(names(100, 'brief').map((key) => codeOf(load(key, { deadline: clock.elapsed() + 100 }))))
  const loads = names(50).map((key) => load(key))
  await settle()
  t.equal(budget.bids.length, 2)
  clock.advance(101)
  await budget.grant()
  t.strictSame(new Set(await lost), new Set(['overloaded']))
  t.equal(calls[0]?.keys.length, 50)
  loads.push(...names(30, 'more').map((key) => load(key)))
  await budget.grant()
  t.equal(calls.length, 1, 'its permit goes back')
  await calls[0]?.answer()
  await budget.grant()
  t.equal(calls[1]?.keys.length, 30)
  await calls[1]?.answer()
  t.equal((await Promise.all(loads)).length, 80)
})

tap.test('lets callers take turns within a batch', async (t) => {
  const { budget, calls, load } = start()
  const loads = names(300).map((key) => load(key))
  loads.push(load('other', { caller: 'b' }))
  await budget.grant()
  t.ok(calls[0]?.keys.includes('other'))
  while (calls.length < 4) await budget.grant()
  for (const call of calls) await call.answer()
  await Promise.all(loads)
})

tap.test('moves a key to the lane of its most urgent asker', async (t) => {
  const { budget, calls, load } = start()
  const refresh = load('a', { priority: 'refresh' })
  const caller = load('a', { caller: 'b' })
  const refreshAgain = load('a', { priority: 'refresh' })
  await settle()
  t.strictSame(
    budget.bids.map(({ priority }) => priority),
    ['caller'],
  )
  await budget.grant()
  t.equal(calls.length, 1)
  t.equal(calls[0]?.errand.cause, 'miss')
  await calls[0]?.answer()
  t.strictSame(await Promise.all([refresh, caller, refreshAgain]), ['A', 'A', 'A'])
})

tap.test('says why it asks', async (t) => {
  for (const [priority, cause] of [
    ['refresh', 'refresh'],
    ['forced', 'forced'],
    ['mirror', 'refresh'],
  ] as const) {
    const { budget, calls, load } = start()
    const value = load('a', { priority })
    await budget.grant()
    t.equal(calls[0]?.errand.cause, cause)
    await calls[0]?.answer()
    t.equal(await value, 'A')
  }
})

tap.test('sends a key with a comma by itself', async (t) => {
  const { budget, calls, load } = start()
  const loads = ['a', 'b,c', 'd'].map((key) => load(key))
  for (let n = 0; n < 3; n++) await budget.grant()
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a'], ['b,c'], ['d']],
  )
  for (const call of calls) await call.answer()
  await Promise.all(loads)
})

tap.test('refuses at once what cannot be asked in time', async (t) => {
  const { clock, budget, load, loader } = start()
  budget.estimateAt = () => clock.elapsed() + 10_001
  t.match(await problemOf(load('a')), { problem: 'overloaded', extras: { retryAfter: 11 } })
  t.equal(loader.waiting, 0)
  budget.estimateAt = (_priority, _caller, extra) => clock.elapsed() + 4000 * (extra + budget.bids.length + 1)
  const loads = names(201).map((key) => load(key).catch((error: unknown) => error))
  await settle()
  t.equal(loader.waiting, 200, 'what stands behind two batches would be too late')
  t.ok(isProblem(await loads[200], 'overloaded'))
})

tap.test('fails only the key that an answer is about', async (t) => {
  const { budget, calls, load, codeOf } = start()
  const good = load('good')
  const bad = codeOf(load('bad'))
  const silent = load('silent').catch((error: unknown) => String(error))
  await budget.grant()
  await calls[0]?.answer({ bad: problem('upstream_invalid_response', 'not what it claims'), silent: undefined })
  t.equal(await good, 'GOOD')
  t.equal(await bad, 'upstream_invalid_response')
  t.equal(await silent, 'Error: the batch brought no answer for "silent"')
})

tap.test(
  'fails the keys of a call that fails, and no others, and asks for them again when they are wanted',
  async (t) => {
    const { budget, calls, load, codeOf } = start()
    const first = codeOf(load('a'))
    await budget.grant()
    const second = load('b')
    await calls[0]?.fail(problem('upstream_unavailable', 'gone'))
    t.equal(await first, 'upstream_unavailable')
    await budget.grant()
    t.strictSame(calls[1]?.keys, ['b'])
    await calls[1]?.answer()
    t.equal(await second, 'B')
    const again = load('a')
    await budget.grant()
    await calls[2]?.answer()
    t.equal(await again, 'A')
  },
)

tap.test('fails all that waits where upstream may not be asked', async (t) => {
  const { budget, load, loader, codeOf } = start()
  const codes = Promise.all(names(150).map((key) => codeOf(load(key))))
  await budget.refuse(problem('upstream_unavailable', 'the circuit is open'))
  t.strictSame(new Set(await codes), new Set(['upstream_unavailable']))
  t.equal(loader.waiting, 0)
  await budget.grant()
  await budget.grant()
  t.equal(budget.bids.length, 0)
})

tap.test('refuses what has become too late by the time its permit comes', async (t) => {
  const { clock, budget, calls, load, codeOf } = start()
  const late = codeOf(load('late', { deadline: clock.elapsed() + 100 }))
  const good = load('good')
  clock.advance(101)
  await budget.grant()
  t.equal(await late, 'overloaded')
  t.strictSame(calls[0]?.keys, ['good'])
  await calls[0]?.answer()
  t.equal(await good, 'GOOD')
})

tap.test('bids as long as any of its keys is of use', async (t) => {
  const { clock, budget, calls, load } = start()
  const first = load('a', { deadline: clock.elapsed() + 100 })
  const second = load('b', { deadline: clock.elapsed() + 300 })
  await settle()
  t.equal(budget.bids[0]?.deadline(), clock.elapsed() + 300)
  await budget.grant()
  const joined = load('a', { deadline: clock.elapsed() + 500 })
  t.equal(calls[0]?.errand.permitRequest.deadline(), clock.elapsed() + 500)
  await calls[0]?.answer()
  await Promise.all([first, second, joined])
})

tap.test('regression: a key that somebody joined was lost when its first asker ran out of time', async (t) => {
  const { clock, budget, calls, load } = start()
  const first = load('a', { deadline: clock.elapsed() + 100 })
  await settle()
  const joined = load('a', { deadline: clock.elapsed() + 5000 })
  t.equal(budget.bids[0]?.deadline(), clock.elapsed() + 5000)
  clock.advance(200)
  await budget.grant()
  await calls[0]?.answer()
  t.strictSame(await Promise.all([first, joined]), ['A', 'A'])
})

tap.test('regression: one bid too many failed the keys that earlier bids were to carry', async (t) => {
  const { budget, calls, load, loader, codeOf } = start()
  const loads = names(101).map((key) => load(key))
  const codes = Promise.all(loads.map(codeOf))
  await settle()
  t.equal(budget.bids.length, 2)
  const [, surplus] = budget.bids
  budget.bids.pop()
  surplus?.refuse(overloaded(1000))
  await settle()
  t.equal(loader.waiting, 101)
  t.equal(budget.bids.length, 1, 'no new bid before the next permit')
  await budget.grant()
  t.equal(calls[0]?.keys.length, 100)
  t.equal(budget.bids.length, 1, 'what is left bids again')
  await budget.refuse(overloaded(1000))
  t.equal(loader.waiting, 0, 'with no bid before it, what is left is too late')
  await calls[0]?.answer()
  t.strictSame(
    (await codes).filter((code) => code !== undefined),
    ['overloaded'],
  )
})

tap.test('refuses what a pause of the budget has made too late, and keeps the rest', async (t) => {
  const { clock, budget, calls, load, codeOf } = start()
  const brief = codeOf(load('brief', { deadline: clock.elapsed() + 500 }))
  const patient = load('patient')
  await settle()
  budget.estimateAt = () => clock.elapsed() + 1000
  budget.pause()
  t.equal(await brief, 'overloaded')
  await budget.grant()
  t.strictSame(calls[0]?.keys, ['patient'])
  await calls[0]?.answer()
  t.equal(await patient, 'PATIENT')
})

tap.test('regression: after a pause keys were judged as if their own bid stood before them', async (t) => {
  const { clock, budget, calls, load } = start()
  budget.estimateAt = (_priority, _caller, extra) => clock.elapsed() + 900 * Math.max(0, budget.bids.length + extra)
  const value = load('a', { deadline: clock.elapsed() + 500 })
  await settle()
  budget.pause()
  await budget.grant()
  await calls[0]?.answer()
  t.equal(await value, 'A')
})

tap.test('tells everybody who wants to know the call that carried his keys', async (t) => {
  const { budget, calls, load } = start()
  const [first, second, third] = [new Set<object>(), new Set<object>(), new Set<object>()]
  const loads = [load('a', { calls: first }), load('b', { calls: first }), load('a', { calls: second }), load('a')]
  await budget.grant()
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

tap.test('regression: one key that upstream refuses spoiled all that rode in its batch', async (t) => {
  const { clock, budget, calls, load, loader, codeOf } = start()
  const loads = ['a', 'b', 'bad', 'c', 'd'].map((key) => load(key, { caller: key }))
  const codes = Promise.all(loads.map(codeOf))
  await budget.grant()
  await calls[0]?.fail(refused())
  t.equal(budget.bids.length, 2, 'each half bids for a permit of its own')
  t.equal(budget.bids[0]?.deadline(), clock.elapsed() + 10_000)
  const joined = codeOf(load('bad', { caller: 'late' }))
  for (let n = 0; n < 2; n++) await budget.grant()
  await calls[1]?.fail(refused())
  await calls[2]?.answer()
  for (let n = 0; n < 2; n++) await budget.grant()
  await calls[3]?.answer()
  await calls[4]?.fail(refused())
  t.strictSame(
    calls.map(({ keys }) => keys),
    [['a', 'b', 'bad', 'c', 'd'], ['a', 'b', 'bad'], ['c', 'd'], ['a', 'b'], ['bad']],
  )
  t.strictSame(await codes, [undefined, undefined, 'upstream_rejected', undefined, undefined])
  t.equal(await joined, 'upstream_rejected', 'its refusal is everybody’s who wants it')
  const again = load('bad')
  await budget.grant()
  await calls[5]?.answer()
  t.equal(await again, 'BAD', 'and is not remembered')
  t.equal(loader.waiting, 0)
})

tap.test('asks for each key by itself where upstream refuses them all, and no more often', async (t) => {
  const { budget, calls, load, codeOf } = start()
  const codes = Promise.all(names(4).map((key) => codeOf(load(key))))
  for (let done = 0; done < 7; done++) {
    await budget.grant()
    await calls[done]?.fail(refused())
  }
  t.strictSame(new Set(await codes), new Set(['upstream_rejected']))
  t.equal(calls.length, 7)
  t.equal(budget.bids.length, 0)
})

tap.test('asks for no half again where upstream fails in any other way', async (t) => {
  for (const code of ['upstream_unavailable', 'upstream_timeout', 'upstream_invalid_response'] as const) {
    const { budget, calls, load, codeOf } = start()
    const codes = Promise.all(['a', 'b', 'c'].map((key) => codeOf(load(key))))
    await budget.grant()
    await calls[0]?.fail(problem(code, 'gone'))
    t.strictSame(await codes, [code, code, code])
    t.equal(budget.bids.length, 0)
    t.equal(calls.length, 1)
  }
})

tap.test('fails a half that gets no permit in time, and not the other', async (t) => {
  const { budget, calls, load, codeOf } = start()
  const codes = Promise.all(['a', 'b', 'c', 'd'].map((key) => codeOf(load(key))))
  await budget.grant()
  await calls[0]?.fail(refused())
  await budget.refuse(overloaded(1000))
  await budget.grant()
  await calls[1]?.answer()
  t.strictSame(await codes, ['overloaded', 'overloaded', undefined, undefined])
  t.equal(calls.length, 2)
})
