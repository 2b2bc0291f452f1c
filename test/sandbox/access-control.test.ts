import { array, assert, integer, property } from 'fast-check'
import tap from 'tap'
import { AccessControl, RateWindow } from '../../src/sandbox/access-control.js'

const credentials = { apiKey: 'key', accessToken: 'token' }
const both = { 'x-trackstar-api-key': 'key', 'x-trackstar-access-token': 'token' }
const call = (headers: Record<string, string>, method = 'GET', at = 5000) => ({
  method,
  url: '/',
  path: '/',
  query: new URLSearchParams(),
  headers,
  at,
  status: undefined,
})

tap.test('rejects and does not count a call with a wrong or missing key or token', async (t) => {
  const accessControl = new AccessControl(credentials, { readRate: 2, writeRate: 1 })
  for (const headers of [{}, { ...both, 'x-trackstar-api-key': 'other' }]) {
    t.match(accessControl.admit(call(headers), true), { error: { status: 401, message: 'Invalid API key' } })
  }
  for (const headers of [{ 'x-trackstar-api-key': 'key' }, { ...both, 'x-trackstar-access-token': '' }]) {
    t.match(accessControl.admit(call(headers), true), { error: { status: 401, message: 'Invalid access token' } })
  }
  t.match(accessControl.admit(call({}), true).headers, { 'x-ratelimit-remaining': '2', 'retry-after': '1' })
  t.match(accessControl.admit(call(both), true), { error: undefined, headers: { 'x-ratelimit-remaining': '1' } })
})

tap.test('requires the API key alone for a management path', async (t) => {
  const accessControl = new AccessControl(credentials, { readRate: 2, writeRate: 1 })
  t.equal(accessControl.admit(call({ 'x-trackstar-api-key': 'key' }), false).error, undefined)
  t.match(accessControl.admit(call({ 'x-trackstar-access-token': 'token' }), false).error, { status: 401 })
})

tap.test('counts reads, writes and management calls separately', async (t) => {
  const accessControl = new AccessControl(credentials, { readRate: 1, writeRate: 1 })
  t.equal(accessControl.admit(call(both), true).error, undefined)
  t.equal(accessControl.admit(call(both, 'PUT'), true).error, undefined)
  t.equal(accessControl.admit(call(both), false).error, undefined)
  for (const method of ['GET', 'POST']) {
    t.match(accessControl.admit(call(both, method), true), {
      error: { status: 429, origin: 'trackstar' },
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '6' },
    })
  }
  t.equal(accessControl.admit(call(both, 'GET', 6000), true).error, undefined)
})

tap.test('follows rates that change', async (t) => {
  const rates = { readRate: 1, writeRate: 1 }
  const accessControl = new AccessControl(credentials, rates)
  accessControl.admit(call(both), true)
  rates.readRate = 2
  t.equal(accessControl.admit(call(both), true).error, undefined)
  rates.readRate = 0
  t.strictSame(accessControl.admit(call(both), true), { error: undefined, headers: {} })
})

tap.test('rejects a burst that a token bucket would admit', async (t) => {
  const window = new RateWindow()
  for (let n = 0; n < 10; n++) t.equal(window.admit(10, 900), true)
  t.equal(window.admit(10, 1500), false)
  t.equal(window.admit(10, 1899), false)
  t.equal(window.admit(10, 1900), true)
})

tap.test('does not count rejected calls', async (t) => {
  const window = new RateWindow()
  window.admit(1, 0)
  for (let at = 100; at < 1000; at += 100) t.equal(window.admit(1, at), false)
  t.equal(window.admit(1, 1000), true)
})

tap.test('admits every call and sends no headers without a limit', async (t) => {
  const window = new RateWindow()
  for (let n = 0; n < 1000; n++) window.admit(0, 5)
  t.strictSame(window.headers(0, 5), {})
  t.equal(window.headers(10, 5)['x-ratelimit-remaining'], '10')
})

tap.test('sends how many calls are left and when the window resets', async (t) => {
  const window = new RateWindow()
  t.strictSame(window.headers(2, 7500), {
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '2',
    'x-ratelimit-reset': '8',
    'retry-after': '1',
  })
  window.admit(2, 7500)
  window.admit(2, 7600)
  t.match(window.headers(2, 7700), { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9', 'retry-after': '1' })
  t.match(window.headers(1, 7700), { 'x-ratelimit-remaining': '0' }, 'a limit that was lowered meanwhile')
})

tap.test('admits at most the limit in any second, and rejects only when the window is full', async () => {
  const gaps = array(integer({ min: 0, max: 700 }), { maxLength: 60 })
  assert(
    property(gaps, integer({ min: 1, max: 5 }), (steps, limit) => {
      const window = new RateWindow()
      const admitted: number[] = []
      let at = 1
      for (const step of steps) {
        at += step
        const inSpan = admitted.filter((time) => time > at - 1000).length
        const passed = window.admit(limit, at)
        if (passed !== inSpan < limit) return false
        if (passed) admitted.push(at)
      }
      return true
    }),
  )
})
