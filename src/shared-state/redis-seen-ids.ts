import { hash } from 'node:crypto'
import { InProcessSeenIds, type SeenIds } from '../http/seen-ids.js'
import { keyPrefix, type RedisLink } from './redis-link.js'

/** Svix retries a delivery for more than a day. */
const rememberedMs = 30 * 3600_000

/** The deliveries that any replica has applied. While Redis is down, those of this process. */
export class RedisSeenIds implements SeenIds {
  readonly #own = new InProcessSeenIds()

  constructor(private readonly link: RedisLink) {}

  async has(id: string): Promise<boolean> {
    if (this.#own.has(id)) return true
    try {
      return (await this.link.run((redis) => redis.exists(keyOf(id)))) === 1
    } catch {
      return false
    }
  }

  add(id: string): void {
    this.#own.add(id)
    this.link.send((redis) => redis.set(keyOf(id), '', 'PX', rememberedMs))
  }
}

/** An id may be of any length. */
const keyOf = (id: string) => `${keyPrefix}delivery:${id.length > 64 ? hash('sha256', id) : id}`
