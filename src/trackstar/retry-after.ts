import type { UpstreamAnswer } from './transport.js'

/** The wait if upstream does not say how long, or nothing that can be read: the span that upstream counts calls in. */
const defaultMs = 1000
/** A longer wait is cut to this. */
const maxMs = 60_000
/** A wait as long as this is a mistake, for example a time in epoch seconds, and cannot be read. */
const absurdMs = 365 * 24 * 3600_000

/**
 * How long upstream asks to wait after a 429 or 503, in ms. It is the only reader of `Retry-After` (RFC 9110, 10.2.3).
 *
 * It accepts seconds, with a fraction too, and HTTP dates that have not passed, by upstream's own `Date`. `0` means at
 * once. Upstream's own older header replaces a missing `Retry-After`. If there is none, or none that can be read, such
 * as `-1`, `soon` or a date that has passed, it is one second. It is 60 seconds at most.
 *
 * On any other status the header means nothing: upstream sends it with every answer.
 * @param wallMs the local time, for an answer without `Date`
 */
export function retryAfterMs(answer: UpstreamAnswer, wallMs: number): number {
  if (!isAboutLoad(answer)) return defaultMs
  const now = sentAt(answer) ?? wallMs
  for (const value of waits(answer)) {
    const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : (parseHttpDate(value) ?? Number.NaN) - now
    const isDatePassed = ms <= 0 && Number.isNaN(Number(value))
    if (ms >= 0 && ms < absurdMs && !isDatePassed) return Math.min(maxMs, ms)
  }
  return defaultMs
}

/**
 * How long upstream asks this service to pause all calls, in ms.
 *
 * After a 429 that is {@link retryAfterMs}, and after a 503 as well, if it has the header. A 503 without it may be about
 * one request. `X-RateLimit-Remaining: 0` counts on any other answer: until the reset, by upstream's own `Date`, and for
 * one second at most. It is ignored if it is no news: the reset is in whole seconds, and waiting for it would cost a third
 * of the rate.
 * @param wallMs the local time, for an answer without `Date`
 * @param isExpected whether the rate limiter knows that no calls remain
 */
export function pauseMs(answer: UpstreamAnswer, wallMs: number, isExpected: boolean): number {
  if (answer.status === 429 || (answer.status === 503 && waits(answer).length > 0)) return retryAfterMs(answer, wallMs)
  const [remaining] = values(answer, 'x-ratelimit-remaining')
  const [reset] = values(answer, 'x-ratelimit-reset')
  if (isExpected || !remaining || !(Number(remaining) <= 0) || !reset) return 0
  const wait = Number(reset) * 1000 - (sentAt(answer) ?? wallMs)
  return Number.isFinite(wait) ? Math.min(1000, Math.max(0, wait)) : 0
}

/** Upstream's time in epoch ms, so that its clock and ours need not agree; undefined without a valid `Date`. */
export function sentAt(answer: UpstreamAnswer): number | undefined {
  const [date] = values(answer, 'date')
  return date === undefined ? undefined : parseHttpDate(date)
}

const isAboutLoad = ({ status }: UpstreamAnswer) => status === 429 || status === 503

const waits = (answer: UpstreamAnswer): readonly string[] => [
  ...values(answer, 'retry-after'),
  ...values(answer, 'x-rate-limit-retry-after'),
]

/** The values of a header, one for each line of it. */
function values(answer: UpstreamAnswer, name: string): readonly string[] {
  return [answer.headers[name] ?? []].flat().map((value) => value.trim())
}

/**
 * The instant of an HTTP date in epoch ms; undefined if the text is none. It reads the three forms of RFC 9110, 5.6.7,
 * which are always in UTC, whatever the time zone of the process. The day of the week is not checked.
 * @param nowMs for the two-digit year of RFC 850: the latest such year that is at most 50 years ahead. Default: the local time
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | undefined {
  const groups = forms.map((form) => form.exec(text.trim())?.groups).find((found) => found !== undefined)
  if (groups === undefined) return undefined
  const numberOf = (name: string) => Number(groups[name])
  const day = numberOf('day')
  const monthIndex = months.indexOf(groups['month'] ?? '')
  const year = groups['shortYear'] === undefined ? numberOf('year') : fullYear(numberOf('shortYear'), nowMs)
  // `Date.UTC` rolls over: 31 February is a day in March, and the month -1 of an unknown name is a December.
  if (new Date(Date.UTC(year, monthIndex, day)).getUTCMonth() !== monthIndex) return undefined
  return Date.UTC(year, monthIndex, day, numberOf('hour'), numberOf('minute'), numberOf('second'))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const forms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60) (?:GMT|UTC)$/,
  // Sunday, 06-Nov-94 08:49:37 GMT (RFC 850)
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<shortYear>\d\d) (?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60) (?:GMT|UTC)$/,
  // Sun Nov  6 08:49:37 1994 (asctime)
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60) (?<year>\d{4})$/,
]

function fullYear(shortYear: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + shortYear
  return year > thisYear + 50 ? year - 100 : year
}
