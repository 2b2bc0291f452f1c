import tap from 'tap'
import { AccessControl } from '../../src/sandbox/gate.js'

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

tap.test('refuses a key or token that is wrong or missing, and counts that for nobody', async (t) => {
  const gate = new AccessControl(credentials, { readRate: 2, writeRate: 1 })
  for (const headers of [{}, { ...both, 'x-trackstar-api-key': 'other' }]) {
    t.match(gate.admit(call(headers), true), { refusal: { status: 401, message: 'Invalid API key' } })
  }
  for (const headers of [{ 'x-trackstar-api-key': 'key' }, { ...both, 'x-trackstar-access-token': '' }]) {
    t.match(gate.admit(call(headers), true), { refusal: { status: 401, message: 'Invalid access token' } })
  }
  t.match(gate.admit(call({}), true).headers, { 'x-ratelimit-remaining': '2', 'retry-after': '1' })
  t.match(gate.admit(call(both), true), { refusal: undefined, headers: { 'x-ratelimit-remaining': '1' } })
})

tap.test('wants the API key alone for a management path', async (t) => {
  const gate = new AccessControl(credentials, { readRate: 2, writeRate: 1 })
  t.equal(gate.admit(call({ 'x-trackstar-api-key': 'key' }), false).refusal, undefined)
  t.match(gate.admit(call({ 'x-trackstar-access-token': 'token' }), false).refusal, { status: 401 })
})

tap.test('counts reads, writes and management calls apart', async (t) => {
  const gate = new AccessControl(credentials, { readRate: 1, writeRate: 1 })
  t.equal(gate.admit(call(both), true).refusal, undefined)
  t.equal(gate.admit(call(both, 'PUT'), true).refusal, undefined)
  t.equal(gate.admit(call(both), false).refusal, undefined)
  for (const method of ['GET', 'POST']) {
    t.match(gate.admit(call(both, method), true), {
      refusal: { status: 429, origin: 'trackstar' },
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '6' },
    })
  }
  t.equal(gate.admit(call(both, 'GET', 6000), true).refusal, undefined)
})

tap.test('follows rates that change while it works', async (t) => {
  const rates = { readRate: 1, writeRate: 1 }
  const gate = new AccessControl(credentials, rates)
  gate.admit(call(both), true)
  rates.readRate = 2
  t.equal(gate.admit(call(both), true).refusal, undefined)
  rates.readRate = 0
  t.strictSame(gate.admit(call(both), true), { refusal: undefined, headers: {} })
})
