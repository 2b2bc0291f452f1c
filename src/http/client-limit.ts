import { isIP } from 'node:net'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { anonymous } from '../config/formats.js'
import { problem } from '../errors.js'

export interface ClientLimitOptions {
  /** Requests that one client may send in a minute; 0: as many as he likes. */
  readonly perMinute: number
}

const ofKey = 'key:'

/** `[2001:db8::1]:443`, with or without the port, and `192.0.2.1:443`. */
const withPort = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/i

/** Addresses that are counted at a time; the one that was quiet for longest is forgotten first. */
const maxAddresses = 10_000

/**
 * A bound on what one client asks for, with `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) on
 * every answer (draft-ietf-httpapi-ratelimit-headers-06) and 429 with `Retry-After` beyond it. A client is a key by its
 * name or, where none was shown, an address; of IPv6 a network of 64 bits, which is what one customer has. What is open
 * to everybody and what proves itself by a signature is not counted.
 */
export default fastifyPlugin<ClientLimitOptions>(
  async (app: FastifyInstance, { perMinute }) => {
    app.decorateRequest('client', {
      getter(this: FastifyRequest) {
        const { caller } = this
        if (caller !== null && caller.name !== anonymous) return ofKey + caller.name
        return addressOf(this.ip)
      },
    })
    if (perMinute === 0) return
    await app.register(rateLimit, { global: false })
    const limits = {
      max: perMinute,
      timeWindow: 60_000,
      keyGenerator: (request: FastifyRequest) => request.client,
      // The one that the plugin itself is told holds for routes, not for this.
      cache: maxAddresses,
    }
    // Apart, so that a flood of addresses does not have a key's count forgotten.
    const countKey = app.createRateLimit(limits)
    const countAddress = app.createRateLimit(limits)
    app.addHook('onRequest', async (request, reply) => {
      const { access } = request.routeOptions.config
      if (access === 'open' || access === 'signature') return
      const counted = await (request.client.startsWith(ofKey) ? countKey : countAddress)(request)
      if (counted.isAllowed) return
      reply
        .header('ratelimit-limit', counted.max)
        .header('ratelimit-remaining', counted.remaining)
        .header('ratelimit-reset', counted.ttlInSeconds)
      if (!counted.isExceeded) return
      const allowed = `${perMinute} ${perMinute === 1 ? 'request' : 'requests'}`
      throw problem('rate_limited', `Expected at most ${allowed} a minute of one client, but got more`, {
        retryAfter: counted.ttlInSeconds,
      })
    })
  },
  { name: 'client-limit', dependencies: ['access'] },
)

/**
 * A proxy is believed as to whom it speaks for, not as to what it writes: some add the port, which is another with each
 * connection, and what a caller forges may be of any length. What is no address is one client, all together; so is who
 * has cut his connection, whose address is not known any more.
 */
function addressOf(ip: string | undefined): string {
  const given = ip ?? ''
  const bare = isIP(given) === 0 ? given.replace(withPort, '$1$2') : given
  return isIP(bare) === 0 ? 'unknown' : normalizeIP(bare)
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who takes turns and is counted: a key by its name, or else an address. */
    readonly client: string
  }
}
