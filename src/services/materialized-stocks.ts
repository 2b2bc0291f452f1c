import { LRUCache } from 'lru-cache'
import { asOf, type CacheEntry, type FreshnessPolicy } from '../cache/freshness.js'
import type { ReadContext } from '../cache/read-context.js'
import type { LookupOutcome } from '../cache/read-through.js'
import type { MemoryUser, SharedMemory } from '../cache/shared-memory.js'
import type { WarehousesById } from '../cache/warehouse-list.js'
import { type StockIndexEntry, summaryOf } from '../events/stock-index.js'
import type { CatalogRecords } from '../mirror/catalog-records.js'
import type { MirrorStore } from '../mirror/mirror-store.js'
import { idOf, skuOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { SyncState } from '../records/sync-state.js'
import { referencedItemIds } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { selectProduct } from '../stock/selection.js'
import type { Stock } from '../stock/stock.js'
import type { Clock } from '../trackstar/clock.js'
import { type JsonPart, memoryOf, noAge, type StockAge, type StockJson } from './stock-json.js'

export interface MaterializedStocksOptions {
  readonly store: Pick<MirrorStore, 'item' | 'confirmation' | 'index'>
  readonly records: Pick<
    CatalogRecords,
    'isFollowed' | 'mirroredProducts' | 'lacksProducts' | 'mirroredItem' | 'mirroredVersion'
  >
  /** The warehouses; undefined while requests have to wait for the first list. */
  readonly warehouses: () => WarehousesById | undefined
  /** The warehouses that are known, without waiting for the first list. */
  readonly knownWarehouses: () => WarehousesById
  /** Trackstar's own state of the connection, refreshed in the background if it is due. */
  readonly connectionState: () => SyncState | undefined
  /** The resources that may lack records. */
  readonly incomplete: () => readonly string[]
  readonly clock: Clock
  readonly policy: Pick<FreshnessPolicy, 'ttlMs'>
  /** Counts lookups by outcome. */
  readonly lookups: Record<LookupOutcome, number>
  /** The name of the connection. */
  readonly connection: string
  /** Limits the memory of the materialized stocks of all connections. */
  readonly memory: SharedMemory
  /** Default: `composeStock`. */
  readonly compose?: typeof composeStock
}

/** The answer for one SKU without options. */
export interface MaterializedStock {
  readonly body: JsonPart
  readonly age: StockAge
}

/** Reads stocks for one request. */
export interface StockReader {
  /**
   * The stock of a SKU; undefined if it takes more than the records in memory to answer: the SKU is unknown or ambiguous, or
   * a record may be out of date.
   */
  read(sku: string, warehouseCustomerId: string | undefined, json: StockJson): MaterializedStock | undefined
  /** The age of the mirror if it knows that there is no product with the SKU. */
  absence(sku: string): StockAge | undefined
}

/** The very records that a stock was made from. */
interface Sources {
  readonly product: Product
  readonly itemIds: readonly string[]
  /** In the order of `itemIds`; undefined for an item that upstream does not know. */
  readonly items: readonly (InventoryItem | undefined)[]
  readonly warehouses: WarehousesById
  /** The resources that may lack records, as one text. */
  readonly incomplete: string
}

interface Entry {
  readonly sources: Sources
  readonly summary: StockIndexEntry
  /** The composed stock, until it is first requested. */
  stock: Stock | undefined
  body: JsonPart | undefined
  /** The version of the mirror with which the records were last checked; undefined if each read must check them. */
  checkedVersion: number | undefined
  /** When the oldest record was read, as of that check. */
  oldestReadAt: number
}

/** What an entry takes besides the text of its body, in bytes: objects and hash, and each item's place. */
const entryBytes = 600
const itemBytes = 60

/**
 * The stocks of a live mirror, each composed once for all that need it: readers, events and low stock. A stock is current
 * as long as each record in memory is still the object that the stock was made from. A read checks that, unless no record
 * of the mirror has changed since the last check. So nothing has to be invalidated, and a confirmation of the whole mirror
 * costs nothing.
 *
 * The bodies of stocks that were requested are kept as text; the least recently used are dropped first.
 */
export class MaterializedStocks {
  readonly #entries: LRUCache<string, Entry>
  readonly #compose: typeof composeStock
  readonly #memoryUser: MemoryUser

  constructor(private readonly options: MaterializedStocksOptions) {
    // The memory bounds it.
    const entries = new LRUCache<string, Entry>({ maxSize: Number.MAX_SAFE_INTEGER })
    this.#entries = entries
    this.#memoryUser = {
      isSpared: false,
      get bytes() {
        return entries.calculatedSize
      },
      evict: () => void entries.pop(),
    }
    options.memory.add(this.#memoryUser)
    this.#compose = options.compose ?? composeStock
  }

  /** The approximate size of the entries, in bytes. */
  get bytes(): number {
    return this.#entries.calculatedSize
  }

  /** Drops all stocks. None must be read any more. */
  close(): void {
    this.options.memory.remove(this.#memoryUser)
    this.#entries.clear()
  }

  /** A reader for one request; undefined if the mirror cannot answer it, or the request may need upstream. */
  reader(context: ReadContext): StockReader | undefined {
    const { records, store, connectionState, clock, policy, lookups } = this.options
    const { noCache, onlyIfCached, maxAgeMs } = context.directives
    if (noCache || onlyIfCached || maxAgeMs !== undefined || !records.isFollowed()) return undefined
    const warehouses = this.options.warehouses()
    if (warehouses === undefined) return undefined
    const incomplete = this.options.incomplete().join()
    const connection = connectionState()
    const { confirmation } = store
    const now = clock.elapsed()
    const ageOf = (oldest: CacheEntry<unknown>): StockAge => ({
      readAt: asOf(oldest, clock),
      stale: now >= oldest.readAt + policy.ttlMs,
      connection,
    })
    const confirmedAge = ageOf(confirmation)

    const count = (outcome: 'hit' | 'stale', found: number) => {
      context.outcomeCounts[outcome] += found
      lookups[outcome] += found
    }
    const isOfNow = (sources: Sources) => sources.warehouses === warehouses && sources.incomplete === incomplete

    return {
      absence(sku) {
        if (!records.lacksProducts(sku)) return undefined
        context.outcomeCounts[confirmedAge.stale ? 'stale' : 'hit']++
        lookups.negative++
        return confirmedAge
      },
      read: (sku, warehouseCustomerId, json) => {
        const version = records.mirroredVersion()
        const ids = store.index.productIdsOfSku(sku)
        if (version !== undefined && warehouseCustomerId === undefined && ids.length === 1) {
          const id = ids[0] as string
          const entry = this.#entries.get(id)
          const isUnchanged = entry?.checkedVersion === version && entry.oldestReadAt <= confirmation.readAt
          if (isUnchanged && isOfNow(entry.sources)) {
            count(confirmedAge.stale ? 'stale' : 'hit', 1 + entry.sources.itemIds.length)
            return { body: entry.body ?? this.#keep(id, entry, json), age: confirmedAge }
          }
        }
        const products = records.mirroredProducts(sku)
        const product = products && select(products, warehouseCustomerId)
        if (products === undefined || product === undefined) return undefined
        const id = idOf(product)
        const known = this.#entries.get(id)
        const isSameProduct = known?.sources.product === product
        const itemIds = isSameProduct ? known.sources.itemIds : referencedItemIds(product)
        let isCurrent = isSameProduct && isOfNow(known.sources)
        let areAllStored = true
        let oldest: CacheEntry<unknown> | undefined
        for (const entry of products) if (oldest === undefined || entry.readAt < oldest.readAt) oldest = entry
        for (let index = 0; index < itemIds.length; index++) {
          const entry = records.mirroredItem(itemIds[index] as string)
          if (entry === undefined) return undefined
          if (oldest === undefined || entry.readAt < oldest.readAt) oldest = entry
          if (isCurrent && entry.value !== known?.sources.items[index]) isCurrent = false
          if (entry.value === undefined) areAllStored = false
        }
        const oldestReadAt = oldest?.readAt ?? Number.NEGATIVE_INFINITY
        const age = oldest && oldestReadAt > confirmation.readAt ? ageOf(oldest) : confirmedAge
        count(age.stale ? 'stale' : 'hit', 1 + itemIds.length)
        const entry =
          known && isCurrent
            ? known
            : this.#composed({
                product,
                itemIds,
                items: itemIds.map((itemId) => store.item(itemId)),
                warehouses,
                incomplete,
              })
        // Whether an item does not exist depends on more than the records.
        entry.checkedVersion = areAllStored ? version : undefined
        if (entry.oldestReadAt !== oldestReadAt) entry.oldestReadAt = oldestReadAt
        return { body: entry.body ?? this.#keep(id, entry, json), age }
      },
    }
  }

  /** The numbers of a product from the records now, composed only if they were not yet. */
  readonly summarise = (product: Product): StockIndexEntry => {
    const { store, knownWarehouses } = this.options
    const id = idOf(product)
    const known = this.#entries.peek(id)
    const itemIds = known?.sources.product === product ? known.sources.itemIds : referencedItemIds(product)
    const items = itemIds.map((itemId) => store.item(itemId))
    const incomplete = this.options.incomplete().join()
    const sources = { product, itemIds, items, warehouses: knownWarehouses(), incomplete }
    if (known && isSame(known.sources, sources)) return known.summary
    const entry = this.#composed(sources)
    // A stock that was requested lately is going to be requested again. Others would only push those out.
    if (known) this.#entries.set(id, entry, { size: sizeOf(known) })
    return entry.summary
  }

  #composed(sources: Sources): Entry {
    const { product, itemIds, warehouses, incomplete } = sources
    const items = new Map<string, InventoryItem>()
    for (const [index, id] of itemIds.entries()) {
      const item = sources.items[index]
      if (item !== undefined) items.set(id, item)
    }
    const { connection } = this.options
    const sku = skuOf(product) ?? ''
    const syncIncomplete = incomplete === '' ? [] : incomplete.split(',')
    const stock = this.#compose({ connection, sku, product, items, warehouses, syncIncomplete, ...noAge })
    return { sources, summary: summaryOf(stock), stock, body: undefined, checkedVersion: undefined, oldestReadAt: 0 }
  }

  #keep(id: string, entry: Entry, json: StockJson): JsonPart {
    // Without a body, an entry has its stock.
    const body = json.body(entry.stock as Stock)
    entry.body = body
    entry.stock = undefined
    this.#entries.set(id, entry, { size: sizeOf(entry) })
    this.options.memory.makeRoom(this.#memoryUser)
    return body
  }
}

const sizeOf = ({ sources, body }: Entry): number =>
  entryBytes + sources.items.length * itemBytes + (body === undefined ? 0 : memoryOf(body.text))

/** The product that a SKU means; undefined if that is not certain. */
function select(
  products: readonly CacheEntry<Product>[],
  warehouseCustomerId: string | undefined,
): Product | undefined {
  const [first] = products
  if (products.length === 1 && warehouseCustomerId === undefined) return first?.value
  const candidates = products.flatMap(({ value }) => value ?? [])
  const selection = selectProduct(candidates, warehouseCustomerId)
  return selection.status === 'ok' ? selection.product : undefined
}

function isSame(a: Sources, b: Sources): boolean {
  if (a.product !== b.product || a.warehouses !== b.warehouses || a.incomplete !== b.incomplete) return false
  if (a.items.length !== b.items.length) return false
  for (let index = 0; index < a.items.length; index++) if (a.items[index] !== b.items[index]) return false
  return true
}
