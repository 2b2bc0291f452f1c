/** Most keys whose loss is remembered; the oldest are forgotten first. */
const maxSuspected = 20_000

/** What an answer from upstream lacks. */
export interface Loss {
  /** How many of the known records are missing from the answer. */
  readonly missing: number
  /** How many of the records that the answer should contain are known. */
  readonly known: number
  /** What the loss is remembered under: the keys of the missing records, or the name of the list. */
  readonly keys: readonly string[]
}

/**
 * Decides whether to believe upstream when known records are missing from an answer.
 *
 * Upstream gives the same empty answer for records that are gone and for a copy that it is rebuilding. A loss of more
 * than half of the known records is therefore believed only when it is seen for the second time.
 */
export class LossGuard {
  readonly #suspected = new Set<string>()

  /** @param believedAtOnce a loss of at most this many records is always plausible */
  constructor(private readonly believedAtOnce = 0) {}

  /** Whether any loss was seen once and is not believed yet. */
  get hasSuspected(): boolean {
    return this.#suspected.size > 0
  }

  /** Whether a loss under this key was seen once and is not believed yet. */
  isSuspected(key: string): boolean {
    return this.#suspected.has(key)
  }

  /** Whether the loss is small enough to be believed at once. */
  isPlausible({ missing, known }: Loss): boolean {
    return missing <= this.believedAtOnce || missing * 2 <= known
  }

  /** Whether to believe the loss. If not, it is remembered, and believed when each of its keys is lost again. */
  believes(loss: Loss): boolean {
    const isBelieved = this.isPlausible(loss) || loss.keys.every((key) => this.#suspected.has(key))
    for (const key of loss.keys) {
      this.#suspected.delete(key)
      if (!isBelieved) this.#suspected.add(key)
    }
    for (const oldest of this.#suspected) {
      if (this.#suspected.size <= maxSuspected) break
      this.#suspected.delete(oldest)
    }
    return isBelieved
  }

  /** Forgets a loss: the record was seen again. */
  clear(key: string): void {
    this.#suspected.delete(key)
  }
}
