import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { anonymous } from '../config/formats.js'
import { type Problem, problem } from '../errors.js'

export interface ClientLimitOptions {
  /** What the requests of one client may cost per minute; 0: no limit. */
  readonly perMinute: number
  /** Monotonic time in ms. */
  readonly elapsed: () => number
  /** Clients of one kind that are counted at a time; the least recently seen is dropped first. Default: 10 000. */
  readonly maxClients?: number
}

/** Counts what clients use, each in windows of a minute. */
export interface ClientCounts {
  /** Adds `cost` to what `client` has used in its window. A window starts with the first request after the last one. */
  add(client: string, cost: number): ClientCount
}

export interface ClientCount {
  /** What the client has used in this window, this request included. */
  readonly used: number
  /** Time left of the window, in ms. */
  readonly resetMs: number
}

const keyPrefix = 'key:'
const windowMs = 60_000

/** `[2001:db8::1]:443`, with or without the port, and `192.0.2.1:443`. */
const addressWithPort = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/i

/**
 * Limits what the requests of each client cost per minute: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`
 * (seconds) on every response (draft-ietf-httpapi-ratelimit-headers-06), and 429 with `Retry-After` beyond the limit. A
 * request costs 1 or, if its route has a `cost`, what that returns. Rejected requests count as well.
 *
 * A client is the name of an API key or, without a valid key, an IP address; for IPv6 its /64 network, which is what one
 * customer has. Open routes and routes with a signature are not limited.
 *
 * The first unit is counted before the body is read, so that a client beyond its limit cannot make the service parse.
 */
export default fastifyPlugin<ClientLimitOptions>(
  async (app: FastifyInstance, { perMinute, elapsed, maxClients = 10_000 }) => {
    app.decorateRequest('client', {
      getter(this: FastifyRequest) {
        const { caller } = this
        if (caller !== null && caller.name !== anonymous) return keyPrefix + caller.name
        return clientAddress(this.ip)
      },
    })
    if (perMinute === 0) return
    // Apart, so that a flood of addresses does not evict the count of a key.
    const keyCounts = inMemoryCounts(elapsed, maxClients)
    const addressCounts = inMemoryCounts(elapsed, maxClients)

    function count({ client }: FastifyRequest, reply: FastifyReply, added: number, cost = added): Problem | undefined {
      const counts = client.startsWith(keyPrefix) ? keyCounts : addressCounts
      const { used, resetMs } = counts.add(client, added)
      const resetSeconds = Math.ceil(resetMs / 1000)
      reply
        .header('ratelimit-limit', perMinute)
        .header('ratelimit-remaining', Math.max(0, perMinute - used))
        .header('ratelimit-reset', resetSeconds)
      if (used <= perMinute) return undefined
      return problem('rate_limited', limitDetail(perMinute, cost), { retryAfter: resetSeconds })
    }

    app.addHook('onRequest', (request, reply, done) => {
      const { access } = request.routeOptions.config
      const isCounted = access !== 'open' && access !== 'signature'
      done(isCounted ? count(request, reply, 1) : undefined)
    })
    app.addHook('preValidation', (request, reply, done) => {
      const cost = request.routeOptions.config.cost?.(request) ?? 1
      done(cost > 1 ? count(request, reply, cost - 1, cost) : undefined)
    })
  },
  { name: 'client-limit', dependencies: ['auth'] },
)

/** Counts in the memory of this process. */
function inMemoryCounts(elapsed: () => number, maxClients: number): ClientCounts {
  const windows = new LRUCache<string, { used: number; readonly endsAt: number }>({ max: maxClients })
  return {
    add(client, cost) {
      const now = elapsed()
      let window = windows.get(client)
      if (window === undefined || window.endsAt <= now) {
        window = { used: 0, endsAt: now + windowMs }
        windows.set(client, window)
      }
      window.used += cost
      return { used: window.used, resetMs: window.endsAt - now }
    },
  }
}

function limitDetail(perMinute: number, cost: number): string {
  const limit = `The limit is ${perMinute} ${perMinute === 1 ? 'request' : 'requests'} per minute for each client`
  if (cost === 1) return limit
  const advice = cost > perMinute ? `; ask for at most ${perMinute} at a time` : ''
  return `${limit}, and this one counts as ${cost}: one for each SKU or line${advice}`
}

/**
 * The address to count a request by. A trusted proxy may add the port, which differs for each connection, or pass on a
 * forged value of any length. All values that are not an address count as one client, and so does a connection that is
 * already closed, whose address is undefined.
 */
function clientAddress(ip = ''): string {
  const address = isIP(ip) === 0 ? ip.replace(addressWithPort, '$1$2') : ip
  return isIP(address) === 0 ? 'unknown' : normalizeIP(address)
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The client for rate limits and fair queueing: the name of an API key, or an address. */
    readonly client: string
  }
  interface FastifyContextConfig {
    /** What a request costs of its client's limit, read before it is validated; default: 1. */
    cost?: (request: FastifyRequest) => number
  }
}
