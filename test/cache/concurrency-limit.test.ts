import tap from 'tap'
import { ConcurrencyLimit } from '../../src/cache/concurrency-limit.js'

tap.test('has as many places as it has, and gives one that was left to the next', async (t) => {
  const places = new ConcurrencyLimit(2)
  t.strictSame([places.tryAcquire('a'), places.tryAcquire('b'), places.tryAcquire('c')], [true, true, false])
  t.equal(places.used, 2)
  places.release('a')
  t.equal(places.used, 1)
  t.ok(places.tryAcquire('c'))
})

tap.test('leaves a quarter of them to others, whatever one asks for', async (t) => {
  const places = new ConcurrencyLimit(8)
  const taken = Array.from({ length: 8 }, () => places.tryAcquire('greedy'))
  t.equal(taken.filter(Boolean).length, 6)
  t.ok(places.tryAcquire('other'))
  places.release('greedy')
  t.ok(places.tryAcquire('greedy'))
  t.notOk(places.tryAcquire('greedy'))
  for (let n = 0; n < 6; n++) places.release('greedy')
  places.release('other')
  t.equal(places.used, 0)
  t.ok(places.tryAcquire('greedy'))
})
