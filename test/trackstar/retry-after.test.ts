import tap from 'tap'
import { pauseMs, retryAfterMs, sentAt } from '../../src/trackstar/retry-after.js'
import type { UpstreamAnswer } from '../../src/trackstar/transport.js'

type Headers = UpstreamAnswer['headers']

const answer = (status: number, headers: Headers): UpstreamAnswer => ({ status, headers, body: undefined })
const noon = Date.parse('2026-03-01T12:00:00Z')
const httpDate = (ms: number) => new Date(ms).toUTCString()
const wait = (status: number, headers: Headers) => retryAfterMs(answer(status, headers), noon)
const pause = (status: number, headers: Headers) => pauseMs(answer(status, headers), noon, false)

tap.test('waits for as long as a 429 or a 503 asks', async (t) => {
  for (const status of [429, 503]) {
    for (const read of [wait, pause]) {
      t.equal(read(status, { 'retry-after': '2' }), 2000)
      t.equal(read(status, { 'retry-after': ' 2 ' }), 2000)
      t.equal(read(status, { 'retry-after': '0.5' }), 500)
      t.equal(read(status, { 'retry-after': '0' }), 0)
      t.equal(read(status, { 'retry-after': '61' }), 60_000)
      t.equal(read(status, { 'retry-after': ['3', '9'] }), 3000)
      t.equal(read(status, { 'retry-after': ['soon', '9'] }), 9000)
      t.equal(read(status, { 'x-rate-limit-retry-after': '4' }), 4000, 'the older spelling')
      t.equal(read(status, { 'retry-after': '2', 'x-rate-limit-retry-after': '4' }), 2000)
      t.equal(read(status, { 'retry-after': '-1', 'x-rate-limit-retry-after': '4' }), 4000)
    }
  }
})

tap.test('regression: a retry-after that cannot be read was retried at once', async (t) => {
  const texts = ['-1', 'soon', '', 'NaN', 'Infinity', '1e3', '0x10', '+5', '5s', '5, 7', '-0', '1.2.3', '1700000000']
  texts.push('9'.repeat(400), httpDate(noon - 1000), httpDate(noon), httpDate(noon + 400 * 86_400_000), '2026-03-01')
  for (const status of [429, 503]) {
    for (const text of texts) {
      t.equal(wait(status, { 'retry-after': text }), 1000, text)
      t.equal(pause(status, { 'retry-after': text }), 1000, text)
    }
    t.equal(wait(status, {}), 1000)
  }
})

tap.test('pauses all calls after a 429 without retry-after, and only this call waits after such a 503', async (t) => {
  t.equal(pause(429, {}), 1000)
  t.equal(pauseMs(answer(429, {}), noon, true), 1000, 'even if the limiter knew that no calls remained')
  const reset = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String((noon + 300) / 1000) }
  t.equal(pause(429, reset), 1000, 'upstream counts in any one second, whenever its window ends')
  t.equal(pause(429, { ...reset, 'retry-after': '0' }), 0)
  t.equal(pause(503, {}), 0, 'it may be about one request')
})

tap.test('reads a date by upstream’s own clock, or else by ours', async (t) => {
  const wrong = noon - 3_600_000
  t.equal(wait(429, { 'retry-after': httpDate(wrong + 3000), date: httpDate(wrong) }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3000) }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3000), date: 'today' }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3_600_000) }), 60_000)
  t.equal(wait(429, { 'retry-after': 'Sun Mar  1 12:00:07 2026' }), 7000)
  t.equal(wait(429, { 'retry-after': 'Sunday, 01-Mar-26 12:00:07 GMT' }), 7000)
})

tap.test('ignores retry-after elsewhere: upstream sends it with every answer', async (t) => {
  for (const status of [200, 401, 404, 422, 500, 501, 502, 504]) {
    t.equal(pause(status, { 'retry-after': '5' }), 0)
    t.equal(wait(status, { 'retry-after': '5' }), 1000)
  }
})

tap.test('pauses until the reset when nothing remains, for one second at most', async (t) => {
  const headers = (resetMs: number, date?: string) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(resetMs / 1000),
    ...(date && { date }),
  })
  t.equal(pause(200, headers(noon + 600)), 600)
  t.equal(pause(200, headers(noon + 5000)), 1000)
  t.equal(pause(200, headers(noon - 5000)), 0)
  const wrong = noon - 3_600_000
  t.equal(pause(200, headers(wrong + 700, httpDate(wrong))), 700)
  t.equal(pause(200, headers(noon + 300, 'today')), 300)
  t.equal(pause(429, { ...headers(noon + 300), 'retry-after': '2' }), 2000)
  t.equal(pause(200, { ...headers(noon + 300), 'x-ratelimit-remaining': '-2' }), 300)
  t.equal(pause(200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(noon) }), 1000, 'milliseconds')
  for (const remaining of ['1', '', 'none']) {
    t.equal(pause(200, { ...headers(noon + 300), 'x-ratelimit-remaining': remaining }), 0)
  }
  for (const reset of ['', 'soon', 'NaN', 'Infinity', '-1']) {
    t.equal(pause(200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }), 0, reset)
  }
  t.equal(pause(200, { 'x-ratelimit-reset': String((noon + 300) / 1000) }), 0)
  t.equal(pause(200, { 'x-ratelimit-remaining': '0' }), 0)
})

tap.test('reads upstream’s time', async (t) => {
  t.equal(sentAt(answer(200, { date: httpDate(noon) })), noon)
  for (const date of ['', 'today', '2026-03-01T12:00:00']) t.equal(sentAt(answer(200, { date })), undefined)
  t.equal(sentAt(answer(200, {})), undefined)
})
