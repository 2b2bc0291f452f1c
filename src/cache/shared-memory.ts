/** Something that takes memory out of a {@link SharedMemory}, and can give some back. */
export interface MemoryUser {
  /** What it takes, in bytes. */
  readonly bytes: number
  /** Whether others must not make it evict: its entries are of use only as long as they are complete. */
  readonly isSpared: boolean
  /** Evicts the least recently used entry. */
  evict(): void
}

/** One bound on the memory of several users, so that what one does not need is left to the others. */
export class SharedMemory {
  readonly #users = new Set<MemoryUser>()

  /** @param max what all users together may take, in bytes; may change */
  constructor(private readonly max: () => number) {}

  get maxBytes(): number {
    return this.max()
  }

  /** What all users take, in bytes. */
  get bytes(): number {
    let bytes = 0
    for (const user of this.#users) bytes += user.bytes
    return bytes
  }

  add(user: MemoryUser): void {
    this.#users.add(user)
  }

  /** Forgets a user, which is no longer used. */
  remove(user: MemoryUser): void {
    this.#users.delete(user)
  }

  /**
   * Evicts until all users together fit: from the user that takes most of those that are not spared. If all are spared, from
   * `user`, which has just grown: then it alone suffers for it.
   */
  makeRoom(user: MemoryUser): void {
    const max = this.max()
    while (this.bytes > max) {
      const from = this.#largest() ?? user
      if (from.bytes === 0) return
      from.evict()
    }
  }

  #largest(): MemoryUser | undefined {
    let largest: MemoryUser | undefined
    for (const user of this.#users) {
      if (!user.isSpared && user.bytes > (largest?.bytes ?? 0)) largest = user
    }
    return largest
  }
}
