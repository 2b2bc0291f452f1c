import tap from 'tap'
import { completesWithin } from '../../src/cache/read-through.js'

const never = new Promise<void>(() => {})

tap.test('says whether the work was done in time', async (t) => {
  t.equal(await completesWithin(Promise.resolve(), 1000), true)
  t.equal(await completesWithin(undefined, 1000), true)
  t.equal(await completesWithin(never, 1), false)
  t.equal(await completesWithin(never, -1), false)
})

tap.test('throws what fails in time, and leaves alone what fails later', async (t) => {
  await t.rejects(completesWithin(Promise.reject(new Error('broken')), 1000), new Error('broken'))
  let fail = (_error: Error) => {}
  const work = new Promise<void>((_resolve, reject) => {
    fail = reject
  })
  t.equal(await completesWithin(work, 0), false)
  fail(new Error('later'))
  await new Promise((resolve) => setImmediate(resolve))
})
