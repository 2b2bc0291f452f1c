import tap from 'tap'
import { LossGuard } from '../../src/cache/loss-guard.js'

const loss = (known: number, ...keys: string[]) => ({ missing: keys.length, known, keys })

tap.test('believes a loss of up to half of the known records at once', async (t) => {
  const guard = new LossGuard()
  t.ok(guard.believes(loss(2, 'a')))
  t.ok(guard.believes(loss(0)))
  t.notOk(guard.hasSuspected)
})

tap.test('believes a larger loss when each of its keys is lost for the second time', async (t) => {
  const guard = new LossGuard()
  t.notOk(guard.believes(loss(3, 'a', 'b')))
  t.ok(guard.isSuspected('a'))
  t.ok(guard.hasSuspected)
  t.notOk(guard.believes(loss(3, 'b', 'c')), 'c is lost for the first time')
  t.ok(guard.believes(loss(3, 'b', 'c')))
  t.notOk(guard.isSuspected('b'))
})

tap.test('forgets a loss when the record is seen again', async (t) => {
  const guard = new LossGuard()
  t.notOk(guard.believes(loss(1, 'a')))
  guard.clear('a')
  t.notOk(guard.hasSuspected)
  t.notOk(guard.believes(loss(1, 'a')))
})

tap.test('always believes a loss of a few records, if configured to', async (t) => {
  const guard = new LossGuard(2)
  t.ok(guard.believes(loss(2, 'a', 'b')))
  t.notOk(guard.believes(loss(3, 'a', 'b', 'c')))
})

tap.test('remembers a bounded number of losses', async (t) => {
  const guard = new LossGuard()
  t.notOk(guard.believes(loss(1, 'a')))
  const many = Array.from({ length: 20_000 }, (_, n) => `k${n}`)
  t.notOk(guard.believes(loss(many.length, ...many)))
  t.notOk(guard.isSuspected('a'))
  t.ok(guard.isSuspected('k0'))
})
