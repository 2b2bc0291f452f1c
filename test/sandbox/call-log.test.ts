import type { IncomingMessage } from 'node:http'
import tap from 'tap'
import { logCall, type SandboxCall, worstReadsPerSecond } from '../../src/sandbox/call-log.js'

const log = (calls: SandboxCall[], request: Partial<IncomingMessage>, at = 0, keep = 10) =>
  logCall(calls, Object.assign(Object.create(null), request), at, keep)

tap.test('records a call as sent', async (t) => {
  const calls: SandboxCall[] = []
  const headers = { host: 'localhost' }
  const call = log(calls, { method: 'PUT', url: '/a%2Fb/c?sku[in]=x%2Cy&sku=a+b', headers }, 42)
  t.equal(calls[0], call)
  t.match(call, { method: 'PUT', url: '/a%2Fb/c?sku[in]=x%2Cy&sku=a+b', path: '/a%2Fb/c', at: 42, status: undefined })
  t.equal(call.headers, headers)
  t.strictSame(
    [...call.query],
    [
      ['sku[in]', 'x,y'],
      ['sku', 'a b'],
    ],
  )
})

tap.test('defaults to GET /', async (t) => {
  t.match(log([], {}), { method: 'GET', url: '/', path: '/' })
})

tap.test('keeps a bounded number of recent calls', async (t) => {
  const calls: SandboxCall[] = []
  for (let at = 0; at < 100; at++) {
    log(calls, { url: '/' }, at)
    t.ok(calls.length <= 11)
  }
  t.equal(calls.at(-1)?.at, 99)
  t.ok(calls.length >= 10)
})

tap.test('finds the busiest second, wherever it begins, and counts GETs only', async (t) => {
  const calls: SandboxCall[] = []
  t.equal(worstReadsPerSecond(calls), 0)
  for (const at of [0, 900, 950, 1000, 1899, 1900, 5000]) log(calls, { method: 'GET' }, at, 100)
  for (let n = 0; n < 20; n++) log(calls, { method: 'PUT' }, 5000, 100)
  t.equal(worstReadsPerSecond(calls), 4)
})
