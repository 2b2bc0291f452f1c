import { firstNot } from '../binary-search.js'
import type { StockIndexEntry } from './stock-index.js'

/** A position in the order: by available units, then by product id, which is unique. */
export interface StockPosition {
  readonly available: number
  readonly productId: string
}

/** Negative if `a` comes before `b`, in code unit order of the ids. */
export const compareStock = (a: StockPosition, b: StockPosition): number =>
  a.available - b.available || (a.productId < b.productId ? -1 : Number(a.productId > b.productId))

/** Entries of one chunk at most; it is split in halves then. Small enough to insert into, and for few chunks. */
const maxChunk = 512

/**
 * Entries in their order, kept up to date: chunks of sorted entries, none of them empty. Adding, removing and finding a
 * position take a few µs among 200,000 entries, which take about 12 bytes each besides themselves.
 */
export class StockOrder<E extends StockPosition = StockIndexEntry> {
  readonly #chunks: E[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(entry: E): void {
    this.#size++
    // Behind all others it goes into the last chunk.
    const n = Math.min(this.#chunkFrom(entry), this.#chunks.length - 1)
    const chunk = this.#chunks[n]
    if (chunk === undefined) {
      this.#chunks.push([entry])
      return
    }
    chunk.splice(placeIn(chunk, entry), 0, entry)
    if (chunk.length > maxChunk) this.#chunks.splice(n + 1, 0, chunk.splice(maxChunk / 2))
  }

  /** Removes the entry at this position, if there is one. */
  delete(position: StockPosition): void {
    const n = this.#chunkFrom(position)
    const chunk = this.#chunks[n]
    if (chunk === undefined) return
    const place = placeIn(chunk, position)
    if (chunk[place]?.productId !== position.productId || chunk[place]?.available !== position.available) return
    this.#size--
    chunk.splice(place, 1)
    if (chunk.length === 0) this.#chunks.splice(n, 1)
  }

  /** A copy of all entries, in their order. */
  entries(): E[] {
    // Many times as fast as `flat`, which looks at each entry.
    return ([] as E[]).concat(...this.#chunks)
  }

  /** The entries behind a position, or all, in their order. They must not change meanwhile. */
  *after(position: StockPosition | undefined): Generator<E> {
    let n = position === undefined ? 0 : this.#chunkFrom(position)
    for (let chunk = this.#chunks[n]; chunk !== undefined; chunk = this.#chunks[++n]) {
      let place = position === undefined ? 0 : placeIn(chunk, position)
      for (let entry = chunk[place]; entry !== undefined; entry = chunk[++place]) {
        if (position === undefined || compareStock(entry, position) > 0) yield entry
      }
    }
  }

  /** The first chunk that does not end before a position. */
  #chunkFrom(position: StockPosition): number {
    const endsBefore = (chunk: E[]) => compareStock(chunk.at(-1) as E, position) < 0
    return firstNot(this.#chunks, endsBefore)
  }
}

/** Where a position is, or would be, in a chunk. */
const placeIn = (chunk: readonly StockPosition[], position: StockPosition): number =>
  firstNot(chunk, (entry) => compareStock(entry, position) < 0)
