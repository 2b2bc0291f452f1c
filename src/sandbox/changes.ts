import { type ChangedAttributes, changedAttributes } from './changed-attributes.js'
import { touch, upstreamTime } from './dates.js'
import type { RecordStore } from './record-store.js'
import type { Records, Resource, SandboxData } from './sandbox-data.js'

/** Tells of an event. `data` is told as it is now. */
export type Announce = (eventType: string, data: object, previousAttributes?: ChangedAttributes) => void

/** What a change has made of a record. */
export interface Change<R> {
  /** As the sandbox holds it: it goes on changing. */
  readonly record: R
  readonly previousAttributes: ChangedAttributes
}

const nounOf = { products: 'product', inventory: 'inventory', warehouses: 'warehouse' } as const

/**
 * Changes of records, each announced. Of a resource whose first copy is not finished nothing is, as upstream sends
 * nothing of what it has not served yet.
 */
export class Changes {
  readonly #data: SandboxData
  readonly #now: () => number
  readonly #announce: Announce

  constructor(data: SandboxData, now: () => number, announce: Announce) {
    this.#data = data
    this.#now = now
    this.#announce = announce
  }

  /** Puts some fields in place of the old ones, and dates the record later than before. Throws where there is none. */
  patch<K extends Resource>(resource: K, id: string, patch: Partial<Records[K]>): Change<Records[K]> {
    return this.update(resource, id, (record) => {
      Object.assign(record, patch)
      touch(record, this.#now())
    })
  }

  /** Does some work on a record, which is to date it. Throws where there is none, and what the work throws. */
  update<K extends Resource>(resource: K, id: string, work: (record: Records[K]) => void): Change<Records[K]> {
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
