import { parseDate } from './dates.js'
import { flagOf, isObject, objectsIn, textOf } from './fields.js'
import { latest, overdueAt, parseSchedules, type SyncSchedule } from './sync-schedule.js'
import { resourceNamed, type SyncedResource } from './synced-resource.js'

/** The state of Trackstar's own copy of the warehouse system. */
export interface SyncState {
  /** When Trackstar last synced inventory, ISO 8601 UTC; null if unknown. */
  readonly syncedAt: string | null
  readonly errors: readonly SyncError[]
  /** The resources whose first sync is not finished: their lists may be partial. */
  readonly incomplete: readonly string[]
}

/** The state as upstream reports it, with the schedules, from which more can be wrong than the errors say. */
export interface ReportedSyncState extends SyncState {
  readonly schedules: readonly SyncSchedule[]
}

/** An error between Trackstar and the warehouse system. Times are ISO 8601 UTC. */
export interface SyncError {
  readonly message: string
  /** Whether it prevents the sync of a resource that stock depends on. */
  readonly preventing_sync: boolean
  readonly first_seen: string | null
  readonly last_seen: string | null
}

/** The upstream functions whose first run fills the resources that stock depends on. */
const resourceOf: ReadonlyMap<string, string> = new Map([
  ['get_products', 'products'],
  ['get_inventory', 'inventory'],
])

/**
 * Parses a response of `/connections/{id}`. `data` may be the object or a list of one; returns undefined if it is neither.
 * What is in it may have any type: parts that cannot be read are ignored.
 */
export function parseSyncState(body: unknown): ReportedSyncState | undefined {
  const data = isObject(body) ? body['data'] : undefined
  const connection: unknown = Array.isArray(data) ? data[0] : data
  if (!isObject(connection)) return undefined
  const { historical_sync_completed: completed } = connection
  const schedules = parseSchedules(connection['sync_schedules'])
  const syncedAt = schedules
    .filter(({ resource }) => resource === 'inventory')
    .map(({ statedAt }) => statedAt)
    .reduce(latest, undefined)
  return {
    syncedAt: syncedAt === undefined ? null : toTime(syncedAt),
    errors: objectsIn(connection['errors']).map((error) => ({
      message: cut(messageOf(error)),
      preventing_sync: isPreventingSync(error),
      first_seen: timeOf(error['first_seen']),
      last_seen: timeOf(error['last_seen']),
    })),
    incomplete: Object.entries(isObject(completed) ? completed : {}).flatMap(([name, done]) => {
      const resource = resourceOf.get(name)
      return resource !== undefined && done === false ? [resource] : []
    }),
    schedules,
  }
}

/** Most errors of a connection that are shown. They are in every stock. */
const maxErrors = 20
/** Longest message of an error, in characters. */
const maxMessage = 500

const cut = (message: string): string => (message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message)

/** Each error once, and no more than fit in a response: those that prevent a sync first, if there are too many. */
export function withoutExcess(errors: readonly SyncError[]): readonly SyncError[] {
  const distinct = [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
  if (distinct.length <= maxErrors) return distinct
  const preventing = distinct.filter((error) => error.preventing_sync)
  const others = distinct.filter((error) => !error.preventing_sync)
  return [...preventing, ...others].slice(0, maxErrors)
}

/** A sync that does not run, as an error, because upstream has none for it. */
export interface StuckSync {
  /** Undefined if it is not known which sync it is. */
  readonly resource: SyncedResource | undefined
  readonly error: SyncError
}

/**
 * The schedules that are paused or overdue.
 * @param now upstream's time, epoch ms
 */
export const stuckSchedules = (schedules: readonly SyncSchedule[], now: number): StuckSync[] =>
  schedules.flatMap((schedule) => {
    const { resource, syncedAt, frequencyMs, isPaused } = schedule
    const at = overdueAt(schedule)
    const since = at !== undefined && at < now ? at : undefined
    if (!isPaused && since === undefined) return []
    const state = isPaused ? 'is paused or stuck' : `is overdue, it is due every ${frequencyMs / 1000} s`
    const lastSync = syncedAt === undefined ? '' : `; the latest one was at ${toTime(syncedAt)}`
    return [{ resource, error: stuckError(`The sync of ${resource} ${state}${lastSync}`, since) }]
  })

/** The error of a sync that does not run. */
export const stuckError = (message: string, since: number | undefined): SyncError => ({
  message,
  preventing_sync: true,
  first_seen: since === undefined ? null : toTime(since),
  last_seen: null,
})

type Fields = Readonly<Record<string, unknown>>

/** What an error of the newer shape is about, and the message of either. */
function messageOf(error: Fields): string {
  const [type, resource] = [textOf(error['error_type']), resourcesOf(error).join(', ')]
  const text = textOf(error['error_message']) || textOf(error['message'])
  const about = [type, resource].filter(Boolean).join(' for ')
  if (about === '' || !text) return text || about || 'unnamed error'
  return `${about}: ${text}`
}

/** The names in `resource`, which may be a list. */
const resourcesOf = (error: Fields): string[] => [error['resource']].flat().flatMap((name) => textOf(name) || [])

/**
 * Whether an error prevents the sync of what stock depends on. An error of the older shape says so for each endpoint. One
 * of the newer shape prevents the sync of its resource, or of all of them if it names none.
 */
function isPreventingSync(error: Fields): boolean {
  const endpoints = objectsIn(error['affected_endpoints'])
  const stated = endpoints.flatMap(({ endpoint, preventing_sync: prevents }) =>
    resourceNamed(endpoint) === 'other' ? [] : (flagOf(prevents) ?? []),
  )
  if (stated.length > 0) return stated.includes(true)
  const resources = resourcesOf(error)
  if (resources.length === 0 && !textOf(error['error_type'])) return false
  const names = resources.length > 0 ? resources : endpoints.map(({ endpoint }) => endpoint)
  return names.length === 0 || names.some((name) => resourceNamed(name) !== 'other')
}

/** A date as ISO 8601 UTC to the second; null if it is none. */
function timeOf(value: unknown): string | null {
  const time = parseDate(value)
  return time === undefined ? null : toTime(time)
}

/** An instant, epoch ms, as ISO 8601 UTC to the second. */
export const toTime = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`
