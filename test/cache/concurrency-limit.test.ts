import tap from 'tap'
import { ConcurrencyLimit, SlotShare } from '../../src/cache/concurrency-limit.js'

tap.test('allows up to its maximum, and gives a released slot to the next caller', async (t) => {
  const limit = new ConcurrencyLimit(2)
  t.strictSame([limit.tryAcquire('a'), limit.tryAcquire('b'), limit.tryAcquire('c')], [true, true, false])
  t.equal(limit.used, 2)
  limit.release('a')
  t.equal(limit.used, 1)
  t.ok(limit.tryAcquire('c'))
})

tap.test('leaves a quarter of the slots to other callers', async (t) => {
  const limit = new ConcurrencyLimit(8)
  const taken = Array.from({ length: 8 }, () => limit.tryAcquire('greedy'))
  t.equal(taken.filter(Boolean).length, 6)
  t.ok(limit.tryAcquire('other'))
  limit.release('greedy')
  t.ok(limit.tryAcquire('greedy'))
  t.notOk(limit.tryAcquire('greedy'))
  for (let n = 0; n < 6; n++) limit.release('greedy')
  limit.release('other')
  t.equal(limit.used, 0)
  t.ok(limit.tryAcquire('greedy'))
})

tap.test('a share leaves the rest of the slots to others, and counts in the limit', async (t) => {
  const limit = new ConcurrencyLimit(4)
  let max = 2
  const [one, other] = [new SlotShare(limit, () => max), new SlotShare(limit, () => max)]
  t.strictSame(
    ['a', 'b', 'c'].map((client) => one.tryAcquire(client)),
    [true, true, false],
  )
  t.ok(other.tryAcquire('c'))
  t.strictSame([one.used, other.used, limit.used], [2, 1, 3])
  one.release('a')
  t.ok(one.tryAcquire('c'))
  max = 4
  t.ok(one.tryAcquire('d'), 'alone, it may take all')
  t.notOk(other.tryAcquire('e'))
})
