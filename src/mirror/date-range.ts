import type { Filters } from '../trackstar/query.js'

/** The dates from `from` up to but not including `to`, in epoch ms: whole seconds, as upstream's dates are. */
export interface DateRange {
  /** Undefined: from the beginning of time. */
  readonly from: number | undefined
  /** Undefined: to the end of time. */
  readonly to: number | undefined
}

const secondMs = 1000
const dayMs = 24 * 3600_000
/** Few records are older. */
const earliest = Date.UTC(2010, 0)

/**
 * Ranges that make up all dates, or all from a date on. Those at the ends are open, and have few records or none.
 * @param since the date from which on, epoch ms. Default: all dates
 * @param now the present, epoch ms
 */
export function rangesFrom(since: number | undefined, now: number): DateRange[] {
  const tomorrow = Math.ceil((now + dayMs) / secondMs) * secondMs
  if (since !== undefined && since >= tomorrow) return [{ from: since, to: undefined }]
  const first = since === undefined ? [{ from: undefined, to: earliest }] : []
  return [...first, { from: since ?? earliest, to: tomorrow }, { from: tomorrow, to: undefined }]
}

/** The earlier and the later half of a range; undefined if it is open, or one second. */
export function halvesOf({ from, to }: DateRange): readonly [DateRange, DateRange] | undefined {
  if (from === undefined || to === undefined || to - from <= secondMs) return undefined
  const middle = from + Math.ceil((to - from) / 2 / secondMs) * secondMs
  return [
    { from, to: middle },
    { from: middle, to },
  ]
}

/** The same ranges, in which those of `others` are ranges of their own. */
export function splitAround(ranges: readonly DateRange[], others: readonly DateRange[]): DateRange[] {
  const edges = others.flatMap(({ from, to }) => [from, to].filter((edge) => edge !== undefined))
  return ranges.flatMap(({ from, to }) => {
    const within = edges.filter(
      (edge) => edge > (from ?? Number.NEGATIVE_INFINITY) && edge < (to ?? Number.POSITIVE_INFINITY),
    )
    const bounds = [from, ...[...new Set(within)].sort((a, b) => a - b), to]
    return bounds.slice(1).map((end, index) => ({ from: bounds[index], to: end }))
  })
}

/** Whether a range is one of those. */
export const isIn = ({ from, to }: DateRange, ranges: readonly DateRange[]): boolean =>
  ranges.some((range) => range.from === from && range.to === to)

/** The filters of a list by which upstream returns the records of a range. */
export const filtersOf = ({ from, to }: DateRange): Filters => ({
  ...(from !== undefined && { 'trackstar_updated_date[gte]': toUpstreamDate(from) }),
  ...(to !== undefined && { 'trackstar_updated_date[lt]': toUpstreamDate(to) }),
})

/** Whether a date is within a range, or not known. */
export const isWithin = ({ from, to }: DateRange, date: number | undefined): boolean =>
  date === undefined || (date >= (from ?? date) && (to === undefined || date < to))

/** A time as upstream writes it: without milliseconds, cut off. */
export const toUpstreamDate = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
