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
