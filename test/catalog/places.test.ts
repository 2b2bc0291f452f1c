import tap from 'tap'
import { Places } from '../../src/catalog/places.js'

tap.test('has as many places as it has, and gives one that was left to the next', async (t) => {
  const places = new Places(2)
  t.strictSame([places.take('a'), places.take('b'), places.take('c')], [true, true, false])
  t.equal(places.taken, 2)
  places.leave('a')
  t.equal(places.taken, 1)
  t.ok(places.take('c'))
})

tap.test('leaves a quarter of them to others, whatever one asks for', async (t) => {
  const places = new Places(8)
  const taken = Array.from({ length: 8 }, () => places.take('greedy'))
  t.equal(taken.filter(Boolean).length, 6)
  t.ok(places.take('other'))
  places.leave('greedy')
  t.ok(places.take('greedy'))
  t.notOk(places.take('greedy'))
  for (let n = 0; n < 6; n++) places.leave('greedy')
  places.leave('other')
  t.equal(places.taken, 0)
  t.ok(places.take('greedy'))
})
