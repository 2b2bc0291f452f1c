import { hash } from 'node:crypto'
import { withoutReadTimes } from '../etag.js'
import type { SyncState } from '../records/sync-state.js'
import type { Stock } from '../stock/stock.js'

/** A part of a response as text, with what its ETag is made of. */
export interface JsonPart {
  readonly text: string
  /** Its length in UTF-8. */
  readonly bytes: number
  /** A hash of all that counts for the ETag. */
  readonly hash: string
}

/** What changes of a stock without a change of its records. */
export interface StockAge {
  /** When the oldest record was read or confirmed, epoch ms. */
  readonly readAt: number
  readonly stale: boolean
  /** Trackstar's own state; undefined while unknown. */
  readonly connection: SyncState | undefined
}

/** The input of a stock of which only the records count. */
export const noAge = { asOf: '', stale: false, source: null } as const

const emptyStock: Omit<Stock, 'as_of' | 'stale' | 'source'> = {
  sku: '',
  connection: '',
  product: { id: '', name: null, gtin: null, is_kit: false, active: null, warehouse_customer_id: null },
  available: 0,
  quantities: { onhand: null, committed: null, unfulfillable: null, fulfillable: 0, sellable: null, awaiting: null },
  warehouses: [],
  components: [],
  complete: true,
  issues: [],
  limiting: null,
}

/** Exact on serialised JSON: inside a string the quotes would be escaped. */
const startOfTail = ',"as_of":'

/** The source of a stock. */
export const sourceOf = (connection: SyncState | undefined): Stock['source'] =>
  connection ? { synced_at: connection.syncedAt, errors: [...connection.errors] } : null

/**
 * The JSON of stocks without options, in two parts. The body follows from records alone. The tail (`as_of`, `stale` and
 * `source`, the last fields) is the same for all stocks of a connection that were confirmed together.
 */
export class StockJson {
  #lastTail: { readonly age: StockAge; readonly part: JsonPart } | undefined

  /** @param serialise writes a stock by the schema of the response */
  constructor(private readonly serialise: (stock: Stock) => string) {}

  /** Everything before `as_of`. */
  body(stock: Stock): JsonPart {
    return bodyIn(this.serialise(stock))
  }

  /** The rest. */
  tail(age: StockAge): JsonPart {
    const last = this.#lastTail
    const { readAt, stale, connection } = age
    if (last?.age.readAt === readAt && last.age.stale === stale && last.age.connection === connection) return last.part
    const as_of = new Date(readAt).toISOString()
    const part = tailIn(this.serialise({ ...emptyStock, as_of, stale, source: sourceOf(connection) }))
    this.#lastTail = { age, part }
    return part
  }

  /** Both parts of a stock that has its age. */
  parts(stock: Stock): readonly [body: JsonPart, tail: JsonPart] {
    const text = this.serialise(stock)
    return [bodyIn(text), tailIn(text)]
  }
}

/** A whole stock as one part. Its hash ignores when records were read. */
export const wholePart = (text: string): JsonPart => ({
  text,
  bytes: Buffer.byteLength(text),
  hash: hash('sha1', withoutReadTimes(text), 'base64url'),
})

/** The bytes of a text in memory: V8 takes one for each character, or two if one of them is beyond Latin-1. */
export const memoryOf = (text: string): number => (/[^\0-\xff]/.test(text) ? 2 * text.length : text.length)

/** The weak ETag of a stock. It ignores `as_of`. */
export const etagOf = (...parts: readonly JsonPart[]): string => `W/"${parts.map((part) => part.hash).join('')}"`

function bodyIn(stock: string): JsonPart {
  const text = stock.slice(0, stock.lastIndexOf(startOfTail))
  return { text, bytes: Buffer.byteLength(text), hash: hash('sha1', text, 'base64url') }
}

function tailIn(stock: string): JsonPart {
  const text = stock.slice(stock.lastIndexOf(startOfTail))
  const counted = text.slice(text.indexOf('"stale":'))
  return { text, bytes: Buffer.byteLength(text), hash: hash('sha1', counted, 'base64url').slice(0, 8) }
}
