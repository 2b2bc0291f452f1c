import tap from 'tap'
import { filtersOf, halvesOf, isIn, isWithin, rangesFrom, splitAround } from '../../src/mirror/date-range.js'

const now = Date.UTC(2026, 10, 28, 10, 0, 0, 500)

tap.test('covers all dates, or all from a date on, without a gap', async (t) => {
  for (const since of [undefined, now - 300_500, now + 1e9]) {
    const ranges = rangesFrom(since, now)
    t.equal(ranges[0]?.from, since)
    t.equal(ranges.at(-1)?.to, undefined)
    for (const [index, { to }] of ranges.slice(0, -1).entries()) t.equal(ranges[index + 1]?.from, to)
  }
})

tap.test('halves a range down to a second, and no open range', async (t) => {
  let range = { from: 0, to: 5000 } as Parameters<typeof halvesOf>[0]
  const ends: unknown[] = []
  for (let halves = halvesOf(range); halves; halves = halvesOf(range)) {
    t.equal(halves[0].to, halves[1].from)
    range = halves[1]
    ends.push(range.from)
  }
  t.strictSame(ends, [3000, 4000])
  t.equal(halvesOf({ from: undefined, to: 5000 }), undefined)
  t.equal(halvesOf({ from: 0, to: undefined }), undefined)
})

tap.test('makes ranges that failed before ranges of their own', async (t) => {
  const known = [{ from: 2000, to: 3000 }]
  const ranges = splitAround([{ from: 0, to: 5000 }], known)
  t.strictSame(ranges, [
    { from: 0, to: 2000 },
    { from: 2000, to: 3000 },
    { from: 3000, to: 5000 },
  ])
  t.strictSame(
    ranges.map((range) => isIn(range, known)),
    [false, true, false],
  )
  t.strictSame(splitAround([{ from: undefined, to: 1000 }], known), [{ from: undefined, to: 1000 }])
})

tap.test('is written as filters of upstream', async (t) => {
  t.strictSame(filtersOf({ from: Date.UTC(2026, 0), to: undefined }), {
    'trackstar_updated_date[gte]': '2026-01-01T00:00:00Z',
  })
  t.ok(isWithin({ from: 1000, to: 2000 }, 1000))
  t.notOk(isWithin({ from: 1000, to: 2000 }, 2000))
  t.ok(isWithin({ from: 1000, to: 2000 }, undefined), 'a record without a date contradicts no filter')
})
