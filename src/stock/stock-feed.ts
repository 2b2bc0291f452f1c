import { EventLog } from './event-log.js'
import { StockBoard, type StockView } from './stock-board.js'

/** Turns changes of records into changes of stock, and tells who listens. */
export class StockFeed {
  readonly board: StockBoard
  readonly log: EventLog
  #isLive = false

  /**
   * @param boot tells this run of the process from any other
   * @param now the time of an event, epoch ms
   */
  constructor(
    readonly view: StockView,
    boot: string,
    private readonly now: () => number,
  ) {
    this.board = new StockBoard(view)
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
    this.#isLive = true
  }

  /** The whole catalog is no longer at hand. */
  stop(): void {
    this.#isLive = false
  }

  /** Looks at the products that a change of a record may have touched. */
  look(productIds: Iterable<string>): void {
    for (const id of productIds) {
      const change = this.board.update(id)
      if (change && this.#isLive) this.log.publish(change, new Date(this.now()).toISOString())
    }
  }
}
