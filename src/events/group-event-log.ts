import { hash } from 'node:crypto'
import {
  type EventLog,
  type EventSubscriber,
  maxBufferedEvents,
  type ResumableEvents,
  type StockEvent,
} from './event-log.js'

/**
 * The events of several connections in one stream, as they come. An id has a position in each connection's log,
 * `<run>-<number>.<number>`, so a reader that resumes gets what it missed of each, once. Nothing is buffered twice: missed
 * events come from the logs of the connections. The first part of the id follows from their runs, so that a group of other
 * connections, or of a connection that was made anew, knows none of the ids.
 */
export class GroupEventLog implements ResumableEvents {
  readonly #runId: string
  /** The number of the last event of each log. */
  readonly #positions: number[]
  readonly #subscribers = new Set<EventSubscriber>()
  readonly #unsubscribe: readonly (() => void)[]
  #lastSequence = 0

  /** @param logs in the order of the group */
  constructor(private readonly logs: readonly EventLog[]) {
    this.#runId = hash('md5', logs.map(({ runId }) => runId).join()).slice(0, 8)
    this.#positions = logs.map(({ lastSequence }) => lastSequence)
    this.#unsubscribe = logs.map((log, index) =>
      log.subscribe({
        event: (event) => this.#pass(index, event),
        end: () => {
          for (const subscriber of this.#subscribers) subscriber.end()
        },
      }),
    )
  }

  /** Counts the events of all connections since the group was formed. Not part of the ids. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  subscribe(subscriber: EventSubscriber): () => void {
    this.#subscribers.add(subscriber)
    return () => void this.#subscribers.delete(subscriber)
  }

  since(lastEventId: string, skus?: ReadonlySet<string>): Iterable<Pick<StockEvent, 'frame'>> | undefined {
    const [, runId, numbers = ''] = /^([^-]*)-(\d{1,15}(?:\.\d{1,15})*)$/.exec(lastEventId) ?? []
    const positions = numbers.split('.').map(Number)
    if (runId !== this.#runId || positions.length !== this.logs.length) return undefined
    const missed: (readonly StockEvent[])[] = []
    let count = 0
    for (const [index, log] of this.logs.entries()) {
      const events = log.after(positions[index] as number)
      if (events === undefined) return undefined
      missed.push(events)
      count += events.length
      // One connection's log may keep as many. Of many connections, it would take too long to look through all of them.
      if (count > maxBufferedEvents) return undefined
    }
    return this.#missedFrames(positions, missed, skus)
  }

  resetFrame(): string {
    return `event: reset\n${this.positionField}data: {}\n\n`
  }

  get positionField(): string {
    return `id: ${this.#idOf(this.#positions)}\n`
  }

  /** Takes no more events from the connections. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #pass(index: number, { sequence, sku, frame }: StockEvent): void {
    this.#lastSequence++
    this.#positions[index] = sequence
    const event = { sequence: this.#lastSequence, sku, frame: withId(frame, this.#idOf(this.#positions)) }
    for (const subscriber of this.#subscribers) subscriber.event(event)
  }

  /** Only frames that are asked for are made. */
  *#missedFrames(
    positions: number[],
    missed: readonly (readonly StockEvent[])[],
    skus: ReadonlySet<string> | undefined,
  ): Generator<Pick<StockEvent, 'frame'>> {
    for (const [index, events] of missed.entries()) {
      for (const { sequence, sku, frame } of events) {
        positions[index] = sequence
        if (skus === undefined || skus.has(sku)) yield { frame: withId(frame, this.#idOf(positions)) }
      }
    }
  }

  #idOf(positions: readonly number[]): string {
    return `${this.#runId}-${positions.join('.')}`
  }
}

/** The frame of a stock event with another id. */
const withId = (frame: string, id: string): string => `event: stock\nid: ${id}\n${frame.slice(frame.indexOf('data: '))}`
