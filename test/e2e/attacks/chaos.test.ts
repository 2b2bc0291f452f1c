import { connect } from 'node:net'
import tap from 'tap'
import { eventually, startService, TestClock } from '../../harness.js'

const url = '/products/SENCHA-100/stock'

tap.test('recovers when Trackstar does', async (t) => {
  const clock = new TestClock()
  const { get, sandbox, newCalls } = await startService(t, { clock })
  sandbox.fault('*', { status: 500 })
  for (let n = 0; n < 8; n++) t.equal((await get(`/products/SKU-${n}/stock`)).statusCode, 503)
  const before = newCalls().length
  t.ok(before <= 6, 'the breaker is open after a few failures')
  t.ok(Number((await get(url)).headers['retry-after']) >= 1)
  t.equal(newCalls().length, 0)
  sandbox.clearFaults()
  clock.advance(5001)
  t.equal((await get(url)).json().available, 38)
})

tap.test('keeps a shared load going when one caller disconnects', async (t) => {
  const { get, listen, sandbox, newCalls } = await startService(t, { sandbox: { latencyMs: 60 } })
  const port = await listen()
  const leavers = Array.from({ length: 20 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    return socket
  })
  await eventually(() => sandbox.calls.length > 0)
  const stayers = Array.from({ length: 5 }, () => get(url))
  for (const socket of leavers) socket.destroy()
  for (const reply of await Promise.all(stayers)) t.equal(reply.json().available, 38)
  t.equal(newCalls().length, 2)
})

tap.test("never exceeds Trackstar's rate under any load", async (t) => {
  const { get, sandbox } = await startService(t, {
    sandbox: { readRate: 10 },
    environment: { TRACKSTAR_READ_RATE: '10', REQUEST_TIMEOUT_MS: '1300' },
  })
  const lists = Array.from({ length: 30 }, (_, n) => get(`/products?limit=${n + 1}`))
  const stocks = Array.from({ length: 50 }, (_, n) => get(`/products/SKU-${n}/stock`))
  const refused = Array.from({ length: 20 }, () => get('/products/CUP/stock', { 'cache-control': 'no-cache' }))
  const replies = await Promise.all([...lists, ...stocks, ...refused])
  const seen = new Set(replies.map((reply) => reply.statusCode))
  for (const status of seen) t.ok([200, 404, 503, 504].includes(status), String(status))
  t.equal(sandbox.calls.filter(({ status }) => status === 429).length, 0)
  t.ok(sandbox.worstReadsPerSecond() <= 10, String(sandbox.worstReadsPerSecond()))
})

tap.test('survives a series of 429 responses', async (t) => {
  const { get, sandbox } = await startService(t, { environment: { REQUEST_TIMEOUT_MS: '1500' } })
  sandbox.fault('*', { status: 429, headers: { 'retry-after': '1' }, times: 3 })
  const replies = await Promise.all(Array.from({ length: 20 }, () => get(url)))
  for (const reply of replies) t.ok([200, 503, 504].includes(reply.statusCode), reply.body)
  t.ok(sandbox.calls.length < 10)
})

tap.test('answers within the request timeout, whatever Trackstar does', async (t) => {
  const environment = { REQUEST_TIMEOUT_MS: '150', TRACKSTAR_TIMEOUT_MS: '1000' }
  for (const path of [url, '/products', '/warehouses/wh_oslo', '/inventory/inv_cup', '/stock?sku=A&sku=B']) {
    // A service for each: a batch of SKUs would wait for the one before, and be refused as one too many.
    const { get } = await startService(t, { environment, sandbox: { latencyMs: 600 } })
    const reply = await get(path)
    t.equal(reply.statusCode, 504, path)
    t.equal(reply.json().code, 'upstream_timeout', path)
  }
})
