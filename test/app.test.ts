import tap from 'tap'
import { startService } from './harness.js'

tap.test('regression: calls that had a permit waited for one of 32 sockets', async (t) => {
  const rate = 60
  const { get, sandbox } = await startService(t, {
    environment: { TRACKSTAR_READ_RATE: String(rate), TRACKSTAR_WRITE_RATE: '1', TRACKSTAR_TIMEOUT_MS: '5000' },
  })
  sandbox.fault('/wms/products', { delayMs: 700 })
  const lists = Array.from({ length: rate }, (_, n) => get(`/products?limit=${n + 1}`))
  await Promise.race(lists)
  t.equal(sandbox.calls.length, rate, 'all of them had left before the first was answered')
  for (const { statusCode } of await Promise.all(lists)) t.equal(statusCode, 200)
})
