import fc from 'fast-check'
import tap from 'tap'
import { FairQueue } from '../../src/trackstar/fair-queue.js'

const queueOf = (...callers: string[]) => {
  const queue = new FairQueue<string>()
  const counts: Record<string, number> = {}
  for (const caller of callers) {
    counts[caller] = (counts[caller] ?? 0) + 1
    queue.push(caller, `${caller}${counts[caller]}`)
  }
  return queue
}

const drained = <T>(queue: FairQueue<T>): T[] => {
  const items: T[] = []
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item)
  return items
}

tap.test('callers take turns, and the items of each keep their order', async (t) => {
  const queue = queueOf('a', 'a', 'a', 'b', 'c', 'b')
  t.equal(queue.size, 6)
  t.equal(queue.peek(), 'a1')
  t.strictSame(drained(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  t.equal(queue.size, 0)
})

tap.test('returns nothing when it is empty', async (t) => {
  const queue = queueOf()
  t.equal(queue.peek(), undefined)
  t.equal(queue.shift(), undefined)
  t.equal(queue.size, 0)
  t.strictSame(
    queue.remove(() => true),
    [],
  )
})

tap.test('moves a caller behind the others after its turn', async (t) => {
  const queue = queueOf('a', 'a', 'b')
  queue.shift()
  queue.push('a', 'a3')
  t.strictSame(drained(queue), ['b1', 'a2', 'a3'])
})

tap.test('removes an item and leaves the turns unchanged', async (t) => {
  const queue = queueOf('a', 'a', 'b', 'c', 'c')
  t.strictSame(
    queue.remove((item) => ['a1', 'b1', 'c2'].includes(item)),
    ['a1', 'b1', 'c2'],
  )
  t.equal(queue.size, 2)
  t.equal(queue.ahead('b'), 2)
  t.strictSame(drained(queue), ['a2', 'c1'])
})

tap.test('counts the items ahead of one more, if its caller had more or fewer items', async (t) => {
  const queue = queueOf('a', 'b', 'b', 'b')
  t.equal(queue.ahead('c'), 2)
  t.equal(queue.ahead('c', 1), 4)
  t.equal(queue.ahead('c', 5), 9)
  t.equal(queue.ahead('a'), 2, 'a1 and b1')
  t.equal(queue.ahead('a', -1), 0, 'in the position of a1')
  t.equal(queue.ahead('a', -7), 0)
  t.equal(queue.ahead('b', -2), 2, 'in the position of b2')
})

tap.test('counts the items ahead correctly after any history', async () => {
  const caller = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(caller, fc.constant(undefined))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), caller, fc.nat(3), (steps, one, extra) => {
      const queue = new FairQueue<string>()
      for (const step of steps) {
        if (step === undefined) queue.shift()
        else queue.push(step, 'other')
      }
      const promised = queue.ahead(one, extra)
      for (let own = 0; own < extra; own++) queue.push(one, 'own')
      queue.push(one, 'the one')
      return drained(queue).indexOf('the one') === promised
    }),
  )
})
