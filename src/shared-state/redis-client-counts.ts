import { LRUCache } from 'lru-cache'
import { type ClientCount, type ClientCounts, clientWindowMs } from '../http/client-counts.js'
import { keyPrefix, type RedisLink } from './redis-link.js'

/** Clients with a smaller limit wait for Redis with each request: the counts of replicas must not add up to more. */
const minLimitOfEstimates = 2000
/** What this process has counted is added to Redis this often, while no request waits for it. */
const flushMs = 10

interface Window {
  /** What Redis has counted, as far as is known here. */
  known: number
  /** What this process has counted, and Redis has not confirmed yet. */
  unconfirmed: number
  /** In the clock's `elapsed` ms. */
  endsAt: number
}

interface Addition {
  cost: number
  readonly exact: { readonly upTo: number; readonly resolve: (count: ClientCount) => void }[]
}

export interface RedisClientCountsOptions {
  readonly link: RedisLink
  /** Names what is counted, in the keys. */
  readonly name: string
  /** What a client may use in a window. */
  readonly limit: number
  readonly elapsed: () => number
  readonly maxClients?: number
}

/**
 * The counts of all replicas. No request waits for Redis while its client is far from the limit: what this process has
 * counted is added in the background. A client that has used half of its limit, or has a small one, waits for one round
 * trip, so that all replicas together let it use its limit and no more. While Redis is down, each replica counts by itself.
 */
export class RedisClientCounts implements ClientCounts {
  readonly #windows: LRUCache<string, Window>
  #additions = new Map<string, Addition>()
  #isFlushing = false
  #isScheduled = false

  constructor(private readonly options: RedisClientCountsOptions) {
    this.#windows = new LRUCache({ max: options.maxClients ?? 10_000 })
  }

  add(client: string, cost: number): ClientCount | Promise<ClientCount> {
    const { link, limit, elapsed } = this.options
    const now = elapsed()
    let window = this.#windows.get(client)
    if (window === undefined || window.endsAt <= now) {
      window = { known: 0, unconfirmed: 0, endsAt: now + clientWindowMs }
      this.#windows.set(client, window)
    }
    const counted = window
    if (!link.isUp) {
      counted.known += cost
      return countOf(counted, now)
    }
    counted.unconfirmed += cost
    const addition = this.#addition(client)
    addition.cost += cost
    const isFar =
      limit >= minLimitOfEstimates &&
      counted.known + counted.unconfirmed <= limit / 2 &&
      counted.unconfirmed <= limit / (2 * link.replicas)
    if (isFar) {
      if (!this.#isScheduled && !this.#isFlushing) {
        this.#isScheduled = true
        setTimeout(() => void this.#flush(), flushMs).unref()
      }
      return countOf(counted, now)
    }
    return new Promise((resolve) => {
      addition.exact.push({ upTo: addition.cost, resolve })
      if (addition.exact.length === 1 && !this.#isFlushing) setImmediate(() => void this.#flush())
    })
  }

  #addition(client: string): Addition {
    let addition = this.#additions.get(client)
    if (addition === undefined) {
      addition = { cost: 0, exact: [] }
      this.#additions.set(client, addition)
    }
    return addition
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing || this.#additions.size === 0) return
    const { link, name, elapsed } = this.options
    const additions = Array.from(this.#additions)
    this.#additions = new Map()
    this.#isScheduled = false
    this.#isFlushing = true
    let counts: number[] | undefined
    try {
      const keys = additions.map(([client]) => `${keyPrefix}used:${name}:${client}`)
      const costs = additions.map(([, { cost }]) => cost)
      counts = await link.run((redis) => redis.addCounts(keys.length, ...keys, clientWindowMs, ...costs))
    } catch {
      // Counted by this process alone.
    }
    this.#isFlushing = false
    const now = elapsed()
    for (const [index, [client, { cost, exact }]] of additions.entries()) {
      const window = this.#windows.get(client) ?? { known: 0, unconfirmed: cost, endsAt: now + clientWindowMs }
      window.unconfirmed = Math.max(0, window.unconfirmed - cost)
      window.known = counts?.[index * 2] ?? window.known + cost
      if (counts) window.endsAt = now + (counts[index * 2 + 1] ?? clientWindowMs)
      for (const { upTo, resolve } of exact) {
        resolve({ used: window.known - cost + upTo, resetMs: Math.max(1, window.endsAt - now) })
      }
    }
    if (Array.from(this.#additions.values()).some(({ exact }) => exact.length > 0)) void this.#flush()
    else if (this.#additions.size > 0) {
      this.#isScheduled = true
      setTimeout(() => void this.#flush(), flushMs).unref()
    }
  }
}

const countOf = ({ known, unconfirmed, endsAt }: Window, now: number): ClientCount => ({
  used: known + unconfirmed,
  resetMs: Math.max(1, endsAt - now),
})
