import tap from 'tap'
import { IdempotencyKeys } from '../../src/sandbox/http-server.js'

const day = 24 * 3600 * 1000

tap.test('replays the first success of the same request', async (t) => {
  const keys = new IdempotencyKeys()
  t.equal(keys.begin('k', 'r', 0), undefined)
  keys.finish('k', 'done')
  t.equal(keys.begin('k', 'r', 5), 'done')
  t.equal(keys.begin('other', 'r', 5), undefined)
})

tap.test('rejects a key that another request used, whether that is running or finished', async (t) => {
  const keys = new IdempotencyKeys()
  keys.begin('k', 'r', 0)
  t.throws(() => keys.begin('k', 's', 1), { status: 400, message: /another body or path/ })
  keys.finish('k', 'done')
  t.throws(() => keys.begin('k', 's', 1), { status: 400, message: /another body or path/ })
})

tap.test('rejects a key while its first request runs', async (t) => {
  const keys = new IdempotencyKeys()
  keys.begin('k', 'r', 0)
  t.throws(() => keys.begin('k', 'r', 1), { status: 409, message: /still runs/ })
})

tap.test('releases a key whose first request failed', async (t) => {
  const keys = new IdempotencyKeys()
  keys.begin('k', 'r', 0)
  keys.finish('k', undefined)
  t.equal(keys.begin('k', 's', 1), undefined)
})

tap.test('forgets a key after 24 hours', async (t) => {
  const keys = new IdempotencyKeys()
  keys.begin('k', 'r', 0)
  keys.finish('k', 'done')
  keys.begin('l', 'r', 1)
  t.equal(keys.begin('k', 'r', day - 1), 'done')
  t.equal(keys.begin('k', 'r', day), undefined)
  t.throws(() => keys.begin('l', 'r', day), { status: 409, message: /still runs/ })
  keys.begin('m', 'r', 2 * day + 1)
  keys.finish('l', 'too late to be remembered')
  t.equal(keys.begin('l', 'r', 2 * day + 1), undefined)
})

tap.test('accepts a key of 255 characters, but not of 256', async (t) => {
  const keys = new IdempotencyKeys()
  t.equal(keys.begin('k'.repeat(255), 'r', 0), undefined)
  t.throws(() => keys.begin('k'.repeat(256), 'r', 0), { status: 422, message: /at most 255 .* 256$/ })
})
