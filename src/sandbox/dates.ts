/** A time as upstream writes it: UTC, whole seconds. */
export const upstreamTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** The dates of a record that say when it last changed. */
export interface Dated {
  updated_date?: string | null
  trackstar_updated_date?: string | null
}

/** Dates a record now, and in any case a second later than before: a date tells which of two copies is the newer. */
export function touch(record: Dated, now: number): void {
  const earliest = Date.parse(record.trackstar_updated_date ?? '') + 1000
  record.trackstar_updated_date = upstreamTime(Math.max(now, earliest || now))
  record.updated_date = record.trackstar_updated_date
}
