import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { anonymous } from '../config/formats.js'
import { type Problem, problem } from '../errors.js'
import { type ClientCount, type ClientCounts, InProcessClientCounts } from './client-counts.js'

export interface ClientLimitOptions {
  /** What the requests of one client may cost per minute; 0: no limit. */
  readonly perMinute: number
  /** Where clients of each kind are counted, apart, so that a flood of addresses does not evict the count of a key. */
  readonly counts: ClientCountsByKind
}

/** The counts of API keys, and of addresses. */
export interface ClientCountsByKind {
  readonly keys: ClientCounts
  readonly addresses: ClientCounts
}

/**
 * Counts in the memory of one process.
 * @param elapsed monotonic time in ms
 * @param maxClients clients of each kind that are counted at a time
 */
export const inProcessCountsByKind = (elapsed: () => number, maxClients = 10_000): ClientCountsByKind => ({
  keys: new InProcessClientCounts(elapsed, maxClients),
  addresses: new InProcessClientCounts(elapsed, maxClients),
})

const keyPrefix = 'key:'

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
  async (app: FastifyInstance, { perMinute, counts }) => {
    app.decorateRequest('client', {
      getter(this: FastifyRequest) {
        const { caller } = this
        if (caller !== null && caller.name !== anonymous) return keyPrefix + caller.name
        return clientAddress(this.ip)
      },
    })
    if (perMinute === 0) return

    function judge(reply: FastifyReply, { used, resetMs }: ClientCount, cost: number): Problem | undefined {
      const resetSeconds = Math.ceil(resetMs / 1000)
      reply
        .header('ratelimit-limit', perMinute)
        .header('ratelimit-remaining', Math.max(0, perMinute - used))
        .header('ratelimit-reset', resetSeconds)
      if (used <= perMinute) return undefined
      return problem('rate_limited', limitDetail(perMinute, cost), { retryAfter: resetSeconds })
    }

    /** @param counted never rejects */
    async function judgeLater(
      reply: FastifyReply,
      counted: Promise<ClientCount>,
      done: Done,
      cost: number,
    ): Promise<void> {
      done(judge(reply, await counted, cost))
    }

    /** @param cost what the whole request costs, of which `added` is counted now */
    function count({ client }: FastifyRequest, reply: FastifyReply, done: Done, added: number, cost = added): void {
      const counted = (client.startsWith(keyPrefix) ? counts.keys : counts.addresses).add(client, added)
      // A promise for every request would cost more than the count.
      if (counted instanceof Promise) void judgeLater(reply, counted, done, cost)
      else done(judge(reply, counted, cost))
    }

    app.addHook('onRequest', (request, reply, done) => {
      const { access } = request.routeOptions.config
      if (access === 'open' || access === 'signature') done()
      else count(request, reply, done, 1)
    })
    app.addHook('preValidation', (request, reply, done) => {
      const cost = request.routeOptions.config.cost?.(request) ?? 1
      if (cost > 1) count(request, reply, done, cost - 1, cost)
      else done()
    })
  },
  { name: 'client-limit', dependencies: ['auth'] },
)

type Done = (error?: Problem) => void

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
