import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { RedisLink } from './redis-link.js'

/** An entry of a stream. */
export interface StreamEntry {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

interface Followed {
  readonly handle: (entry: StreamEntry) => void
  lastId: string
}

/** How long one read waits for entries: streams that are added meanwhile are read from then on. */
const blockMs = 200
const maxEntries = 500
const retryMs = 100

/** Reads streams with one connection, from their ends, and passes their entries on in order. */
export class RedisStreamReader {
  readonly #streams = new Map<string, Followed>()
  #isClosed = false

  constructor(private readonly link: RedisLink) {
    // Entries from before have other ids, and what was missed is merged.
    link.on('replaced', () => {
      for (const stream of this.#streams.values()) stream.lastId = '$'
    })
  }

  start(): void {
    void this.#read(this.link.createBlocking())
  }

  add(key: string, handle: (entry: StreamEntry) => void): void {
    this.#streams.set(key, { handle, lastId: '$' })
  }

  /** Whether everything that comes is passed on from now on. */
  follows(key: string): boolean {
    return this.#streams.get(key)?.lastId !== '$'
  }

  remove(key: string): void {
    this.#streams.delete(key)
  }

  close(): void {
    this.#isClosed = true
  }

  async #read(client: Redis): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#findEnds(client)
        const streams = Array.from(this.#streams).filter(([, { lastId }]) => lastId !== '$')
        if (streams.length === 0) {
          await sleep(retryMs, undefined, { ref: false })
          continue
        }
        const ids = streams.map(([, { lastId }]) => lastId)
        const keys = streams.map(([key]) => key)
        const found = await client.xread('COUNT', maxEntries, 'BLOCK', blockMs, 'STREAMS', ...keys, ...ids)
        for (const [key, entries] of found ?? []) this.#pass(key, entries)
      } catch {
        await sleep(retryMs, undefined, { ref: false })
      }
    }
  }

  /** `$` as the position of each read would miss what comes between two reads. */
  async #findEnds(client: Redis): Promise<void> {
    for (const [key, stream] of this.#streams) {
      if (stream.lastId !== '$') continue
      const [latest] = await client.xrevrange(key, '+', '-', 'COUNT', 1)
      stream.lastId = latest?.[0] ?? '0-0'
    }
  }

  #pass(key: string, entries: [id: string, fields: string[]][]): void {
    const stream = this.#streams.get(key)
    if (stream === undefined) return
    for (const [id, pairs] of entries) {
      stream.lastId = id
      const fields: Record<string, string> = {}
      for (let index = 0; index < pairs.length; index += 2) fields[pairs[index] ?? ''] = pairs[index + 1] ?? ''
      stream.handle({ id, fields })
    }
  }
}
