import tap from 'tap'
import { parseHttpDate, pauseMs, retryAfterMs, sentAt } from '../../src/trackstar/retry-after.js'
import type { UpstreamAnswer } from '../../src/trackstar/transport.js'

type Headers = UpstreamAnswer['headers']

const answer = (status: number, headers: Headers): UpstreamAnswer => ({ status, headers, body: undefined })
const noon = Date.parse('2026-03-01T12:00:00Z')
const httpDate = (ms: number) => new Date(ms).toUTCString()
const wait = (status: number, headers: Headers) => retryAfterMs(answer(status, headers), noon)
const pause = (status: number, headers: Headers) => pauseMs(answer(status, headers), noon, false)

tap.test('waits as long as a 429 or 503 requests', async (t) => {
  for (const status of [429, 503]) {
    for (const read of [wait, pause]) {
      t.equal(read(status, { 'retry-after': '2' }), 2000)
      t.equal(read(status, { 'retry-after': ' 2 ' }), 2000)
      t.equal(read(status, { 'retry-after': '0.5' }), 500)
      t.equal(read(status, { 'retry-after': '0' }), 0)
      t.equal(read(status, { 'retry-after': '61' }), 60_000)
      t.equal(read(status, { 'retry-after': ['3', '9'] }), 3000)
      t.equal(read(status, { 'retry-after': ['soon', '9'] }), 9000)
      t.equal(read(status, { 'x-rate-limit-retry-after': '4' }), 4000, 'an older spelling')
      t.equal(read(status, { 'retry-after': '2', 'x-rate-limit-retry-after': '4' }), 2000)
      t.equal(read(status, { 'retry-after': '-1', 'x-rate-limit-retry-after': '4' }), 4000)
    }
  }
})

tap.test('regression: a call was retried at once after an invalid Retry-After', async (t) => {
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

tap.test('pauses all calls after a 429 without Retry-After, but only the failed call after such a 503', async (t) => {
  t.equal(pause(429, {}), 1000)
  t.equal(pauseMs(answer(429, {}), noon, true), 1000, 'even if the limiter knew that no calls remained')
  const reset = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String((noon + 300) / 1000) }
  t.equal(pause(429, reset), 1000, 'upstream counts every one-second span, whatever its window')
  t.equal(pause(429, { ...reset, 'retry-after': '0' }), 0)
  t.equal(pause(503, {}), 0, 'it may concern one request only')
})

tap.test("reads a date by upstream's clock, or else by ours", async (t) => {
  const wrong = noon - 3_600_000
  t.equal(wait(429, { 'retry-after': httpDate(wrong + 3000), date: httpDate(wrong) }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3000) }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3000), date: 'today' }), 3000)
  t.equal(wait(429, { 'retry-after': httpDate(noon + 3_600_000) }), 60_000)
  t.equal(wait(429, { 'retry-after': 'Sun Mar  1 12:00:07 2026' }), 7000)
  t.equal(wait(429, { 'retry-after': 'Sunday, 01-Mar-26 12:00:07 GMT' }), 7000)
})

tap.test('ignores Retry-After on other responses: upstream sends it with each', async (t) => {
  for (const status of [200, 401, 404, 422, 500, 501, 502, 504]) {
    t.equal(pause(status, { 'retry-after': '5' }), 0)
    t.equal(wait(status, { 'retry-after': '5' }), 1000)
  }
})

tap.test('pauses until the reset when no calls remain, for at most one second', async (t) => {
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

tap.test("reads upstream's time", async (t) => {
  t.equal(sentAt(answer(200, { date: httpDate(noon) })), noon)
  for (const date of ['', 'today', '2026-03-01T12:00:00']) t.equal(sentAt(answer(200, { date })), undefined)
  t.equal(sentAt(answer(200, {})), undefined)
})

const instant = Date.UTC(1994, 10, 6, 8, 49, 37)

tap.test('reads the three formats of an HTTP date in UTC, whatever the time zone of the process', async (t) => {
  const { TZ } = process.env
  t.teardown(() => {
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
    process.env['TZ'] = zone
    for (const text of [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37 UTC',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
      ' Sun, 06 Nov 1994 08:49:37 GMT ',
    ]) {
      t.equal(parseHttpDate(text), instant, `${zone}: ${text}`)
    }
  }
})

tap.test('reads a year of two digits as at most 50 years ahead', async (t) => {
  const yearOf = (text: string) => new Date(parseHttpDate(text, Date.UTC(2026, 0)) ?? 0).getUTCFullYear()
  t.equal(yearOf('Sunday, 06-Nov-26 08:49:37 GMT'), 2026)
  t.equal(yearOf('Sunday, 06-Nov-76 08:49:37 GMT'), 2076)
  t.equal(yearOf('Sunday, 06-Nov-77 08:49:37 GMT'), 1977)
})

tap.test('reads a leap day and a leap second', async (t) => {
  t.equal(parseHttpDate('Thu, 29 Feb 2024 00:00:00 GMT'), Date.UTC(2024, 1, 29))
  t.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT'), Date.UTC(2017, 0))
})

tap.test('ignores everything else', async (t) => {
  for (const text of [
    '',
    '7',
    'today',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 EST',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 23:59:60 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:38 GMT',
  ]) {
    t.equal(parseHttpDate(text), undefined, text)
  }
})
