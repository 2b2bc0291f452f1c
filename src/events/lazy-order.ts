import type { Steps } from '../steps.js'
import { StockOrder, type StockPosition } from './stock-order.js'

/**
 * An order of what costs a computation for each key, a product or a SKU. Only what has changed is computed again, when the
 * order is needed. Requests at the same time share the work. About 80 bytes for each position, besides the position.
 */
export class LazyOrder<E extends StockPosition> {
  readonly #order = new StockOrder<E>()
  readonly #positions = new Map<string, E | readonly E[]>()
  readonly #changedKeys = new Set<string>()

  /**
   * @param positionsOf computes where a key is in the order now: nowhere, or at one or several positions
   * @param initial the keys that there are at the beginning
   */
  constructor(
    private readonly positionsOf: (key: string) => E | readonly E[],
    private readonly initial: Iterator<string>,
  ) {}

  /** Notes that the positions of a key may have changed. */
  noteChange(key: string): void {
    this.#changedKeys.add(key)
  }

  /** Brings the order up to date and returns it. */
  *current(): Steps<StockOrder<E>> {
    // A key leaves the list in the same step in which it is computed: another request may continue after any step.
    let skipped = 0
    for (let next = this.initial.next(); !next.done; next = this.initial.next()) {
      const isKnown = this.#positions.has(next.value)
      if (!isKnown) this.#update(next.value)
      if (!isKnown || ++skipped % 100 === 0) yield
    }
    // Only what has changed by now: keys may change faster than they are computed.
    let left = this.#changedKeys.size
    for (const key of this.#changedKeys) {
      if (left-- === 0) break
      this.#changedKeys.delete(key)
      this.#update(key)
      yield
    }
    return this.#order
  }

  #update(key: string): void {
    const before = listOf(this.#positions.get(key) ?? [])
    const found = this.positionsOf(key)
    const after = listOf(found)
    if (areSame(before, after)) return
    for (const position of before) this.#order.delete(position)
    for (const position of after) this.#order.add(position)
    if (after.length > 0) this.#positions.set(key, found)
    else this.#positions.delete(key)
  }
}

const listOf = <E extends StockPosition>(positions: E | readonly E[]): readonly E[] =>
  'available' in positions ? [positions] : positions

const areSame = (a: readonly StockPosition[], b: readonly StockPosition[]): boolean =>
  a.length === b.length && a.every((one, n) => one.available === b[n]?.available && one.productId === b[n]?.productId)

/** Orders that are kept, and the positions in all of them together. One is kept in any case. */
const maxOrders = 32
const maxPositions = 400_000

/** The orders that requests asked for, as far as there is room. Those that were asked for longest ago are forgotten. */
export class RecentOrders<O extends { noteChange(key: string): void }> {
  /** The latest last. */
  readonly #orders = new Map<string, O>()

  /** @param size how many positions an order has now */
  get(key: string, size: number, create: () => O): O {
    const order = this.#orders.get(key) ?? create()
    this.#orders.delete(key)
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size < Math.min(maxOrders, maxPositions / size)) break
      this.#orders.delete(oldest)
    }
    this.#orders.set(key, order)
    return order
  }

  noteChange(key: string): void {
    for (const order of this.#orders.values()) order.noteChange(key)
  }
}
