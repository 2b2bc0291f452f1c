import { EventLog } from './event-log.js'
import { type CatalogView, gainOf, type StockChange, StockIndex } from './stock-index.js'

export interface StockFeedOptions {
  /** The name of the connection, which events have. Default: `default`. */
  readonly connection?: string
  /** Computes the numbers of a product from the records now; default: composes its stock. */
  readonly summarise?: ConstructorParameters<typeof StockIndex>[1]
  /** How long an update may hold the event loop, in ms. Default: 2. */
  readonly maxTurnMs?: number
  /** Lets other work run. Default: the next turn of the event loop. */
  readonly nextTurn?: () => Promise<void>
  /** Receives what goes wrong with one product, before the next ones are updated. Default: throws it. */
  readonly onError?: (error: unknown) => void
}

/** The products that use some changed items, each once. */
interface Dependents {
  readonly ids: Iterator<string>
  readonly seen: Set<string>
}

/** Turns changes of records into changes of stock, and publishes them to its log. */
export class StockFeed {
  readonly index: StockIndex
  readonly log: EventLog
  readonly #maxTurnMs: number
  readonly #nextTurn: () => Promise<void>
  readonly #onError: (error: unknown) => void
  /** The products whose own record has changed and whose stock is still to be computed. */
  readonly #changedIds = new Set<string>()
  /** The same products by each SKU that they had or have. */
  readonly #changedIdsBySku = new Map<string, Set<string>>()
  #dependents: Dependents[] = []
  /** Whether an update goes on in the next turn. */
  #isWaiting = false
  #isLive = false
  #isStopped = false

  /**
   * @param runId distinguishes this run of the process from others
   * @param now the time of an event, epoch ms
   */
  constructor(
    readonly view: CatalogView,
    runId: string,
    private readonly now: () => number,
    {
      connection = 'default',
      summarise,
      maxTurnMs = 2,
      nextTurn = nextImmediate,
      onError = rethrow,
    }: StockFeedOptions = {},
  ) {
    this.index = new StockIndex(view, summarise)
    this.log = new EventLog(runId, connection)
    this.#maxTurnMs = maxTurnMs
    this.#nextTurn = nextTurn
    this.#onError = onError
  }

  /** Whether the index is filled. Until then there is nothing to compare with, and no event is published. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Fills the index. Awaits `nextTurn` after every `maxTurnMs`, so that other work is not delayed. */
  async start(nextTurn: () => Promise<void> = this.#nextTurn, maxTurnMs = this.#maxTurnMs): Promise<void> {
    let until = performance.now() + maxTurnMs
    for (const id of this.view.productIds()) {
      this.index.update(id)
      if (performance.now() < until) continue
      await nextTurn()
      until = performance.now() + maxTurnMs
    }
    this.#isLive = !this.#isStopped
  }

  /** Ends the feed for good, because the catalog is no longer mirrored. */
  stop(): void {
    this.#isStopped = true
    this.#isLive = false
    this.#changedIds.clear()
    this.#changedIdsBySku.clear()
    this.#dependents = []
    this.log.end()
  }

  /**
   * Recomputes the stock of the products that changes of records affect, and publishes what changed. The first products are
   * done at once. After a turn the event loop goes round before the next ones; updates that come meanwhile take turns with
   * this one. All products that share a SKU are done in one step, from the records of that moment.
   *
   * @param productIds the products whose own record changed
   * @param itemIds the items that changed
   */
  update(productIds: Iterable<string>, itemIds: Iterable<string> = []): void {
    if (this.#isStopped) return
    for (const id of productIds) {
      this.#changedIds.add(id)
      for (const sku of this.index.skusOf(id)) {
        const ids = this.#changedIdsBySku.get(sku)
        if (ids) ids.add(id)
        else this.#changedIdsBySku.set(sku, new Set([id]))
      }
    }
    const items = Array.from(itemIds)
    if (items.length > 0) this.#dependents.push({ ids: this.#productsUsing(items), seen: new Set() })
    if (!this.#isWaiting) this.#takeTurn()
  }

  *#productsUsing(itemIds: readonly string[]): Generator<string> {
    for (const itemId of itemIds) yield* this.view.productIdsOfItem(itemId)
  }

  /** Updates products until the turn is over, and goes on in the next turn if there are more. */
  #takeTurn(): void {
    const until = performance.now() + this.#maxTurnMs
    do {
      const id = this.#next()
      if (id === undefined) return
      try {
        this.#updateWithSiblings(id)
      } catch (error) {
        this.#onError(error)
      }
    } while (performance.now() < until)
    this.#isWaiting = true
    void this.#takeNextTurn()
  }

  async #takeNextTurn(): Promise<void> {
    await this.#nextTurn()
    this.#isWaiting = false
    this.#takeTurn()
  }

  /** The next product to update: changed ones first, then one of each update in turn. */
  #next(): string | undefined {
    for (const id of this.#changedIds) return id
    for (let batch = this.#dependents.shift(); batch !== undefined; batch = this.#dependents.shift()) {
      for (let next = batch.ids.next(); !next.done; next = batch.ids.next()) {
        if (batch.seen.has(next.value)) continue
        batch.seen.add(next.value)
        this.#dependents.push(batch)
        return next.value
      }
    }
    return undefined
  }

  /**
   * Updates a product and all that share a SKU with it, or did before they changed: which one a SKU selects may be another.
   * Losses are published first, so that a SKU that passes to another product ends with the new stock. If a SKU that was
   * shared selects another product from then on, whose stock has not changed, its stock is published again.
   */
  #updateWithSiblings(productId: string): void {
    const ids = new Set([productId])
    const skus = new Set<string>()
    // Both sets grow on the way.
    for (const id of ids) {
      this.#changedIds.delete(id)
      for (const sku of this.index.skusOf(id)) {
        if (skus.has(sku)) continue
        skus.add(sku)
        for (const other of this.index.idsOf(sku)) ids.add(other)
        for (const other of this.#changedIdsBySku.get(sku) ?? []) ids.add(other)
        this.#changedIdsBySku.delete(sku)
      }
    }
    const changes = Array.from(ids).flatMap((id) => this.index.update(id))
    const published = [...changes, ...this.#reselected(skus, changes)]
    if (!this.#isLive || published.length === 0) return
    const asOf = new Date(this.now()).toISOString()
    for (const change of published.toSorted((a, b) => orderOf(a) - orderOf(b))) this.log.publish(change, asOf)
  }

  /** The unchanged stock of SKUs that were shared and select another product now. */
  #reselected(skus: ReadonlySet<string>, changes: readonly StockChange[]): StockChange[] {
    const gainedIds = new Set(changes.filter(({ isLoss }) => !isLoss).map(({ productId }) => productId))
    return Array.from(skus).flatMap((sku) => {
      const entry = this.index.reselect(sku)
      return entry && !gainedIds.has(entry.productId) ? [gainOf(entry, entry.available)] : []
    })
  }
}

/** Losses come first, and products that are new under their SKU last. */
const orderOf = ({ isLoss, previousAvailable }: StockChange) => (isLoss ? 0 : previousAvailable === null ? 2 : 1)

const nextImmediate = () => new Promise<void>((resolve) => setImmediate(resolve))

const rethrow = (error: unknown) => {
  throw error
}
