import type { RecordStore } from './record-store.js'
import type { Records, Resource, SandboxData } from './sandbox-data.js'

/** Tells of an event. `data` is told as it is now. */
export type Announce = (eventType: string, data: object, previousAttributes?: ChangedAttributes) => void

/** What a change has made of a record. */
export interface RecordChange<R> {
  /** As the sandbox holds it: it goes on changing. */
  readonly record: R
  readonly previousAttributes: ChangedAttributes
}

const nounOf = { products: 'product', inventory: 'inventory', warehouses: 'warehouse' } as const

/**
 * Changes of records, each announced. Of a resource whose first copy is not finished nothing is, as upstream sends
 * nothing of what it has not served yet.
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

  /** Puts some fields in place of the old ones, and dates the record later than before. Throws where there is none. */
  patch<K extends Resource>(resource: K, id: string, patch: Partial<Records[K]>): RecordChange<Records[K]> {
    return this.update(resource, id, (record) => {
      Object.assign(record, patch)
      touch(record, this.#now())
    })
  }

  /** Does some work on a record, which is to date it. Throws where there is none, and what the work throws. */
  update<K extends Resource>(resource: K, id: string, work: (record: Records[K]) => void): RecordChange<Records[K]> {
    const store = this.#store(resource)
    const record = store.get(id)
    if (record === undefined) throw new Error(`There is no ${nounOf[resource]} ${id}`)
    const before = structuredClone(record)
    work(record)
    store.set(id, record)
    const previousAttributes = changedAttributes(before, record)
    this.#tell(resource, 'updated', record, previousAttributes)
    return { record, previousAttributes }
  }

  /** Adds a record, dated now as Trackstar's copy. Throws where there is one of this id already. */
  add<K extends Resource>(resource: K, record: Records[K]): Records[K] {
    const store = this.#store(resource)
    if (store.has(record.id)) throw new Error(`There is a ${nounOf[resource]} ${record.id} already`)
    const now = upstreamTime(this.#now())
    const dates = { updated_date: now, created_date: now }
    const added = { ...dates, ...structuredClone(record), trackstar_created_date: now, trackstar_updated_date: now }
    store.set(added.id, added)
    this.#tell(resource, 'created', added)
    return added
  }

  /** Deletes a record, which upstream never announces. Says whether there was one. */
  remove(resource: Resource, id: string): boolean {
    return this.#data[resource].delete(id)
  }

  #store<K extends Resource>(resource: K): RecordStore<Records[K]> {
    const stores: { readonly [R in Resource]: RecordStore<Records[R]> } = this.#data
    return stores[resource]
  }

  #tell(resource: Resource, what: 'created' | 'updated', record: object, previous?: ChangedAttributes): void {
    if (this.#data.connection.historical_sync_completed[`get_${resource}`] === false) return
    this.#announce(`${nounOf[resource]}.${what}`, record, previous)
  }
}

/** Old values by dotted path, as `lots.0.onhand`: what upstream calls `previous_attributes`. */
export type ChangedAttributes = Readonly<Record<string, unknown>>

/**
 * The old values of what differs between two states of a record, each under the path of the innermost thing that
 * changed. What was not there before had the value null.
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
    const below = path === '' ? key : `${path}.${key}`
    return differences(below, own(before, key), own(after, key))
  })
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Of its own, so that nothing is found of what every object has. */
const own = (value: object, key: string): unknown => (Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined)

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
