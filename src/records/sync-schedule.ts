import { parseDate } from './dates.js'
import { objectsIn, quantityOf, textOf } from './fields.js'
import { resourceNamed, type SyncedResource } from './synced-resource.js'

/** One of the schedules by which upstream copies a resource that stock depends on. Times are epoch ms. */
export interface SyncSchedule {
  readonly resource: SyncedResource
  /** When upstream says that the resource was last synced, by the first field that says so. */
  readonly statedAt: number | undefined
  /** When a sync last ended, by whichever field is later; undefined if upstream does not say. */
  readonly syncedAt: number | undefined
  /** The newest data that a sync brought. It may be long ago although the syncs are on time. */
  readonly dataAt: number | undefined
  readonly frequencyMs: number
  readonly isPaused: boolean
}

const secondMs = 1000
const daySeconds = 86_400
/** Assumed if upstream does not say how often a resource is synced. */
const defaultSeconds = daySeconds
/** Longer frequencies are in milliseconds. */
const longestSeconds = 7 * daySeconds
/** A schedule is overdue after this many times its frequency. */
const overdueAfter = 3

/** The schedules of a connection. Those of resources that stock does not depend on, or without a name, are ignored. */
export const parseSchedules = (value: unknown): readonly SyncSchedule[] =>
  objectsIn(value).flatMap((schedule) => {
    const resource = resourceNamed(schedule['function_name'] ?? schedule['resource'])
    if (resource === undefined || resource === 'other') return []
    const [synced, crawled, dataAt] = ['latest_sync', 'last_crawl_end', 'latest_data'].map((name) =>
      parseDate(schedule[name]),
    )
    return [
      {
        resource,
        statedAt: synced ?? crawled ?? dataAt,
        syncedAt: latest(synced, crawled),
        dataAt,
        frequencyMs: frequencySeconds(schedule['sync_frequency']) * secondMs,
        isPaused: isPaused(schedule),
      },
    ]
  })

/** When a schedule is overdue; undefined if it was not synced yet, so that its first sync is unfinished. */
export const overdueAt = ({ syncedAt, frequencyMs }: SyncSchedule): number | undefined =>
  syncedAt === undefined ? undefined : syncedAt + overdueAfter * frequencyMs

/** The later of two times that may be unknown. */
export const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: daySeconds }
const withUnit = /^\s*(\d+(?:\.\d+)?)\s*(s|m|h|d)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?|ays?)?\s*$/i

/** A frequency in seconds, as documented, or with a unit (`90 min`, `1h`). */
function frequencySeconds(value: unknown): number {
  const [, count, unit = ''] = (typeof value === 'string' && withUnit.exec(value)) || []
  const seconds =
    count === undefined ? (quantityOf(value) ?? 0) : Number(count) * (units[unit.toLowerCase()] ?? defaultSeconds)
  if (seconds <= 0) return defaultSeconds
  return seconds > longestSeconds ? seconds / 1000 : seconds
}

/** Upstream documents no field for it, so each that can say it counts. */
function isPaused(schedule: Readonly<Record<string, unknown>>): boolean {
  const { sync_status: syncStatus, status, paused, is_paused: alsoPaused, enabled } = schedule
  const isSaid = [syncStatus, status].some((state) => /paus|stuck|stall|suspend|disabled/i.test(textOf(state) ?? ''))
  return isSaid || paused === true || alsoPaused === true || enabled === false
}
