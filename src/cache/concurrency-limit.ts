/** Slots that requests take while they are in progress. */
export interface Slots {
  readonly used: number
  /** Reserves a slot for `client`; false when the limit is reached. */
  tryAcquire(client: string): boolean
  /** Releases a slot of `client`. */
  release(client: string): void
}

/** The part of all slots that one client may hold, so that some are left for others. */
const maxShare = 3 / 4

/**
 * Limits how many requests of a kind are in progress at a time, in total and per client.
 *
 * Such requests take memory: one that waits for upstream, or streams events for hours, keeps its socket, its parser and
 * what it has read so far. (The rate limiter refuses only requests that would be answered too late.)
 */
export class ConcurrencyLimit implements Slots {
  readonly #byClient = new Map<string, number>()
  readonly #maxPerClient: number
  #used = 0

  /** @param slots for all clients together */
  constructor(private readonly slots: number) {
    this.#maxPerClient = Math.ceil(slots * maxShare)
  }

  get used(): number {
    return this.#used
  }

  /** Reserves a slot for `client`; false when the limit is reached. */
  tryAcquire(client: string): boolean {
    const own = this.#byClient.get(client) ?? 0
    if (this.#used >= this.slots || own >= this.#maxPerClient) return false
    this.#byClient.set(client, own + 1)
    this.#used++
    return true
  }

  /** Releases a slot of `client`. */
  release(client: string): void {
    const own = this.#byClient.get(client) ?? 0
    if (own > 1) this.#byClient.set(client, own - 1)
    else this.#byClient.delete(client)
    this.#used--
  }
}

/** The slots of a limit that requests of one kind may take, so that some are left for the others. */
export class SlotShare implements Slots {
  #used = 0

  /** @param max how many of the slots; may change */
  constructor(
    private readonly slots: Slots,
    private readonly max: () => number,
  ) {}

  get used(): number {
    return this.#used
  }

  tryAcquire(client: string): boolean {
    if (this.#used >= this.max() || !this.slots.tryAcquire(client)) return false
    this.#used++
    return true
  }

  release(client: string): void {
    this.slots.release(client)
    this.#used--
  }
}
