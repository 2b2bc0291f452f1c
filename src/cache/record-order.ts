import { hasTimeOfDay, parseDate } from '../records/dates.js'

interface Dated {
  readonly trackstar_updated_date?: unknown
}

const secondMs = 1000
const dayMs = 86_400_000

/**
 * Whether a copy of a record is newer or older than another one, by `trackstar_updated_date`; undefined if the dates do not
 * say. Upstream's dates are in whole seconds, so two copies of the same second are in no order, nor are copies of the same
 * day if one of them has a date without a time. A missing or unreadable date says nothing either.
 */
export function orderOf(copy: Dated, other: Dated): 'newer' | 'older' | undefined {
  const time = parseDate(copy.trackstar_updated_date)
  const otherTime = parseDate(other.trackstar_updated_date)
  if (time === undefined || otherTime === undefined) return undefined
  const hasTimes = hasTimeOfDay(copy.trackstar_updated_date) && hasTimeOfDay(other.trackstar_updated_date)
  const precisionMs = hasTimes ? secondMs : dayMs
  const steps = Math.floor(time / precisionMs) - Math.floor(otherTime / precisionMs)
  if (steps === 0) return undefined
  return steps > 0 ? 'newer' : 'older'
}
