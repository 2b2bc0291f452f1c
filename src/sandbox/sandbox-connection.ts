import { ApiError } from './api-error.js'
import { type Announce, changedAttributes, touch, upstreamTime } from './record-changes.js'
import type { Resource, SandboxData } from './sandbox-data.js'

/** A problem of a connection, such as a changed password. Newer ones have a type and a resource instead of endpoints. */
export interface SandboxConnectionError {
  id?: string
  error_message?: string
  affected_endpoints?: { endpoint: string; preventing_sync: boolean }[]
  error_type?: 'invalid_credentials' | 'missing_permission'
  resource?: string
  message?: string
  first_seen?: string
  last_seen?: string
}

/** When upstream syncs with the warehouse system. */
export interface SandboxSchedule {
  function_name: string
  latest_sync: string | null
  /** In seconds. */
  sync_frequency: number
  in_progress: boolean
  /** Only of a schedule that does not run. */
  sync_status?: 'paused'
}

/** The body of `GET /connections/{connection_id}`. */
export interface SandboxConnection {
  id: string
  integration_name: string
  /** Whether the historical sync is complete, by function name. Until then upstream has no records of the function. */
  historical_sync_completed: Record<string, boolean>
  sync_schedules: SandboxSchedule[]
  errors: SandboxConnectionError[]
  available_actions: string[]
}

const hourSeconds = 3600
const syncFrequencies = { get_products: hourSeconds, get_inventory: hourSeconds, get_warehouses: 12 * hourSeconds }

/** The latest sync of each schedule, unless a test has set it or the schedule does not run. */
const ownSyncs = new WeakMap<SandboxSchedule, { readonly time: string; readonly at: number }>()

/** A connection without errors, last synced at `now`. */
export function newConnection(id: string, now: number): SandboxConnection {
  const schedules = Object.entries(syncFrequencies).map(
    ([function_name, sync_frequency]): SandboxSchedule => ({
      function_name,
      latest_sync: null,
      sync_frequency,
      in_progress: false,
    }),
  )
  for (const schedule of schedules) setSynced(schedule, now)
  return {
    id,
    integration_name: 'sandbox',
    historical_sync_completed: { get_products: true, get_inventory: true, get_warehouses: true },
    sync_schedules: schedules,
    errors: [],
    available_actions: [...Object.keys(syncFrequencies), 'get_warehouse_locations', 'adjust_inventory'],
  }
}

function setSynced(schedule: SandboxSchedule, at: number): void {
  const time = upstreamTime(at)
  schedule.latest_sync = time
  ownSyncs.set(schedule, { time, at })
}

/** Makes up for the syncs that were due by `now`. A schedule that does not run, or was set by a test, stays as it is. */
export function runSchedules(connection: SandboxConnection, now: number): void {
  for (const schedule of connection.sync_schedules) {
    const last = ownSyncs.get(schedule)
    if (last === undefined || last.time !== schedule.latest_sync) continue
    const frequencyMs = schedule.sync_frequency * 1000
    const due = Math.floor((now - last.at) / frequencyMs)
    if (due > 0) setSynced(schedule, last.at + due * frequencyMs)
  }
}

/**
 * `POST /connections/sync`: syncs the named functions at once and updates their schedules.
 * @throws {ApiError} 422 for a body without function names, or with the name of a function that has no schedule
 */
export function syncNow(connection: SandboxConnection, body: unknown, now: number) {
  const names: unknown = Object(body).functions_to_sync
  if (!Array.isArray(names) || names.length === 0) {
    throw new ApiError(422, 'functions_to_sync: expected a list of function names')
  }
  const schedules = names.map((name: unknown) => {
    const schedule = connection.sync_schedules.find(({ function_name }) => function_name === name)
    if (!schedule) throw new ApiError(422, `functions_to_sync: unknown function: ${String(name)}`)
    return schedule
  })
  for (const schedule of schedules) setSynced(schedule, now)
  return { id: connection.id, data: { functions_to_sync: names as unknown[] }, unused_fields: [] }
}

const resources: readonly Resource[] = ['products', 'inventory', 'warehouses']
const historyMs = 30 * 86_400_000

/** A new connection error, in the older shape or in the newer one. By default one of the older shape affects no endpoint. */
export type NewConnectionError =
  | { error_message: string; affected_endpoints?: { endpoint: string; preventing_sync: boolean }[] }
  | { error_type: 'invalid_credentials' | 'missing_permission'; resource?: string; message?: string }

