import { EventLog } from './event-log.js'
import { type CatalogView, gainOf, type StockChange, StockIndex } from './stock-index.js'

/** Turns changes of records into changes of stock, and publishes them to its log. */
export class StockFeed {
  readonly index: StockIndex
  readonly log: EventLog
  #isLive = false
  #isStopped = false

  /**
   * @param runId distinguishes this run of the process from others
   * @param now the time of an event, epoch ms
   * @param summarise computes the numbers of a product from the records now; default: composes its stock
   */
  constructor(
    readonly view: CatalogView,
    runId: string,
    private readonly now: () => number,
    summarise?: ConstructorParameters<typeof StockIndex>[1],
  ) {
    this.index = new StockIndex(view, summarise)
    this.log = new EventLog(runId)
  }

  /** Whether the index is filled. Until then there is nothing to compare with, and no event is published. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Fills the index. Awaits `nextTurn` after every `maxTurnMs`, so that other work is not delayed. */
  async start(nextTurn: () => Promise<void>, maxTurnMs = 2): Promise<void> {
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
    this.log.end()
  }

  /**
   * Recomputes the stock of the products that a change may affect, and of all that share a SKU with one of them.
   * Publishes what changed: losses first, so that a SKU that passes to another product ends with the new stock. If a SKU
   * that was shared selects another product from then on, whose stock has not changed, its stock is published again.
   */
  update(productIds: Iterable<string>): void {
    const ids = new Set(productIds)
    const skus = new Set(Array.from(ids).flatMap((id) => this.index.skusOf(id)))
    for (const sku of skus) for (const id of this.index.idsOf(sku)) ids.add(id)
    const changes = Array.from(ids).flatMap((id) => this.index.update(id))
    const told = [...changes, ...this.#reselected(skus, changes)]
    if (!this.#isLive) return
    const asOf = new Date(this.now()).toISOString()
    for (const change of told.toSorted((a, b) => orderOf(a) - orderOf(b))) this.log.publish(change, asOf)
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
