import tap from 'tap'
import { type WorkOwner, WorkTurns } from '../../src/services/work-turns.js'
import type { Steps } from '../../src/steps.js'
import { problemOf, TestClock } from '../harness.js'

/** Turns on a clock that each step moves by 1 ms; `order` logs what ran. */
function start() {
  const clock = new TestClock()
  const used = new Map<string, number>()
  const turns = new WorkTurns({
    elapsed: clock.elapsed,
    onUsed: (client, ms) => void used.set(client, (used.get(client) ?? 0) + ms),
  })
  const order: string[] = []
  function* steps(name: string, count: number): Steps<string> {
    for (let step = 0; step < count; step++) {
      order.push(name)
      clock.advance(1)
      yield
    }
    return name
  }
  const owner = (client: string, more: Partial<WorkOwner> = {}): WorkOwner => ({
    client,
    isGone: () => false,
    deadline: Number.POSITIVE_INFINITY,
    ...more,
  })
  type Options = Partial<WorkOwner> & { readonly isCheap?: boolean }
  const ask = (client: string, name: string, count: number, { isCheap = false, ...more }: Options = {}) =>
    turns.request(owner(client, more), isCheap, (run) => run(steps(name, count)))
  return { clock, turns, order, used, owner, ask, steps }
}

tap.test('does cheap work at once', async (t) => {
  const { ask, turns, order } = start()
  const done = ask('a', 'long', 5)
  t.equal(turns.queued, 1, 'the work that takes longer than the first millisecond')
  const [first, second] = [ask('a', 'cheap', 0, { isCheap: true }), ask('b', 'other', 0)]
  t.equal(turns.queued, 1, 'only that work')
  t.strictSame([await first, await second], ['cheap', 'other'])
  t.strictSame(order, ['long'])
  t.equal(await done, 'long')
  t.equal(turns.queued, 0)
})

tap.test('regression: a request whose reads took all its time was told that it had waited for its turn', async (t) => {
  const { turns, clock, owner, steps } = start()
  const answer = await turns.request(owner('a', { deadline: clock.elapsed() + 10 }), true, async (run) => {
    clock.advance(10)
    return run(steps('what the reads came to', 5))
  })
  t.equal(answer, 'what the reads came to')
})

tap.test('returns to the event loop between slices', async (t) => {
  const { ask, turns } = start()
  const done = ask('a', 'long', 100)
  let rounds = 0
  for (; turns.queued > 0; rounds++) await new Promise((resolve) => setImmediate(resolve))
  await done
  t.ok(rounds >= 20, `${rounds} rounds for 100 ms`)
})

tap.test('clients take turns, regardless of arrival and amount', async (t) => {
  const { ask, order } = start()
  const long = Array.from({ length: 4 }, (_, n) => ask('a', `a${n}`, 1000))
  const short = ask('b', 'b', 20)
  await short
  const before = order.filter((name) => name.startsWith('a')).length
  t.ok(before < 30, `${before} ms of the other client within 20 ms of its own`)
  await Promise.all(long)
})

tap.test('works on the requests of one client one at a time, in order of arrival', async (t) => {
  const { ask, order } = start()
  await Promise.all(Array.from({ length: 5 }, (_, n) => ask('a', `a${n}`, 10)))
  const runs = order.filter((name, index) => name !== order[index - 1])
  t.strictSame(runs, ['a0', 'a1', 'a2', 'a3', 'a4'])
})

tap.test('continues a request of several parts before it starts the next', async (t) => {
  const { turns, owner, order, steps } = start()
  const ask = (name: string) =>
    turns.request(owner('a'), false, async (run) => {
      await run(steps(`${name}-1`, 5))
      await run(steps(`${name}-2`, 5))
    })
  await Promise.all([ask('x'), ask('y')])
  const runs = order.filter((name, index) => name !== order[index - 1])
  t.strictSame(runs, ['x-1', 'x-2', 'y-1', 'y-2'])
})

tap.test("does a client's cheap requests before its expensive ones", async (t) => {
  const { ask, order } = start()
  const dear = ask('a', 'dear', 100)
  await ask('a', 'cheap', 3, { isCheap: true })
  t.ok(order.length < 20, `after ${order.length} ms`)
  await dear
})

tap.test('stops working for a caller that has disconnected', async (t) => {
  const { ask, order } = start()
  let isGone = false
  const gone = ask('a', 'gone', 1000, { isGone: () => isGone })
  const waiting = ask('a', 'also gone', 1000, { isGone: () => isGone })
  const other = ask('a', 'other', 5)
  const problems = Promise.all([problemOf(gone), problemOf(waiting)])
  isGone = true
  await other
  t.match(await problems, [{ problem: 'request_timeout' }, { problem: 'request_timeout' }])
  t.strictSame(order, ['gone', 'other', 'other', 'other', 'other', 'other'])
})

tap.test('gives up work that waits beyond its deadline', async (t) => {
  const { ask, clock } = start()
  const long = ask('a', 'long', 200)
  const late = ask('a', 'late', 1, { deadline: clock.elapsed() + 20 })
  t.match(await problemOf(late), { problem: 'overloaded', extras: { retryAfter: 1 } })
  await long
})

tap.test('rejects with the error of the work, and continues other work', async (t) => {
  const { ask, turns, owner } = start()
  function* failing(): Steps<void> {
    yield
    throw new Error('broken')
  }
  const first = ask('a', 'first', 5)
  await t.rejects(
    turns.request(owner('a'), false, (run) => run(failing())),
    /broken/,
  )
  t.equal(await first, 'first')
})

tap.test('rejects a client that has very many large requests in progress, and no other', async (t) => {
  const { ask, turns, owner } = start()
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const held = Array.from({ length: 300 }, () => turns.request(owner('a'), false, () => ended))
  t.match(await problemOf(ask('a', 'more', 1)), { problem: 'overloaded' })
  t.equal(await ask('a', 'cheap', 1, { isCheap: true }), 'cheap')
  t.equal(await ask('b', 'other', 1), 'other')
  end()
  await Promise.all(held)
  t.equal(await ask('a', 'again', 1), 'again')
})

tap.test('reports how long each client has used the event loop', async (t) => {
  const { ask, used } = start()
  await Promise.all([ask('a', 'a', 30), ask('b', 'b', 7)])
  t.strictSame([...used].toSorted(), [
    ['a', 30],
    ['b', 7],
  ])
})

tap.test('a client that returns has saved up no turns', async (t) => {
  const { ask, order } = start()
  await ask('b', 'b', 2)
  await ask('a', 'a', 1000)
  const long = ask('a', 'long', 200)
  order.length = 0
  await ask('b', 'b', 50)
  const others = order.filter((name) => name === 'long').length
  t.ok(others >= 40, `${others} ms of the other client meanwhile`)
  await long
})