/** Changes the connection itself, and announces each change. */
export class ConnectionChanges {
  readonly #data: SandboxData
  readonly #now: () => number
  readonly #announce: Announce
  #errorCount = 0

  constructor(data: SandboxData, now: () => number, announce: Announce) {
    this.#data = data
    this.#now = now
    this.#announce = announce
  }

  /** Starts the historical sync of some resources, or of all: until it is complete, their lists are empty. Sends no event. */
  beginHistoricalSync(...some: Resource[]): void {
    for (const resource of some.length > 0 ? some : resources) {
      this.#data.connection.historical_sync_completed[`get_${resource}`] = false
      Object.assign(this.#findSchedule(resource) ?? {}, { latest_sync: null, in_progress: true })
    }
  }

  /**
   * Completes the historical sync of some resources, or of all, if it is running. Their records appear and get the current
   * time as Trackstar's dates. Sends `connection.historical-sync-completed` for each resource.
   */
  finishHistoricalSync(...some: Resource[]): void {
    const { historical_sync_completed: completed } = this.#data.connection
    for (const resource of some.length > 0 ? some : resources) {
      if (completed[`get_${resource}`] !== false) continue
      const now = upstreamTime(this.#now())
      completed[`get_${resource}`] = true
      const schedule = this.#findSchedule(resource)
      if (schedule !== undefined) {
        schedule.in_progress = false
        setSynced(schedule, this.#now())
      }
      for (const record of this.#data[resource].values()) {
        const { updated_date } = record
        touch(record, this.#now())
        Object.assign(record, { updated_date, trackstar_created_date: record.trackstar_updated_date })
      }
      const oldest = upstreamTime(this.#now() - historyMs)
      const data = { resource, oldest_data_date: oldest, newest_data_date: now }
      this.#announce('connection.historical-sync-completed', data)
    }
  }

  /** Adds an error and returns its id. Sends `connection-error.created`. */
  addError(given: NewConnectionError): string {
    const now = upstreamTime(this.#now())
    const id = `err_${++this.#errorCount}`
    const error: SandboxConnectionError =
      'error_type' in given
        ? { id, ...given }
        : { id, affected_endpoints: [], ...given, first_seen: now, last_seen: now }
    this.#data.connection.errors.push(error)
    this.#announce('connection-error.created', error)
    return id
  }

  /** Pauses the sync of a resource. Sends no event. */
  pauseSchedule(resource: Resource): void {
    const schedule = this.#getSchedule(resource)
    schedule.sync_status = 'paused'
    ownSyncs.delete(schedule)
  }

  /** Stops the sync of a resource, without an error. Sends `connection.schedule-stuck`. */
  stickSchedule(resource: Resource): void {
    const schedule = this.#getSchedule(resource)
    ownSyncs.delete(schedule)
    const { function_name, latest_sync: latest_data } = schedule
    this.#announce('connection.schedule-stuck', { function_name, latest_data })
  }

  /** Syncs a resource now, and by its schedule from now on. Sends no event. */
  resumeSchedule(resource: Resource): void {
    const schedule = this.#getSchedule(resource)
    delete schedule.sync_status
    setSynced(schedule, this.#now())
  }

  /** Sets `last_seen` of an older error to now, and other fields to `patch`. Sends `connection-error.updated`. Throws on an unknown id. */
  changeError(id: string, patch: Partial<NewConnectionError> = {}): void {
    const error = this.#getError(id)
    const before = structuredClone(error)
    const seen = error.error_type === undefined ? { last_seen: upstreamTime(this.#now()) } : {}
    Object.assign(error, patch, seen)
    this.#announce('connection-error.updated', error, changedAttributes(before, error))
  }

  /** Removes an error. Sends `connection-error.deleted`. Throws on an unknown id. */
  removeError(id: string): void {
    const error = this.#getError(id)
    const { errors } = this.#data.connection
    errors.splice(errors.indexOf(error), 1)
    this.#announce('connection-error.deleted', error)
  }

  #getError(id: string): SandboxConnectionError {
    const error = this.#data.connection.errors.find((candidate) => candidate.id === id)
    if (error === undefined) throw new Error(`There is no connection error ${id}`)
    return error
  }

  #findSchedule(resource: Resource): SandboxSchedule | undefined {
    return this.#data.connection.sync_schedules.find(({ function_name }) => function_name === `get_${resource}`)
  }

  #getSchedule(resource: Resource): SandboxSchedule {
    const schedule = this.#findSchedule(resource)
    if (schedule === undefined) throw new Error(`There is no schedule of ${resource}`)
    return schedule
  }
}
