import tap from 'tap'
import type { MirrorProgress } from '../../src/mirror/mirror.js'
import { requireMirror } from '../../src/routes/require-mirror.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { problemOf, startService } from '../harness.js'

const urls = ['/stock/low?below=1', '/inventory/inv_cup/products', '/stock/events']

/** A stub of a catalog whose mirror is in `state`. */
const catalog = (state: MirrorProgress['state'] | undefined, isAuthoritative: boolean) =>
  ({ mirrored: state && { state, isAuthoritative } }) as unknown as Parameters<typeof requireMirror>[0]

tap.test('returns the mirrored catalog, or throws the reason why there is none', async (t) => {
  const problem = (...given: Parameters<typeof catalog>) => problemOf((async () => requireMirror(catalog(...given)))())
  const live = catalog('live', true)
  t.equal(requireMirror(live), live.mirrored)
  t.match(await problem(undefined, false), { problem: 'requires_mirror' })
  t.match(await problem('off', false), { problem: 'requires_mirror' })
  t.match(await problem('loading', false), { problem: 'mirror_loading', extras: { retryAfter: 5 } })
  t.match(await problem('live', false), { problem: 'mirror_loading' }, 'live, but not confirmed for too long')
})

tap.test('routes that need a mirror answer 501 without one, with no upstream call', async (t) => {
  const { get, newCalls } = await startService(t)
  for (const url of urls) {
    const reply = await get(url)
    t.equal(reply.statusCode, 501, url)
    t.match(reply.json(), { code: 'requires_mirror', request_id: reply.headers['x-request-id'] })
  }
  t.strictSame(newCalls(), [])
})

tap.test('routes that need a mirror answer 503 while it loads', async (t) => {
  const { get, sandbox } = await startMirrored(t, { waits: false, sandbox: { latencyMs: 60 } })
  for (const url of urls) {
    const reply = await get(url)
    t.equal(reply.statusCode, 503, url)
    t.equal(reply.json().code, 'mirror_loading')
    t.equal(reply.headers['retry-after'], '5')
    t.equal(reply.json().retry_after, 5)
  }
  const stock = await get('/products/CUP/stock')
  t.match(stock.json(), { available: 40 }, 'stock is served in the meantime')
  sandbox.options.latencyMs = 0
})
