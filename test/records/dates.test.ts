import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import tap from 'tap'
import { hasTimeOfDay, parseDate } from '../../src/records/dates.js'

const morning = Date.UTC(2026, 10, 28, 10)

tap.test('reads every notation of an instant', async (t) => {
  for (const value of [
    '2026-11-28T10:00:00Z',
    '2026-11-28t10:00:00z',
    '2026-11-28 10:00:00Z',
    '2026-11-28  10:00:00 UTC',
    '2026-11-28T10:00:00',
    '2026-11-28 10:00',
    '2026-11-28T10',
    '  2026-11-28T10:00:00Z\n',
    '2026-11-28T10:00:00+00',
    '2026-11-28T10:00:00+0000',
    '2026-11-28T10:00:00-00:00',
    '2026-11-28 10:00:00 +00:00',
    '2026-11-28T11:30:00+01:30',
    '2026-11-28T05:00:00-0500',
    '2026-11-28T05:00:00\u221205:00',
    '2026-11-29T00:00:00+14',
    '20261128T100000Z',
    '20261128T1000',
    '20261128T110000+01',
    '20261128T10:00:00Z',
    '2026-11-28T10:00:00.0Z',
    '2026-11-28T10:00:00,000000000Z',
    '2026-11-28T09:59:60Z',
    1_795_860_000,
    1_795_860_000_000,
    '1795860000',
    '1795860000.0',
    '1795860000000',
  ]) {
    t.equal(parseDate(value), morning, JSON.stringify(value))
  }
})

tap.test('reads a date without a time as midnight UTC', async (t) => {
  for (const value of ['2026-11-28', '20261128', 20261128])
    t.equal(parseDate(value), Date.UTC(2026, 10, 28), `${value}`)
  t.equal(parseDate('2026-11'), Date.UTC(2026, 10, 1))
  t.equal(parseDate('2028-02-29'), Date.UTC(2028, 1, 29))
  t.equal(parseDate('2026-11-28T24:00:00Z'), Date.UTC(2026, 10, 29))
  t.equal(parseDate('2026-12-31T23:59:60Z'), Date.UTC(2027, 0, 1))
})

tap.test('truncates a fraction of any length to milliseconds', async (t) => {
  for (const fraction of ['.1239', ',1239', '.123999999999999999999999999999']) {
    t.equal(parseDate(`2026-11-28T10:00:00${fraction}Z`), morning + 123)
    t.equal(parseDate(`20261128T100000${fraction}`), morning + 123)
  }
  t.equal(parseDate('2026-11-28T10:00:00.5'), morning + 500)
  t.equal(parseDate(1_795_860_000.5), morning + 500)
  t.equal(parseDate('1795860000.123456'), morning + 123)
  t.equal(parseDate(1_795_860_000_123.75), morning + 123)
})

tap.test('returns undefined for a date that the calendar does not have', async (t) => {
  for (const value of [
    '2026-02-30',
    '2026-02-29T00:00:00Z',
    '20260230',
    '2026-00-10',
    '2026-13-01',
    '2026-11-00',
    '2026-11-31',
    '0000-00-00 00:00:00',
    '0001-01-01T00:00:00',
    '2026-11-28T24:01:00Z',
    '2026-11-28T24:00:00.001Z',
    '2026-11-28T25:00:00Z',
    '2026-11-28T10:60:00Z',
    '2026-11-28T10:00:61Z',
    '2026-11-28T10:00:60Z',
    '2026-11-28T10:00:00+24:00',
    '2026-11-28T10:00:00+01:60',
  ]) {
    t.equal(parseDate(value), undefined, value)
  }
})

tap.test('returns undefined for a value that is not a date', async (t) => {
  for (const value of [
    null,
    undefined,
    '',
    ' ',
    'yesterday',
    '2026',
    '2026-11-28T',
    '2026-11T10:00',
    '2026-11-28T10:00:00X',
    '2026-11-28T10:00:00 and more',
    '2026-11-28Z',
    '2026-1-2',
    '28.11.2026',
    'November 28, 2026',
    '7',
    0,
    -1,
    99_999_999,
    1e15,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    {},
    [],
    new Date(morning),
    ['2026-11-28T10:00:00Z'],
    `2026-11-28T10:00:00.${'1'.repeat(1000)}Z`,
  ]) {
    t.equal(parseDate(value), undefined, JSON.stringify(value))
  }
})

const instant = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) })

tap.test('round-trips every instant in ISO 8601, extended and basic', async () => {
  fc.assert(
    fc.property(instant, fc.constantFrom('T', 't', ' '), fc.constantFrom('.', ','), (ms, separator, point) => {
      const iso = new Date(ms).toISOString()
      const text = iso.replace('T', separator).replace('.', point)
      const [date = '', time = ''] = iso.split('T')
      const basic = `${date.replaceAll('-', '')}T${time.replaceAll(':', '')}`
      return [iso, text, text.slice(0, -1), basic].every((form) => parseDate(form) === ms)
    }),
  )
})

tap.test('reads the same instant from any offset', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1901, 0), max: Date.UTC(9998, 0) }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (ms, offset) => {
        const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
          String(part).padStart(2, '0'),
        )
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1)
        const sign = offset < 0 ? '-' : '+'
        return (
          parseDate(`${local}${sign}${hours}:${minutes}`) === ms &&
          parseDate(`${local}${sign}${hours}${minutes}`) === ms
        )
      },
    ),
  )
})

tap.test('reads epoch seconds and milliseconds, as numbers and as text', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1e8, max: 1e11 - 1 }),
      fc.integer({ min: 1e11, max: 253_402_300_799_999 }),
      (s, ms) =>
        [s, String(s)].every((value) => parseDate(value) === s * 1000) &&
        [ms, String(ms)].every((value) => parseDate(value) === ms),
    ),
  )
})

tap.test('never throws, whatever the value', async () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const read = parseDate(value)
      return read === undefined || Number.isInteger(read)
    }),
  )
})

tap.test('regression: a date without a zone was read in the time zone of the process', async (t) => {
  const dates = ['2026-11-28T10:00:00', '2026-11-28 10:00:00', '2026-11-28', '20261128T1000', '1795860000']
  const module = new URL('../../src/records/dates.js', import.meta.url).href
  const script = `import { parseDate } from '${module}'
    process.stdout.write(JSON.stringify(${JSON.stringify(dates)}.map(parseDate)))`
  for (const zone of ['America/New_York', 'Pacific/Chatham']) {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
    })
    t.strictSame(JSON.parse(stdout || 'null'), dates.map(parseDate), stderr)
  }
})

tap.test('recognizes dates without a time of day', async (t) => {
  for (const date of ['2026-11', '2026-11-28', ' 20261128 ', 20261128]) t.notOk(hasTimeOfDay(date), String(date))
  for (const date of ['2026-11-28T10:00:00Z', '2026-11-28 00:00', '20261128T10', 1795860000, '1795860000000']) {
    t.ok(hasTimeOfDay(date), String(date))
  }
})
