import tap from 'tap'
import { ConcurrencyLimit } from '../../src/cache/concurrency-limit.js'

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
