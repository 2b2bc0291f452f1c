import type { ServerResponse } from 'node:http'
import type { EventLog, StockEvent } from '../stock/event-log.js'

/** What a reader may leave unread before he is dropped: he comes back with `Last-Event-ID` and misses nothing. */
const maxUnreadBytes = 256 * 1024
/** Keeps proxies from closing a line on which nothing happens. */
const heartbeatMs = 15_000
/** Most readers at a time: each holds a socket. */
const maxReaders = 10_000

interface Reader {
  readonly response: ServerResponse
  /** Undefined: all. */
  readonly skus: ReadonlySet<string> | undefined
}

/**
 * Who reads `/stock/events`. An event is made into text once and written to all whom it concerns; one timer keeps every
 * line open. Nobody is waited for: who does not read is dropped, so memory is bounded by what a socket may hold.
 */
export class EventReaders {
  readonly #readers = new Set<Reader>()
  readonly #stopListening: () => void
  readonly #heartbeat: NodeJS.Timeout

  constructor(private readonly log: EventLog) {
    this.#stopListening = log.listen((event) => this.#tell(event))
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs)
    this.#heartbeat.unref()
  }

  get count(): number {
    return this.#readers.size
  }

  get isFull(): boolean {
    return this.#readers.size >= maxReaders
  }

  /** Takes a reader on; what he missed since `lastEventId` comes first, or word that it can no longer be told. */
  add(response: ServerResponse, skus: ReadonlySet<string> | undefined, lastEventId: string | undefined): void {
    const reader = { response, skus }
    response.write('retry: 2000\n\n')
    if (lastEventId !== undefined) response.write(this.#missed(skus, lastEventId))
    this.#readers.add(reader)
    response.on('close', () => this.#readers.delete(reader))
  }

  /** Says good-bye to everybody. */
  close(): void {
    this.#stopListening()
    clearInterval(this.#heartbeat)
    for (const { response } of this.#readers) response.end()
    this.#readers.clear()
  }

  /** What a reader missed; too much to be left unread is as good as not known. */
  #missed(skus: Reader['skus'], lastEventId: string): string {
    const missed = this.log.since(lastEventId)?.filter(({ sku }) => skus === undefined || skus.has(sku))
    const frames = missed?.map(({ frame }) => frame).join('')
    return frames === undefined || frames.length > maxUnreadBytes ? this.log.resetFrame() : frames
  }

  #tell(event: StockEvent): void {
    for (const reader of this.#readers) this.#write(reader, event)
  }

  #write(reader: Reader, { sku, frame }: StockEvent): void {
    if (reader.skus !== undefined && !reader.skus.has(sku)) return
    if (reader.response.writableLength + frame.length > maxUnreadBytes) this.#drop(reader)
    else reader.response.write(frame)
  }

  #beat(): void {
    for (const { response } of this.#readers) response.write(':\n\n')
  }

  #drop(reader: Reader): void {
    this.#readers.delete(reader)
    reader.response.destroy()
  }
}
