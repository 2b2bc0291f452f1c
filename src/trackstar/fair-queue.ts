/**
 * A queue in which callers take turns (round-robin): first the oldest item of one caller, then the oldest item of the
 * next. A caller with a thousand items delays another caller's first item by one.
 */
export class FairQueue<T> {
  /** The items by caller, in the order of turns. */
  readonly #itemsByCaller = new Map<string, T[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(caller: string, item: T): void {
    const items = this.#itemsByCaller.get(caller)
    if (items) items.push(item)
    else this.#itemsByCaller.set(caller, [item])
    this.#size++
  }

  /** The next item; it stays in the queue. */
  peek(): T | undefined {
    for (const [first] of this.#itemsByCaller.values()) return first
    return undefined
  }

  /** Removes and returns the next item; its caller moves to the end of the turns. */
  shift(): T | undefined {
    for (const [caller, items] of this.#itemsByCaller) {
      const item = items.shift()
      this.#itemsByCaller.delete(caller)
      if (items.length > 0) this.#itemsByCaller.set(caller, items)
      this.#size--
      return item
    }
    return undefined
  }

  /** How many items come before a new one of `caller`, if it had `extra` more items (or fewer, if negative). */
  ahead(caller: string, extra = 0): number {
    const own = Math.max(0, (this.#itemsByCaller.get(caller)?.length ?? 0) + extra)
    let ahead = own
    let rounds = own + 1
    for (const [other, items] of this.#itemsByCaller) {
      // Callers that come after `caller` in the order of turns get one turn less before the new item.
      if (other === caller) rounds = own
      else ahead += Math.min(items.length, rounds)
    }
    return ahead
  }

  /** Removes and returns the items that match, in order. */
  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = []
    for (const [caller, items] of this.#itemsByCaller) {
      const kept = items.filter((item) => !matches(item))
      if (kept.length === items.length) continue
      removed.push(...items.filter(matches))
      if (kept.length > 0) this.#itemsByCaller.set(caller, kept)
      else this.#itemsByCaller.delete(caller)
    }
    this.#size -= removed.length
    return removed
  }
}
