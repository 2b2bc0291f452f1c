import { LRUCache } from 'lru-cache'

/** Counts what clients use, each in windows of a minute. Replicas may share the counts. */
export interface ClientCounts {
  /**
   * Adds `cost` to what `client` has used in its window. A window starts with the first request after the last one. A
   * promise never rejects.
   */
  add(client: string, cost: number): ClientCount | Promise<ClientCount>
}

export interface ClientCount {
  /** What the client has used in this window, this request included. */
  readonly used: number
  /** Time left of the window, in ms. */
  readonly resetMs: number
}

/** How long a window is. */
export const clientWindowMs = 60_000

/** Counts in the memory of one process. */
export class InProcessClientCounts implements ClientCounts {
  readonly #windows: LRUCache<string, { used: number; readonly endsAt: number }>

  /**
   * @param elapsed monotonic time in ms
   * @param maxClients clients that are counted at a time; the least recently seen is dropped first
   */
  constructor(
    private readonly elapsed: () => number,
    maxClients: number,
  ) {
    this.#windows = new LRUCache({ max: maxClients })
  }

  add(client: string, cost: number): ClientCount {
    const now = this.elapsed()
    let window = this.#windows.get(client)
    if (window === undefined || window.endsAt <= now) {
      window = { used: 0, endsAt: now + clientWindowMs }
      this.#windows.set(client, window)
    }
    window.used += cost
    return { used: window.used, resetMs: window.endsAt - now }
  }
}
