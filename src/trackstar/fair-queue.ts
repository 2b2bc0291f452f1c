/**
 * A queue in which callers take turns: the oldest of the one whose turn it is, then the oldest of the next. So a caller
 * with a thousand things waiting delays another's first by one.
 */
export class FairQueue<T> {
  /** In order of turns. */
  readonly #rows = new Map<string, T[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(caller: string, item: T): void {
    const row = this.#rows.get(caller)
    if (row) row.push(item)
    else this.#rows.set(caller, [item])
    this.#size++
  }

  /** The next to leave, which stays. */
  peek(): T | undefined {
    for (const [first] of this.#rows.values()) return first
    return undefined
  }

  /** The next to leave, which leaves; its caller goes to the end of the turns. */
  shift(): T | undefined {
    for (const [caller, row] of this.#rows) {
      const item = row.shift()
      this.#rows.delete(caller)
      if (row.length > 0) this.#rows.set(caller, row)
      this.#size--
      return item
    }
    return undefined
  }

  /** How many would leave before one more of `caller`, if `extra` more of his own (fewer, if negative) came first. */
  ahead(caller: string, extra = 0): number {
    const own = Math.max(0, (this.#rows.get(caller)?.length ?? 0) + extra)
    let ahead = own
    let rounds = own + 1
    for (const [other, row] of this.#rows) {
      // Whose turn comes after the caller's own gets one turn fewer before this one.
      if (other === caller) rounds = own
      else ahead += Math.min(row.length, rounds)
    }
    return ahead
  }

  /** Takes out, in order, all that `matches`. */
  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = []
    for (const [caller, row] of this.#rows) {
      const kept = row.filter((item) => !matches(item))
      if (kept.length === row.length) continue
      removed.push(...row.filter(matches))
      if (kept.length > 0) this.#rows.set(caller, kept)
      else this.#rows.delete(caller)
    }
    this.#size -= removed.length
    return removed
  }
}
