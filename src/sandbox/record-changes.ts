import type { RecordStore } from './record-store.js'
import type { Records, Resource, SandboxData } from './sandbox-data.js'

/** Sends an event. `data` is serialized at once. */
export type Announce = (eventType: string, data: object, previousAttributes?: ChangedAttributes) => void

/** A record after a change, and what the change replaced. */
export interface RecordChange<R> {
  /** The sandbox's own object: later changes show in it. */
  readonly record: R
  readonly previousAttributes: ChangedAttributes
}

const eventNouns = { products: 'product', inventory: 'inventory', warehouses: 'warehouse' } as const

/**
 * Changes records and announces each change. Like upstream, announces nothing about a resource whose historical sync is
 * not complete.
 */
export class RecordChanges {
  readonly #data: SandboxData
  readonly #now: () => number
  readonly #announce: Announce

  constructor(data: SandboxData, now: () => number, announce: Announce) {
    this.#data = data
    this.#now = now
    this.#announce = announce
  }

  /** Replaces some fields of a record and moves its update date forward. Throws if there is no such record. */
  patch<K extends Resource>(resource: K, id: string, patch: Partial<Records[K]>): RecordChange<Records[K]> {
    return this.update(resource, id, (record) => {
      Object.assign(record, patch)
      touch(record, this.#now())
    })
  }

  /**
   * Changes a record with `change`, which must also move its update date forward. Throws if there is no such record, and
   * announces nothing if `change` throws.
   */
  update<K extends Resource>(resource: K, id: string, change: (record: Records[K]) => void): RecordChange<Records[K]> {
    const store = this.#store(resource)
    const record = store.get(id)
    if (record === undefined) throw new Error(`There is no ${eventNouns[resource]} ${id}`)
    const before = structuredClone(record)
    change(record)
    store.set(id, record)
    const previousAttributes = changedAttributes(before, record)
    this.#announceRecord(resource, 'updated', record, previousAttributes)
    return { record, previousAttributes }
  }

  /** Adds a copy of `record`, dated now. Throws if its id is taken. */
  add<K extends Resource>(resource: K, record: Records[K]): Records[K] {
    const store = this.#store(resource)
    if (store.has(record.id)) throw new Error(`There is already a ${eventNouns[resource]} ${record.id}`)
    const now = upstreamTime(this.#now())
    const dates = { updated_date: now, created_date: now }
    const added = { ...dates, ...structuredClone(record), trackstar_created_date: now, trackstar_updated_date: now }
    store.set(added.id, added)
    this.#announceRecord(resource, 'created', added)
    return added
  }

  /** Deletes a record. Upstream announces no deletions. Returns whether the record existed. */
  remove(resource: Resource, id: string): boolean {
    return this.#data[resource].delete(id)
  }

  #store<K extends Resource>(resource: K): RecordStore<Records[K]> {
    const stores: { readonly [R in Resource]: RecordStore<Records[R]> } = this.#data
    return stores[resource]
  }

  #announceRecord(
    resource: Resource,
    verb: 'created' | 'updated',
    record: object,
    previousAttributes?: ChangedAttributes,
  ): void {
    if (this.#data.connection.historical_sync_completed[`get_${resource}`] === false) return
    this.#announce(`${eventNouns[resource]}.${verb}`, record, previousAttributes)
  }
}

/** Old values by dotted path (`lots.0.onhand`): the `previous_attributes` of an event. */
export type ChangedAttributes = Readonly<Record<string, unknown>>

/**
 * Compares two states of a record. Returns the old value of each difference under the path of the innermost changed
 * field; null for a field that did not exist before.
 */
export function changedAttributes(before: object, after: object): ChangedAttributes {
  return Object.fromEntries(differences('', before, after))
}

function differences(path: string, before: unknown, after: unknown): [path: string, old: unknown][] {
  if (before === after) return []
  if (!isNested(before) || !isNested(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [[path, before ?? null]]
  }
  return Array.from(new Set([...Object.keys(before), ...Object.keys(after)])).flatMap((key) => {
    const innerPath = path === '' ? key : `${path}.${key}`
    return differences(innerPath, ownValue(before, key), ownValue(after, key))
  })
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Own properties only: a key may be `constructor` or `__proto__`. */
const ownValue = (value: object, key: string): unknown =>
  Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined

/** Formats a time in ms as upstream does: UTC, whole seconds. */
export const upstreamTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** The dates of a record that say when it last changed. */
export interface Dated {
  updated_date?: string | null
  trackstar_updated_date?: string | null
}

/**
 * Sets the update dates of a record to `now`, or to a second after the current date if that is later. Dates always
 * advance, so that the newer of two copies can be told from its date.
 */
export function touch(record: Dated, now: number): void {
  const earliest = Date.parse(record.trackstar_updated_date ?? '') + 1000
  record.trackstar_updated_date = upstreamTime(Math.max(now, earliest || now))
  record.updated_date = record.trackstar_updated_date
}
