import fc from 'fast-check'
import tap from 'tap'
import { inTurns, mapSteps, runToEnd, type Steps, sorted } from '../src/steps.js'

tap.test('runs steps to the end', (t) => {
  function* count(): Steps<number> {
    for (let n = 0; n < 3; n++) yield
    return 3
  }
  t.equal(runToEnd(count()), 3)
  t.strictSame(runToEnd(mapSteps([1, 2, 3], (value) => value * 2)), [2, 4, 6])
  t.end()
})

tap.test('sorts like an array, and keeps equal values in order', (t) => {
  const values = fc.array(fc.tuple(fc.nat(50), fc.nat()), { maxLength: 3000, size: 'max' })
  const byFirst = (a: readonly number[], b: readonly number[]) => Number(a[0]) - Number(b[0])
  fc.assert(
    fc.property(values, (given) => t.strictSame(runToEnd(sorted(given, byFirst)), given.toSorted(byFirst))),
    { numRuns: 10 },
  )
  t.end()
})

tap.test('can be interrupted often while it sorts', (t) => {
  const steps = sorted(
    Array.from({ length: 100_000 }, (_, n) => (n * 7919) % 100_003),
    (a, b) => a - b,
  )
  t.ok(Array.from(steps).length > 500)
  t.end()
})

tap.test('gives each turn of the event loop to one work, however many run', async (t) => {
  let sinceLastTurn = 0
  const perTurn: number[] = []
  let isOver = false
  const watch = () => {
    perTurn.push(sinceLastTurn)
    sinceLastTurn = 0
    if (!isOver) setImmediate(watch)
  }
  setImmediate(watch)
  /** Each step takes longer than a turn. */
  function* work(result: string, fails = false): Steps<string> {
    for (let n = 0; n < 4; n++) {
      const end = performance.now() + 6
      while (performance.now() < end);
      sinceLastTurn++
      yield
    }
    if (fails) throw new Error(result)
    return result
  }
  const works = ['a', 'b', 'c', 'd'].map((result) => inTurns(work(result)))
  const failing = inTurns(work('e', true)).catch((error: Error) => error.message)
  t.strictSame(await Promise.all([...works, failing]), ['a', 'b', 'c', 'd', 'e'])
  isOver = true
  t.equal(Math.max(...perTurn), 1)
})
