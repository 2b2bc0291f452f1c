import type { StockChange } from './stock-index.js'

/** One event as it is sent, with what is needed to choose its recipients. */
export interface StockEvent {
  /** Its number, counted from 1 since the process started. */
  readonly sequence: number
  readonly sku: string
  /** The event in the server-sent events format, serialised once for all readers. */
  readonly frame: string
}

export interface EventSubscriber {
  event(event: StockEvent): void
  /** No more events will come. */
  end(): void
}

/** Numbered events, and the positions from which readers resume. */
export interface ResumableEvents {
  /** The number of the last event; 0 before the first. */
  readonly lastSequence: number
  /** Returns a function that unsubscribes. */
  subscribe(subscriber: EventSubscriber): () => void
  /**
   * The events after the one with id `lastEventId`, of these SKUs only if there are any. Undefined if some of them are no
   * longer buffered, or if the id is from another run or was never issued.
   */
  since(lastEventId: string, skus?: ReadonlySet<string>): Iterable<Pick<StockEvent, 'frame'>> | undefined
  /** The event that makes a reader read the stock again, because it has missed events that are no longer buffered. */
  resetFrame(): string
  /**
   * An `id` field with the current position. A block without data dispatches no event, but a browser remembers its id and
   * sends it when it reconnects (WHATWG HTML, 9.2.6). So a reader of quiet SKUs resumes from here as well.
   */
  readonly positionField: string
}

/** How many of the last events a reader can resume from. */
export const maxBufferedEvents = 10_000

/** Numbers stock changes, passes them to subscribers, and buffers the last 10,000 so that a reader can resume. */
export class EventLog implements ResumableEvents {
  readonly #events: StockEvent[] = []
  #nextSequence = 1
  readonly #subscribers = new Set<EventSubscriber>()

  /**
   * @param runId distinguishes this run of the process from others: each run numbers its events from 1
   * @param connection the name of the connection whose stock changes
   */
  constructor(
    readonly runId: string,
    private readonly connection: string,
  ) {}

  /**
   * Numbers a change, buffers it and passes it to all subscribers.
   * @param asOf when the change was noticed, ISO 8601 UTC
   */
  publish(change: Omit<StockChange, 'warehousesHash' | 'isLoss'>, asOf: string): void {
    const sequence = this.#nextSequence++
    const data = JSON.stringify({
      sku: change.sku,
      connection: this.connection,
      product_id: change.productId,
      warehouse_customer_id: change.warehouseCustomerId,
      available: change.available,
      previous_available: change.previousAvailable,
      quantities: change.quantities,
      as_of: asOf,
    })
    const frame = `event: stock\nid: ${this.runId}-${sequence}\ndata: ${data}\n\n`
    const event = { sequence, sku: change.sku, frame }
    // Trimmed a thousand at a time: removing the first element for every event would copy the whole buffer.
    if (this.#events.push(event) >= maxBufferedEvents + 1000) this.#events.splice(0, 1000)
    for (const subscriber of this.#subscribers) subscriber.event(event)
  }

  get lastSequence(): number {
    return this.#nextSequence - 1
  }

  subscribe(subscriber: EventSubscriber): () => void {
    this.#subscribers.add(subscriber)
    return () => void this.#subscribers.delete(subscriber)
  }

  /** Informs all subscribers that no more events will come. */
  end(): void {
    for (const subscriber of this.#subscribers) subscriber.end()
  }

  since(lastEventId: string, skus?: ReadonlySet<string>): readonly StockEvent[] | undefined {
    const [, runId, digits] = /^(.*)-(\d{1,15})$/.exec(lastEventId) ?? []
    if (runId !== this.runId) return undefined
    const events = this.after(Number(digits))
    return skus === undefined ? events : events?.filter(({ sku }) => skus.has(sku))
  }

  /** The events after this number. Undefined if some of them are no longer buffered, or if the number was never issued. */
  after(sequence: number): readonly StockEvent[] | undefined {
    const oldest = this.#events[0]?.sequence ?? this.#nextSequence
    if (sequence >= this.#nextSequence || sequence < oldest - 1) return undefined
    return this.#events.slice(sequence - oldest + 1)
  }

  resetFrame(): string {
    return `event: reset\n${this.positionField}data: {}\n\n`
  }

  get positionField(): string {
    return `id: ${this.runId}-${this.lastSequence}\n`
  }
}
