import { ApiError } from './api-error.js'
import { type Announce, changedAttributes, touch, upstreamTime } from './record-changes.js'
import type { Resource, SandboxData } from './sandbox-data.js'

/** What keeps a connection from working as it should. */
export interface SandboxConnectionError {
  id?: string
  error_message: string
  affected_endpoints: { endpoint: string; preventing_sync: boolean }[]
  first_seen: string
  last_seen: string
}

/** What `GET /connections/{connection_id}` tells of a connection. */
export interface SandboxConnection {
  id: string
  integration_name: string
  /** Function name → whether the first copy of it is finished. While it is false, there are no records of it. */
  historical_sync_completed: Record<string, boolean>
  sync_schedules: { function_name: string; latest_sync: string | null; sync_frequency: number; in_progress: boolean }[]
  errors: SandboxConnectionError[]
  available_actions: string[]
}

const hour = 3600
const frequencies = { get_products: hour, get_inventory: hour, get_warehouses: 12 * hour }

/** A connection that is in good order and was last copied at `now`. */
export const newConnection = (id: string, now: number): SandboxConnection => ({
  id,
  integration_name: 'sandbox',
  historical_sync_completed: { get_products: true, get_inventory: true, get_warehouses: true },
  sync_schedules: Object.entries(frequencies).map(([function_name, sync_frequency]) => ({
    function_name,
    latest_sync: upstreamTime(now),
    sync_frequency,
    in_progress: false,
  })),
  errors: [],
  available_actions: [...Object.keys(frequencies), 'get_warehouse_locations', 'adjust_inventory'],
})

/**
 * `POST /connections/sync`: copies the named functions at once, so their schedules tell `now`. Refuses with a 422 a
 * body without names and a name that has no schedule.
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
const lookBackMs = 30 * 86_400_000

/** What is said of a new error; it affects nothing unless it says so. */
export interface NewConnectionError {
  error_message: string
  affected_endpoints?: SandboxConnectionError['affected_endpoints']
}

/** Changes of the connection itself, each announced. */
export class ConnectionChanges {
  readonly #data: SandboxData
  readonly #now: () => number
  readonly #announce: Announce
  #errors = 0

  constructor(data: SandboxData, now: () => number, announce: Announce) {
    this.#data = data
    this.#now = now
    this.#announce = announce
  }

  /** Makes the first copy of these resources, or of all, be under way still: their lists are empty. Not announced. */
  beginHistoricalSync(...some: Resource[]): void {
    for (const resource of some.length > 0 ? some : resources) {
      this.#data.connection.historical_sync_completed[`get_${resource}`] = false
      this.#schedule(resource, { latest_sync: null, in_progress: true })
    }
  }

  /**
   * Finishes the first copy of these resources, or of all, where it is under way: their records are there, and dated
   * now, for only now did Trackstar come by them. One `connection.historical-sync-completed` for each resource.
   */
  finishHistoricalSync(...some: Resource[]): void {
    const { historical_sync_completed: completed } = this.#data.connection
    for (const resource of some.length > 0 ? some : resources) {
      if (completed[`get_${resource}`] !== false) continue
      const now = upstreamTime(this.#now())
      completed[`get_${resource}`] = true
      this.#schedule(resource, { latest_sync: now, in_progress: false })
      for (const record of this.#data[resource].values()) {
        const { updated_date } = record
        touch(record, this.#now())
        Object.assign(record, { updated_date, trackstar_created_date: record.trackstar_updated_date })
      }
      const oldest = upstreamTime(this.#now() - lookBackMs)
      const data = { resource, oldest_data_date: oldest, newest_data_date: now }
      this.#announce('connection.historical-sync-completed', data)
    }
  }

  /** Gives the connection an error, and gives its id. `connection-error.created`. */
  addError({ error_message, affected_endpoints = [] }: NewConnectionError): string {
    const now = upstreamTime(this.#now())
    const id = `err_${++this.#errors}`
    const error = { id, error_message, affected_endpoints, first_seen: now, last_seen: now }
    this.#data.connection.errors.push(error)
    this.#announce('connection-error.created', error)
    return id
  }

  /** Has an error be seen again now, with some fields changed. `connection-error.updated`. Throws where there is none. */
  changeError(id: string, patch: Partial<NewConnectionError> = {}): void {
    const error = this.#error(id)
    const before = structuredClone(error)
    Object.assign(error, patch, { last_seen: upstreamTime(this.#now()) })
    this.#announce('connection-error.updated', error, changedAttributes(before, error))
  }

  /** Takes an error away. `connection-error.deleted`. Throws where there is none. */
  removeError(id: string): void {
    const error = this.#error(id)
    const { errors } = this.#data.connection
    errors.splice(errors.indexOf(error), 1)
    this.#announce('connection-error.deleted', error)
  }

  #error(id: string): SandboxConnectionError {
    const error = this.#data.connection.errors.find((one) => one.id === id)
    if (error === undefined) throw new Error(`There is no connection error ${id}`)
    return error
  }

  #schedule(resource: Resource, state: { latest_sync: string | null; in_progress: boolean }): void {
    const { sync_schedules: schedules } = this.#data.connection
    Object.assign(schedules.find(({ function_name }) => function_name === `get_${resource}`) ?? {}, state)
  }
}
