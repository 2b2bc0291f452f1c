import type { ServerResponse } from 'node:http'
import type { EventLog, StockEvent } from './event-log.js'

/** What a reader may leave unread before he is dropped: he comes back with `Last-Event-ID` and misses nothing. */
const maxUnreadBytes = 256 * 1024
/** What all of them together may; where they are many, each may leave less. */
const maxUnreadByAllBytes = 128 * 1024 * 1024
/** The end of a stream that the service ends: it stops, or can no longer tell events. A comment, which clients skip. */
const farewell = ': the service ends this stream\n\n'
/** Keeps proxies from closing a line on which nothing happens. */
const heartbeatMs = 15_000
/** How long readers are told of events before others get their turn of the event loop. */
const turnMs = 2
/** Events that may be pending: with more come than can be told, readers are sent away, and come back for what matters. */
const maxPending = 10_000

interface Reader {
  readonly response: ServerResponse
  /** Undefined: all. */
  readonly skus: ReadonlySet<string> | undefined
  /** What came up to this event he has been told, or it is not his business. */
  readonly from: number
}

/**
 * Who reads `/stock/events`. An event is made into text once and written to all whom it concerns, some milliseconds at a
 * time, so that a thousand readers do not hold up who asks for the new stock. One timer keeps every line open. Nobody is
 * waited for: who does not read is dropped, so memory is bounded by what a socket may hold.
 */
export class EventReaders {
  readonly #readers = new Set<Reader>()
  /** Events that not all readers have been told yet, and how far the first of them has come. */
  readonly #pending: StockEvent[] = []
  #progress: Iterator<Reader> | undefined
  #turn: NodeJS.Immediate | undefined
  readonly #stopListening: () => void
  readonly #heartbeat: NodeJS.Timeout

  constructor(private readonly log: EventLog) {
    this.#stopListening = log.listen({
      event: (event) => {
        if (this.#pending.push(event) > maxPending) this.#endAll()
        this.#turn ??= setImmediate(() => this.#tell())
      },
      end: () => this.#endAll(),
    })
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs)
    this.#heartbeat.unref()
  }

  get count(): number {
    return this.#readers.size
  }

  /** Takes a reader on; what he missed since `lastEventId` comes first, or word that it can no longer be told. */
  add(response: ServerResponse, skus: ReadonlySet<string> | undefined, lastEventId: string | undefined): void {
    // Gone already: its `close` would never come, and it would be kept for good.
    if (response.destroyed) return
    const reader = { response, skus, from: this.log.last }
    const missed = lastEventId === undefined ? '' : this.#missed(skus, lastEventId)
    response.write(`${missed}retry: 2000\n${this.log.position}\n`)
    this.#readers.add(reader)
    response.on('close', () => this.#readers.delete(reader))
  }

  /** Says good-bye to everybody. Who has not read all that he was told might never do so, and is not waited for. */
  close(): void {
    this.#stopListening()
    clearInterval(this.#heartbeat)
    clearImmediate(this.#turn)
    this.#endAll()
  }

  #endAll(): void {
    this.#pending.length = 0
    this.#progress = undefined
    for (const { response } of this.#readers) {
      if (response.writableLength === 0) response.end(farewell)
      else response.destroy()
    }
    this.#readers.clear()
  }

  /** What one reader may leave unread, in bytes (of text beyond ASCII in characters, as Node counts it). */
  get #mayLeave(): number {
    return Math.min(maxUnreadBytes, maxUnreadByAllBytes / this.#readers.size)
  }

  /** What a reader missed; so much that the next event would find him too slow already is as good as not known. */
  #missed(skus: Reader['skus'], lastEventId: string): string {
    const missed = this.log.since(lastEventId)?.filter(({ sku }) => skus === undefined || skus.has(sku))
    const frames = missed?.map(({ frame }) => frame).join('')
    return frames === undefined || frames.length > this.#mayLeave / 2 ? this.log.resetFrame() : frames
  }

  /** Tells readers of what is pending, event by event, until it is others' turn. */
  #tell(): void {
    const until = performance.now() + turnMs
    for (let event = this.#pending[0]; event !== undefined; event = this.#pending[0]) {
      this.#progress ??= this.#readers.values()
      for (let next = this.#progress.next(); !next.done; next = this.#progress.next()) {
        this.#write(next.value, event)
        if (performance.now() > until) {
          this.#turn = setImmediate(() => this.#tell())
          return
        }
      }
      this.#progress = undefined
      this.#pending.shift()
    }
    this.#turn = undefined
  }

  #write(reader: Reader, { n, sku, frame }: StockEvent): void {
    if (n <= reader.from || (reader.skus !== undefined && !reader.skus.has(sku))) return
    if (reader.response.writableLength + frame.length > this.#mayLeave) this.#drop(reader)
    else reader.response.write(frame)
  }

  #beat(): void {
    // Only where all have been told all: who resumes from a later event would miss what is pending.
    const comment = this.#pending.length === 0 ? `:\n${this.log.position}\n` : ':\n\n'
    for (const reader of this.#readers) {
      // He may have left what was his share when they were fewer.
      if (reader.response.writableLength > this.#mayLeave) this.#drop(reader)
      else reader.response.write(comment)
    }
  }

  #drop(reader: Reader): void {
    this.#readers.delete(reader)
    reader.response.destroy()
  }
}
