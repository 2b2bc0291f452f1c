import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type ApiKey, anonymous, type Scope } from '../config/formats.js'
import { type Problem, problem } from '../errors.js'
import type { Tickets } from './tickets.js'

/** What a route requires: an API key with the scope, nothing, or a signature that the route verifies itself. */
export type Access = Scope | 'open' | 'signature'

/** An authenticated caller. */
export interface Caller {
  /** The name of its API key; several keys may share one while they are rotated. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Names of the connections and groups that it may use; undefined: all. */
  readonly connections?: readonly string[]
}

export interface AuthOptions {
  /** Undefined: no authentication, every caller may do everything (`AUTH_MODE=none`). */
  readonly apiKeys: readonly ApiKey[] | undefined
  readonly tickets: Pick<Tickets, 'redeem'>
}

const anonymousCaller: Caller = { name: anonymous, scopes: ['read', 'write'] }

/**
 * Authenticates callers by API key and checks the scope that a route requires. The key comes in `Authorization: Bearer`
 * (RFC 6750, 2.1) or in `X-API-Key`. A valid key in either of them is accepted, whatever the other contains: a gateway may use
 * `Authorization` for itself. Of two valid keys the bearer token counts. A route that does not declare its access requires
 * `read`.
 *
 * The key or ticket is looked up in `onRequest` but rejected only in `preParsing`: the `onRequest` hooks of later plugins
 * run before the rejection, so that wrong keys are rate limited too, and no body is read before it. A valid ticket counts
 * for the key that it was issued to, from the first hook on: counted by address, readers behind a proxy would share
 * a limit with clients that send wrong keys through it.
 */
export default fastifyPlugin<AuthOptions>(
  async (app: FastifyInstance, { apiKeys, tickets }) => {
    const keys = apiKeys && new KeyStore(apiKeys)
    app.decorateRequest('caller', null)
    app.addHook('onRoute', (route) => {
      route.config = { access: route.url.startsWith('/docs') ? 'open' : 'read', ...route.config }
    })

    app.addHook('onRequest', (request, _reply, done) => {
      const caller = keys === undefined ? anonymousCaller : findCaller(request, keys)
      const ticket = caller === null || keys === undefined ? ticketOf(request) : undefined
      const redeemed = ticket === undefined ? (caller ?? undefined) : tickets.redeem(ticket)
      if (redeemed instanceof Promise) {
        void setCaller(request, redeemed, done)
        return
      }
      request.caller = redeemed ?? null
      done()
    })

    app.addHook('preParsing', (request, _reply, _payload, done) => {
      done(authorize(request))
    })

    function authorize(request: FastifyRequest): Problem | undefined {
      const { access = 'read' } = request.routeOptions.config
      if (access === 'open' || access === 'signature' || request.is404) return undefined
      if (request.caller === null) return problem('unauthorized', unauthorizedDetail(request))
      if (request.caller.scopes.includes(access)) return undefined
      return problem(
        'forbidden',
        `This request needs the scope ${access}, which the API key ${request.caller.name} lacks`,
      )
    }
  },
  { name: 'auth', dependencies: ['problems'] },
)

/** @param redeemed never rejects */
async function setCaller(
  request: FastifyRequest,
  redeemed: Promise<Caller | undefined>,
  done: () => void,
): Promise<void> {
  request.caller = (await redeemed) ?? null
  done()
}

function findCaller({ headers }: FastifyRequest, keys: KeyStore): Caller | null {
  for (const key of [bearerToken(headers.authorization), headers['x-api-key']]) {
    const caller = typeof key === 'string' ? keys.find(key) : undefined
    if (caller !== undefined) return caller
  }
  return null
}

const bearerToken = (authorization = ''): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1]

/** The ticket of a request to a route that accepts tickets. */
function ticketOf({ query, routeOptions, is404 }: FastifyRequest): string | undefined {
  if (!routeOptions.config.acceptsTicket || is404) return undefined
  const { ticket } = query as { ticket?: string | string[] }
  // Two of them become a string that is no ticket.
  return ticket?.toString()
}

function unauthorizedDetail(request: FastifyRequest): string {
  if (ticketOf(request) !== undefined) return 'The ticket is unknown, already used, or older than 60 seconds'
  return request.headers.authorization === undefined && request.headers['x-api-key'] === undefined
    ? 'Send an API key as Authorization: Bearer or X-API-Key'
    : 'The API key is not valid; send one as Authorization: Bearer or X-API-Key'
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated caller; null if there is no valid API key or ticket. */
    caller: Caller | null
  }
  interface FastifyContextConfig {
    /** What the route requires of callers; default: `read`. */
    access?: Access
    /** Whether the route accepts a ticket in the query instead of an API key. */
    acceptsTicket?: boolean
  }
}

/** How long the text of a valid key is remembered, in ms. */
const rememberedMs = 10_000

/**
 * The valid API keys. They are kept and compared as SHA-256 hashes, which have the same length whatever is sent. A key that
 * was found is remembered for at most ten seconds, because a hash takes longer than the rest of the authentication. Only
 * valid keys are, so that wrong ones take the same time as ever and no memory.
 */
export class KeyStore {
  readonly #entries: readonly { readonly digest: Buffer; readonly caller: Caller }[]
  readonly #remembered = new Map<string, Caller>()
  #forgetAt = 0

  /** @param elapsed monotonic clock, ms */
  constructor(
    keys: readonly ApiKey[],
    private readonly elapsed: () => number = () => performance.now(),
  ) {
    this.#entries = keys.map(({ name, sha256, scopes, connections }) => ({
      digest: Buffer.from(sha256, 'hex'),
      caller: { name, scopes, ...(connections && { connections }) },
    }))
  }

  /** The caller whose key this is; undefined if it is unknown. Takes the same time for every key that is not remembered. */
  find(key: string): Caller | undefined {
    const now = this.elapsed()
    if (now >= this.#forgetAt) {
      this.#remembered.clear()
      this.#forgetAt = now + rememberedMs
    }
    const remembered = this.#remembered.get(key)
    if (remembered !== undefined) return remembered
    // A hash to hex and back takes half the time of `hash(…, 'buffer')`, whose memory is allocated outside the pool.
    const digest = Buffer.from(hash('sha256', key, 'hex'), 'hex')
    let found: Caller | undefined
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.caller
    if (found !== undefined) this.#remembered.set(key, found)
    return found
  }
}
