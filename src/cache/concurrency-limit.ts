/** The part of all places that one client may take: however many he asks for, some are left for others. */
const shareOfOne = 3 / 4

/**
 * Bounds how much of something there may be at a time, and how much of that by one client. For requests that wait for
 * upstream the budget refuses what would come too late; this refuses what would take too much memory: a request that
 * waits keeps its socket, its parser and all that it has read so far. A reader of events does so for hours.
 */
export class ConcurrencyLimit {
  readonly #byClient = new Map<string, number>()
  readonly #mostOfOne: number
  #taken = 0

  /** @param places for all together; one more is turned away */
  constructor(private readonly places: number) {
    this.#mostOfOne = Math.ceil(places * shareOfOne)
  }

  get used(): number {
    return this.#taken
  }

  /** Takes a place for `client` if there is one for him, and says whether there was. */
  tryAcquire(client: string): boolean {
    const own = this.#byClient.get(client) ?? 0
    if (this.#taken >= this.places || own >= this.#mostOfOne) return false
    this.#byClient.set(client, own + 1)
    this.#taken++
    return true
  }

  /** Gives back one that `client` has taken. */
  release(client: string): void {
    const own = this.#byClient.get(client) ?? 0
    if (own > 1) this.#byClient.set(client, own - 1)
    else this.#byClient.delete(client)
    this.#taken--
  }
}
