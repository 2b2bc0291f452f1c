/**
 * The instant of a date that came from outside, in epoch ms (a whole number); undefined if the value is no date. It is the
 * only reader of such dates. HTTP dates in headers are not its business.
 *
 * It accepts ISO 8601 and the forms that databases and languages write in its place:
 *
 * - a date (`2026-11-28`, `20261128`) or a month (`2026-11`), which mean their start;
 * - a date and a time (`2026-11-28T10:00:00.123Z`, `20261128T100000+0100`, `2026-11-28 10:00`), joined by `T`, `t` or spaces,
 *   with a fraction of any length after `.` or `,` that is cut to milliseconds;
 * - an offset `Z`, `z`, `UTC`, `GMT`, `+01`, `+0100` or `+01:00`. Without one, the time is UTC, whatever the time zone of the
 *   process;
 * - epoch seconds or milliseconds, as a number or as decimal text. From 1e11 on they are milliseconds (1973 in milliseconds,
 *   the year 5138 in seconds). Below 1e8 a number is no date: it is more often a counter, or a date in digits.
 *
 * Dates that are not in the calendar are none: 30 February, 24:01, the 61st second. Midnight may be 24:00, and a leap second
 * counts as the second after it. Years before 1900, which are placeholders for "no date", and after 9999 are none either.
 */
export function parseDate(value: unknown): number | undefined {
  if (typeof value === 'number') return parseText(String(value))
  return typeof value === 'string' && value.length <= maxLength ? parseText(value.trim()) : undefined
}

/** Whether a date that {@link parseDate} reads says more than its day, or month. */
export function hasTimeOfDay(value: unknown): boolean {
  const groups = calendar.exec(String(value).trim())?.groups
  return groups === undefined || groups['time'] !== undefined
}

/** Longer texts are no dates, whatever the length of a fraction. */
const maxLength = 200

const calendar =
  /^(?<year>\d{4})(?:-(?<month>\d\d)(?:-(?<day>\d\d))?|(?<basicMonth>\d\d)(?<basicDay>\d\d))(?:(?:[Tt]|\s+)(?<time>\d.*))?$/
const clock =
  /^(?<hour>\d\d)(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?\s*(?:[Zz]|UTC|GMT|(?<sign>[+\-\u2212])(?<offsetHour>\d\d)(?::?(?<offsetMinute>\d\d))?)?$/
const epoch = /^(?<whole>\d{9,15})(?:\.(?<fraction>\d+))?$/

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const firstEpoch = 1e8
/** From here on an epoch is in milliseconds. */
const firstEpochMs = 1e11
const earliest = Date.UTC(1900, 0)
const latest = Date.UTC(10_000, 0) - 1

function parseText(text: string): number | undefined {
  const instant = parseCalendar(text) ?? parseEpoch(text)
  return instant !== undefined && instant >= earliest && instant <= latest ? instant : undefined
}

function parseCalendar(text: string): number | undefined {
  const groups = calendar.exec(text)?.groups
  if (groups === undefined) return undefined
  const { year, month, day, basicMonth, basicDay, time } = groups
  // A month alone has no time of day.
  if (time !== undefined && (day ?? basicDay) === undefined) return undefined
  const startOfDay = dayOf(Number(year), Number(month ?? basicMonth), Number(day ?? basicDay ?? 1))
  const sinceMidnight = time === undefined ? 0 : parseClock(time)
  return startOfDay === undefined || sinceMidnight === undefined ? undefined : startOfDay + sinceMidnight
}

/** The start of a day of the calendar. */
function dayOf(year: number, month: number, day: number): number | undefined {
  const start = Date.UTC(year, month - 1, day)
  const date = new Date(start)
  // `Date.UTC` rolls over into the next month, and takes a year below 100 for one of the 20th century.
  const isOfCalendar = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1
  return isOfCalendar && date.getUTCDate() === day ? start : undefined
}

/** Milliseconds from midnight UTC; below 0 or above a day with an offset. */
function parseClock(text: string): number | undefined {
  const groups = clock.exec(text)?.groups
  if (groups === undefined) return undefined
  const [hour, minute, second, offsetHour, offsetMinute] = [
    groups['hour'],
    groups['minute'],
    groups['second'],
    groups['offsetHour'],
    groups['offsetMinute'],
  ].map((digits) => Number(digits ?? 0)) as [number, number, number, number, number]
  const isLeapSecond = second === 60 && minute === 59
  if (minute > 59 || (second > 59 && !isLeapSecond) || offsetHour > 23 || offsetMinute > 59) return undefined
  const ms = (hour * 60 + minute) * minuteMs + second * 1000 + toMs(groups['fraction'])
  if (ms > dayMs && !(isLeapSecond && hour === 23)) return undefined
  const offsetMs = (offsetHour * 60 + offsetMinute) * minuteMs
  return groups['sign'] === '+' ? ms - offsetMs : ms + offsetMs
}

/** The first three digits after the point. */
const toMs = (fraction = ''): number => Number(fraction.slice(0, 3).padEnd(3, '0'))

function parseEpoch(text: string): number | undefined {
  const groups = epoch.exec(text)?.groups
  const whole = Number(groups?.['whole'] ?? 0)
  if (whole < firstEpoch) return undefined
  return whole < firstEpochMs ? whole * 1000 + toMs(groups?.['fraction']) : whole
}

interface Dated {
  readonly trackstar_updated_date?: unknown
}

const secondMs = 1000
/** Later dates are placeholders. */
const latestChange = Date.UTC(2100, 0)

/** When a copy of a record was last changed, epoch ms; undefined if its date does not say. */
export function changeDateOf(copy: Dated): number | undefined {
  const time = parseDate(copy.trackstar_updated_date)
  return time !== undefined && time < latestChange ? time : undefined
}

/** The second in which a copy was last changed, as far as {@link orderOf} goes by it; undefined if its date does not say. */
export function changeSecondOf(copy: Dated): number | undefined {
  const time = hasTimeOfDay(copy.trackstar_updated_date) ? changeDateOf(copy) : undefined
  return time === undefined ? undefined : Math.floor(time / secondMs)
}

/**
 * Whether a copy of a record is newer or older than another one, by `trackstar_updated_date`; undefined if the dates do not
 * say. Upstream's dates are in whole seconds, so two copies of the same second are in no order, nor are copies of the same
 * day if one of them has a date without a time. A missing or unreadable date says nothing either, nor does one that no clock
 * shows yet, such as 9999-12-31: every later change would be older.
 */
export function orderOf(copy: Dated, other: Dated): 'newer' | 'older' | undefined {
  const time = changeDateOf(copy)
  const otherTime = changeDateOf(other)
  if (time === undefined || otherTime === undefined) return undefined
  const hasTimes = hasTimeOfDay(copy.trackstar_updated_date) && hasTimeOfDay(other.trackstar_updated_date)
  const precisionMs = hasTimes ? secondMs : dayMs
  const steps = Math.floor(time / precisionMs) - Math.floor(otherTime / precisionMs)
  if (steps === 0) return undefined
  return steps > 0 ? 'newer' : 'older'
}
