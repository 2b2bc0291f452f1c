import { LRUCache } from 'lru-cache'

/** The ids of webhook deliveries that were applied, so that none is applied twice. Replicas may share them. */
export interface SeenIds {
  /** Whether a delivery with this id was applied before. A promise never rejects. */
  has(id: string): boolean | Promise<boolean>
  add(id: string): void
}

/** Ids to remember. Svix retries a delivery for about a day. */
const maxSeenIds = 20_000

/** The ids that one process has seen. */
export class InProcessSeenIds implements SeenIds {
  readonly #ids = new LRUCache<string, true>({ max: maxSeenIds })

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.set(id, true)
  }
}
