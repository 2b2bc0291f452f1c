import tap from 'tap'
import { touch, upstreamTime } from '../../src/sandbox/dates.js'

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

tap.test('writes times as upstream does', async (t) => {
  t.equal(upstreamTime(now), '2026-01-02T03:04:05Z')
})

tap.test('dates a record now, and strictly later than before', async (t) => {
  const record = { trackstar_updated_date: '2025-01-01T00:00:00Z', updated_date: '2024-01-01T00:00:00Z' }
  touch(record, now)
  t.strictSame(record, { trackstar_updated_date: '2026-01-02T03:04:05Z', updated_date: '2026-01-02T03:04:05Z' })
  touch(record, now)
  t.equal(record.trackstar_updated_date, '2026-01-02T03:04:06Z')
  touch(record, now - 60_000)
  t.equal(record.trackstar_updated_date, '2026-01-02T03:04:07Z')
})

tap.test('dates a record that had no date', async (t) => {
  for (const record of [{}, { trackstar_updated_date: null }, { trackstar_updated_date: 'one day' }]) {
    touch(record, now)
    t.match(record, { trackstar_updated_date: '2026-01-02T03:04:05Z' })
  }
})
