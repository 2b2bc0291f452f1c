import tap from 'tap'
import { parseHttpDate } from '../../src/trackstar/http-date.js'

const instant = Date.UTC(1994, 10, 6, 8, 49, 37)

tap.test('reads the three forms of an HTTP date in UTC, whatever the time zone of the process', async (t) => {
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

tap.test('reads nothing else', async (t) => {
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
