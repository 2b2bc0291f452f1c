/**
 * Bounds how many requests may wait for upstream at a time. The budget refuses what would come too late; this refuses
 * what would take too much memory: a request that waits keeps its socket, its parser and all that it has read so far.
 */
export class WaitingRoom {
  #taken = 0

  /** @param seats requests that may wait; one more is turned away */
  constructor(private readonly seats: number) {}

  get waiting(): number {
    return this.#taken
  }

  /** Takes a seat if there is one, and says whether there was. */
  enter(): boolean {
    if (this.#taken >= this.seats) return false
    this.#taken++
    return true
  }

  leave(): void {
    this.#taken--
  }
}
