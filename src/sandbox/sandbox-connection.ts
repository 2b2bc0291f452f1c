import { ApiError } from './api-error.js'
import { type Announce, changedAttributes, touch, upstreamTime } from './record-changes.js'
import type { Resource, SandboxData } from './sandbox-data.js'

/** A problem of a connection, such as a changed password. */
export interface SandboxConnectionError {
  id?: string
  error_message: string
  affected_endpoints: { endpoint: string; preventing_sync: boolean }[]
  first_seen: string
  last_seen: string
}

/** The body of `GET /connections/{connection_id}`. */
export interface SandboxConnection {
  id: string
  integration_name: string
  /** Whether the historical sync is complete, by function name. Until then upstream has no records of the function. */
  historical_sync_completed: Record<string, boolean>
  /** `sync_frequency` is in seconds. */
  sync_schedules: { function_name: string; latest_sync: string | null; sync_frequency: number; in_progress: boolean }[]
  errors: SandboxConnectionError[]
  available_actions: string[]
}

const hourSeconds = 3600
const syncFrequencies = { get_products: hourSeconds, get_inventory: hourSeconds, get_warehouses: 12 * hourSeconds }

/** A connection without errors, last synced at `now`. */
export const newConnection = (id: string, now: number): SandboxConnection => ({
  id,
  integration_name: 'sandbox',
  historical_sync_completed: { get_products: true, get_inventory: true, get_warehouses: true },
  sync_schedules: Object.entries(syncFrequencies).map(([function_name, sync_frequency]) => ({
    function_name,
    latest_sync: upstreamTime(now),
    sync_frequency,
    in_progress: false,
  })),
  errors: [],
  available_actions: [...Object.keys(syncFrequencies), 'get_warehouse_locations', 'adjust_inventory'],
})

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
  for (const schedule of schedules) schedule.latest_sync = upstreamTime(now)
  return { id: connection.id, data: { functions_to_sync: names as unknown[] }, unused_fields: [] }
}

const resources: readonly Resource[] = ['products', 'inventory', 'warehouses']
const historyMs = 30 * 86_400_000

/** A new connection error. By default it affects no endpoint. */
export interface NewConnectionError {
  error_message: string
  affected_endpoints?: SandboxConnectionError['affected_endpoints']
}

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
      this.#updateSchedule(resource, { latest_sync: null, in_progress: true })
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
      this.#updateSchedule(resource, { latest_sync: now, in_progress: false })
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
  addError({ error_message, affected_endpoints = [] }: NewConnectionError): string {
    const now = upstreamTime(this.#now())
    const id = `err_${++this.#errorCount}`
    const error = { id, error_message, affected_endpoints, first_seen: now, last_seen: now }
    this.#data.connection.errors.push(error)
    this.#announce('connection-error.created', error)
    return id
  }

  /** Sets `last_seen` of an error to now, and other fields to `patch`. Sends `connection-error.updated`. Throws on an unknown id. */
  changeError(id: string, patch: Partial<NewConnectionError> = {}): void {
    const error = this.#getError(id)
    const before = structuredClone(error)
    Object.assign(error, patch, { last_seen: upstreamTime(this.#now()) })
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

  #updateSchedule(resource: Resource, state: { latest_sync: string | null; in_progress: boolean }): void {
    const { sync_schedules: schedules } = this.#data.connection
    Object.assign(schedules.find(({ function_name }) => function_name === `get_${resource}`) ?? {}, state)
  }
}
