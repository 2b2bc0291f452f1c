import type { ServerResponse } from 'node:http'
import type { ResumableEvents, StockEvent } from './event-log.js'

/** What one reader may leave unread before it is disconnected. It reconnects with `Last-Event-ID` and misses nothing. */
const maxUnreadBytesPerReader = 256 * 1024
/** What all readers of the process together may leave unread; with many readers each one's limit shrinks. */
const maxUnreadBytesTotal = 128 * 1024 * 1024
/** Sent last when the service ends a stream. Clients skip comments. */
const endComment = ': the service ends this stream\n\n'
/** Keeps proxies from closing an idle connection. */
const heartbeatMs = 15_000
/** Readers that lose their connections at the same moment reconnect spread over this range. */
const minRetryMs = 1000
const maxRetryMs = 5000
const retryMs = () => Math.round(minRetryMs + Math.random() * (maxRetryMs - minRetryMs))
/** How long one turn of the event loop spends on writing events. */
const maxTurnMs = 2
/** With more events waiting than this, all readers are disconnected, and catch up when they reconnect. */
const maxPendingEvents = 10_000

/** The open streams of the process: of all connections and groups. */
export interface ReaderCount {
  total: number
}

interface Reader {
  readonly response: ServerResponse
  /** Undefined: all SKUs. */
  readonly skus: ReadonlySet<string> | undefined
  /** The reader gets only events after this number: it has received the earlier ones, or connected after them. */
  readonly afterSequence: number
}

/**
 * Sends events to the open streams of `GET /stock/events`. Each event is serialised once and written to all streams that
 * want it, for a few milliseconds per turn of the event loop, so that a thousand readers do not delay other requests.
 * One timer sends the heartbeats of all streams. Slow readers are disconnected, never waited for, so memory is bounded.
 */
export class EventReaders {
  readonly #readers = new Set<Reader>()
  /** Events that some readers have not received yet. */
  readonly #pending: StockEvent[] = []
  /** The readers that have not received the first pending event yet. */
  #remaining: Iterator<Reader> | undefined
  #turn: NodeJS.Immediate | undefined
  readonly #unsubscribe: () => void
  readonly #heartbeat: NodeJS.Timeout

  constructor(
    private readonly log: ResumableEvents,
    private readonly open: ReaderCount = { total: 0 },
  ) {
    this.#unsubscribe = log.subscribe({
      event: (event) => {
        if (this.#readers.size === 0) return
        if (this.#pending.push(event) > maxPendingEvents) this.#disconnectAll()
        this.#turn ??= setImmediate(() => this.#writePending())
      },
      end: () => this.#disconnectAll(),
    })
    this.#heartbeat = setInterval(() => this.#sendHeartbeats(), heartbeatMs)
    this.#heartbeat.unref()
  }

  get count(): number {
    return this.#readers.size
  }

  /**
   * Adds a reader. With a `lastEventId` it first gets the events since then, or `reset` if they are no longer buffered.
   * @param skus the SKUs to send events of; undefined: all
   */
  add(response: ServerResponse, skus: ReadonlySet<string> | undefined, lastEventId: string | undefined): void {
    // A response that is already destroyed emits no `close`, so the reader would never be removed.
    if (response.destroyed) return
    const reader = { response, skus, afterSequence: this.log.lastSequence }
    const missed = lastEventId === undefined ? '' : this.#missedFrames(skus, lastEventId)
    response.write(`${missed}retry: ${retryMs()}\n${this.log.positionField}\n`)
    this.#readers.add(reader)
    this.open.total++
    response.on('close', () => this.#remove(reader))
  }

  /** Ends all streams without waiting for slow readers. */
  close(): void {
    this.#unsubscribe()
    clearInterval(this.#heartbeat)
    clearImmediate(this.#turn)
    this.#disconnectAll()
  }

  #disconnectAll(): void {
    this.#pending.length = 0
    this.#remaining = undefined
    for (const reader of this.#readers) {
      const { response } = reader
      this.#remove(reader)
      if (response.writableLength === 0) response.end(endComment)
      else response.destroy()
    }
  }

  /** In bytes, as Node counts `writableLength`: beyond ASCII in UTF-16 code units. */
  get #maxUnreadBytes(): number {
    return Math.min(maxUnreadBytesPerReader, maxUnreadBytesTotal / Math.max(1, this.open.total))
  }

  /** A reader that has missed so much that the next event could exceed its limit gets `reset` instead. */
  #missedFrames(skus: Reader['skus'], lastEventId: string): string {
    let frames = ''
    const missed = this.log.since(lastEventId, skus)
    if (missed === undefined) return this.log.resetFrame()
    for (const { frame } of missed) {
      frames += frame
      if (frames.length > this.#maxUnreadBytes / 2) return this.log.resetFrame()
    }
    return frames
  }

  /** Writes pending events to all readers, event by event, until this turn of the event loop is used up. */
  #writePending(): void {
    const until = performance.now() + maxTurnMs
    for (let event = this.#pending[0]; event !== undefined; event = this.#pending[0]) {
      this.#remaining ??= this.#readers.values()
      for (let next = this.#remaining.next(); !next.done; next = this.#remaining.next()) {
        this.#write(next.value, event)
        if (performance.now() > until) {
          this.#turn = setImmediate(() => this.#writePending())
          return
        }
      }
      this.#remaining = undefined
      this.#pending.shift()
    }
    this.#turn = undefined
  }

  #write(reader: Reader, { sequence, sku, frame }: StockEvent): void {
    if (sequence <= reader.afterSequence || (reader.skus !== undefined && !reader.skus.has(sku))) return
    if (reader.response.writableLength + frame.length > this.#maxUnreadBytes) this.#disconnect(reader)
    else reader.response.write(frame)
  }

  #sendHeartbeats(): void {
    // While events are pending the position is ahead of some readers: resuming from there, they would miss events.
    const comment = this.#pending.length === 0 ? `:\n${this.log.positionField}\n` : ':\n\n'
    for (const reader of this.#readers) {
      // The limit shrinks as readers are added.
      if (reader.response.writableLength > this.#maxUnreadBytes) this.#disconnect(reader)
      else reader.response.write(comment)
    }
  }

  #disconnect(reader: Reader): void {
    this.#remove(reader)
    reader.response.destroy()
  }

  #remove(reader: Reader): void {
    if (this.#readers.delete(reader)) this.open.total--
  }
}
