import { isIP } from 'node:net'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { anonymous } from '../config/formats.js'
import { problem } from '../errors.js'

export interface ClientLimitOptions {
  /** Requests that one client may send per minute; 0: no limit. */
  readonly perMinute: number
}

const keyPrefix = 'key:'

/** `[2001:db8::1]:443`, with or without the port, and `192.0.2.1:443`. */
const addressWithPort = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/i

/** Clients that are counted at a time; the least recently seen is dropped first. */
const maxClients = 10_000

/**
 * Limits the requests of each client per minute: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds)
 * on every response (draft-ietf-httpapi-ratelimit-headers-06), and 429 with `Retry-After` beyond the limit. A client is
 * the name of an API key or, without a valid key, an IP address; for IPv6 its /64 network, which is what one customer
 * has. Open routes and routes with a signature are not limited.
 */
export default fastifyPlugin<ClientLimitOptions>(
  async (app: FastifyInstance, { perMinute }) => {
    app.decorateRequest('client', {
      getter(this: FastifyRequest) {
        const { caller } = this
        if (caller !== null && caller.name !== anonymous) return keyPrefix + caller.name
        return clientAddress(this.ip)
      },
    })
    if (perMinute === 0) return
    await app.register(rateLimit, { global: false })
    const options = {
      max: perMinute,
      timeWindow: 60_000,
      keyGenerator: (request: FastifyRequest) => request.client,
      // The plugin's own `cache` option does not apply to `createRateLimit`.
      cache: maxClients,
    }
    // Two caches, so that a flood of addresses does not evict the count of a key.
    const countKey = app.createRateLimit(options)
    const countAddress = app.createRateLimit(options)
    app.addHook('onRequest', async (request, reply) => {
      const { access } = request.routeOptions.config
      if (access === 'open' || access === 'signature') return
      const limit = await (request.client.startsWith(keyPrefix) ? countKey : countAddress)(request)
      if (limit.isAllowed) return
      reply
        .header('ratelimit-limit', limit.max)
        .header('ratelimit-remaining', limit.remaining)
        .header('ratelimit-reset', limit.ttlInSeconds)
      if (!limit.isExceeded) return
      const requests = `${perMinute} ${perMinute === 1 ? 'request' : 'requests'}`
      throw problem('rate_limited', `The limit is ${requests} per minute for each client`, {
        retryAfter: limit.ttlInSeconds,
      })
    })
  },
  { name: 'client-limit', dependencies: ['auth'] },
)

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
}
