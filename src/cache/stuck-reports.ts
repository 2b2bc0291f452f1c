import { parseDate } from '../records/dates.js'
import { isObject } from '../records/fields.js'
import { latest, type SyncSchedule } from '../records/sync-schedule.js'
import { type StuckSync, type SyncError, stuckError, toTime } from '../records/sync-state.js'
import { resourceNamed, type SyncedResource } from '../records/synced-resource.js'
import type { Clock } from '../trackstar/clock.js'

/** A report lasts this long if nothing shows that it is over. Without a new one, upstream's own state counts. */
const lastsMs = 24 * 3600_000

/** What a report is about; `connection` if it does not say. */
type Subject = SyncedResource | 'connection'

/** How far the schedules that a report is about have come, epoch ms. */
interface Progress {
  readonly syncedAt: number | undefined
  readonly dataAt: number | undefined
}

interface Report {
  readonly firstSeenAt: number
  /** When it ends, by the monotonic clock. */
  readonly until: number
  readonly dataAt: number | undefined
  /** The progress at the first read after the report; undefined until then. */
  before: Progress | undefined
}

/**
 * The webhooks that said a schedule is stuck. Upstream's state may not show it, and no webhook says that it is over, so a
 * report ends when a schedule that it is about has moved on since.
 */
export class StuckReports {
  readonly #reports = new Map<Subject, Report>()
  #current: readonly StuckSync[] | undefined

  constructor(private readonly clock: Clock) {}

  /** Notes what the `data` of a webhook said. */
  add(data: unknown): void {
    const subject = subjectOf(data)
    if (subject === 'other') return
    const firstSeenAt = this.#reports.get(subject)?.firstSeenAt ?? this.clock.now()
    const dataAt = isObject(data) ? parseDate(data['latest_data']) : undefined
    this.#reports.set(subject, { firstSeenAt, until: this.clock.elapsed() + lastsMs, dataAt, before: undefined })
    this.#current = undefined
  }

  /** Notes that a sync was completed, by the `data` of a webhook. */
  complete(data: unknown): void {
    const subject = subjectOf(data)
    if (subject === 'other') return
    for (const reported of this.#reports.keys()) {
      if (subject === 'connection' || reported === subject || reported === 'connection') this.#delete(reported)
    }
  }

  /** Ends the reports that a newer state of the schedules refutes. */
  observe(schedules: readonly SyncSchedule[]): void {
    for (const [subject, report] of this.#reports) {
      const progress = progressOf(schedules.filter(({ resource }) => subject === 'connection' || resource === subject))
      const { before, dataAt } = report
      const hasMovedOn =
        before !== undefined && (isLater(progress.syncedAt, before.syncedAt) || isLater(progress.dataAt, before.dataAt))
      // A delivery may be late.
      const isOutdated = dataAt !== undefined && isLater(progress.dataAt, dataAt)
      if (hasMovedOn || isOutdated) this.#delete(subject)
      else report.before ??= progress
    }
  }

  /** The reports that are not over. It is the same list until one begins or ends. */
  get current(): readonly StuckSync[] {
    const now = this.clock.elapsed()
    for (const [subject, { until }] of this.#reports) if (now >= until) this.#delete(subject)
    this.#current ??= Array.from(this.#reports, ([subject, report]) => ({
      resource: subject === 'connection' ? undefined : subject,
      error: errorOf(subject, report),
    }))
    return this.#current
  }

  #delete(subject: Subject): void {
    if (this.#reports.delete(subject)) this.#current = undefined
  }
}

function errorOf(subject: Subject, { firstSeenAt, dataAt }: Report): SyncError {
  const what = subject === 'connection' ? 'A sync of the connection' : `The sync of ${subject}`
  const data = dataAt === undefined ? '' : `; its latest data is of ${toTime(dataAt)}`
  return stuckError(`${what} is stuck${data}`, firstSeenAt)
}

/** What a webhook is about: a function, or a resource, maybe within the schedule. */
function subjectOf(data: unknown): Subject | 'other' {
  if (!isObject(data)) return 'connection'
  const { function_name: functionName, functions_to_sync: functions, resource, schedule } = data
  const nested = isObject(schedule) ? (schedule['function_name'] ?? schedule['resource']) : schedule
  const named = [functionName ?? resource ?? nested ?? functions].flat()
  return (named.length === 1 ? resourceNamed(named[0]) : undefined) ?? 'connection'
}

const progressOf = (schedules: readonly SyncSchedule[]): Progress => ({
  syncedAt: schedules.map(({ syncedAt }) => syncedAt).reduce(latest, undefined),
  dataAt: schedules.map(({ dataAt }) => dataAt).reduce(latest, undefined),
})

/** Whether a time is known, and later than one that may be unknown. */
const isLater = (time: number | undefined, other: number | undefined): boolean =>
  time !== undefined && (other === undefined || time > other)
