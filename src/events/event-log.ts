import type { StockChange } from './stock-index.js'

/** An event as it goes over the wire, and what is needed to choose whom it goes to. */
export interface StockEvent {
  readonly n: number
  readonly sku: string
  /** The whole event in the format of server-sent events, made once for all readers. */
  readonly frame: string
}

/** Who is told of events as they happen. */
export interface EventListener {
  event(event: StockEvent): void
  /** Nothing more will come. */
  end(): void
}

/** Most events that are kept for readers who come back. */
const kept = 10_000

/** The last changes of stock, numbered, so that a reader who was away can be told what he missed. */
export class EventLog {
  readonly #events: StockEvent[] = []
  #next = 1
  readonly #listeners = new Set<EventListener>()

  /** @param boot tells this run of the process from any other: numbers begin anew with each */
  constructor(private readonly boot: string) {}

  /** Numbers a change, keeps it and tells all listeners. */
  publish(change: StockChange, asOf: string): void {
    const n = this.#next++
    const data = JSON.stringify({
      sku: change.sku,
      product_id: change.productId,
      warehouse_customer_id: change.warehouseCustomerId,
      available: change.available,
      previous_available: change.previousAvailable,
      quantities: change.quantities,
      as_of: asOf,
    })
    const event = { n, sku: change.sku, frame: `event: stock\nid: ${this.boot}-${n}\ndata: ${data}\n\n` }
    // Trimmed by the thousand, so that it costs nothing an event.
    if (this.#events.push(event) >= kept + 1000) this.#events.splice(0, 1000)
    for (const listener of this.#listeners) listener.event(event)
  }

  /** The number of the last event; 0 before the first. */
  get last(): number {
    return this.#next - 1
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Tells all listeners that nothing more will come. */
  end(): void {
    for (const listener of this.#listeners) listener.end()
  }

  /** What came after the event `lastId`; undefined where that can no longer be said, or was never said here. */
  since(lastId: string): readonly StockEvent[] | undefined {
    const [, boot, digits] = /^(.*)-(\d{1,15})$/.exec(lastId) ?? []
    if (boot !== this.boot) return undefined
    const last = Number(digits)
    const oldest = this.#events[0]?.n ?? this.#next
    if (last >= this.#next || last < oldest - 1) return undefined
    return this.#events.slice(last - oldest + 1)
  }

  /** Tells a reader that what he knows may be out of date. */
  resetFrame(): string {
    return `event: reset\n${this.position}data: {}\n\n`
  }

  /**
   * The number of the last event, as a field. In a block without data it is no event (WHATWG HTML, 9.2.6), but what a
   * browser sends after a break: so one to whom nothing was told, or not for long, misses nothing either.
   */
  get position(): string {
    return `id: ${this.boot}-${this.last}\n`
  }
}
