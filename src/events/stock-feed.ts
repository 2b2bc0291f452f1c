import { EventLog } from './event-log.js'
import { type CatalogView, type StockChange, StockIndex } from './stock-index.js'

/** Turns changes of records into changes of stock, and tells who listens. */
export class StockFeed {
  readonly board: StockIndex
  readonly log: EventLog
  #isLive = false
  #isStopped = false

  /**
   * @param boot tells this run of the process from any other
   * @param now the time of an event, epoch ms
   */
  constructor(
    readonly view: CatalogView,
    boot: string,
    private readonly now: () => number,
  ) {
    this.board = new StockIndex(view)
    this.log = new EventLog(boot)
  }

  /** Whether the board is filled: before, there is nothing to compare with, and nothing is told. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Fills the board, a part at a time; `rest` is awaited between. */
  async start(rest: () => Promise<void>): Promise<void> {
    let seen = 0
    for (const id of this.view.productIds()) {
      this.board.update(id)
      if (++seen % 500 === 0) await rest()
    }
    this.#isLive = !this.#isStopped
  }

  /** The whole catalog is no longer at hand, for good: nothing more will be told. */
  stop(): void {
    this.#isStopped = true
    this.#isLive = false
    this.log.end()
  }

  /** Looks at the products that a change of a record may have touched. What is lost is told before what is new. */
  look(productIds: Iterable<string>): void {
    const ids = new Set<string>()
    for (const id of productIds) for (const concerned of [id, ...this.board.siblings(id)]) ids.add(concerned)
    const changes = Array.from(ids).flatMap((id) => this.board.update(id))
    if (!this.#isLive) return
    const asOf = new Date(this.now()).toISOString()
    const isNew = ({ previousAvailable }: StockChange) => Number(previousAvailable === null)
    for (const change of changes.toSorted((a, b) => isNew(a) - isNew(b))) this.log.publish(change, asOf)
  }
}
