import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type ApiKey, anonymous, type Scope } from '../config/formats.js'
import { problem } from '../errors.js'
import type { Tickets } from './tickets.js'

/** What a route asks of who calls it: a key with that scope, nothing, or what it looks at itself. */
export type Access = Scope | 'open' | 'signature'

export interface AccessOptions {
  /** Undefined: everybody may do everything (`AUTH_MODE=none`). */
  readonly apiKeys: readonly ApiKey[] | undefined
  readonly tickets: Pick<Tickets, 'redeem'>
}

const anybody: Caller = { name: anonymous, scopes: ['read', 'write'] }

/**
 * Who may call what. A key comes by `Authorization: Bearer` (RFC 6750, 2.1) or `X-API-Key`; the former counts where both
 * are there. Who asks is settled first and refused only after the hooks that later plugins add, so that a flood of
 * wrong keys is counted like any other; but before any of the body is read. A route that does not say what it asks for
 * asks for a key.
 */
export default fastifyPlugin<AccessOptions>(
  async (app: FastifyInstance, { apiKeys, tickets }) => {
    const keyring = apiKeys && new KeyStore(apiKeys)
    app.decorateRequest('caller', null)
    app.addHook('onRoute', (route) => {
      route.config = { access: route.url.startsWith('/docs') ? 'open' : 'read', ...route.config }
    })

    app.addHook('onRequest', (request, _reply, done) => {
      request.caller = keyring === undefined ? anybody : callerOf(request, keyring)
      done()
    })

    function callerOf(request: FastifyRequest, keys: KeyStore): Caller | null {
      const key = bearerToken(request) ?? request.headers['x-api-key']
      return (typeof key === 'string' && keys.find(key)) || null
    }

    app.addHook('preParsing', (request, _reply, _payload, done) => {
      done(refusal(request))
    })

    function refusal(request: FastifyRequest) {
      const { access = 'read', takesTicket = false } = request.routeOptions.config
      if (access === 'open' || access === 'signature' || request.is404) return undefined
      const ticket = takesTicket ? ticketOf(request) : undefined
      if (ticket !== undefined && (request.caller === null || keyring === undefined)) {
        request.caller = tickets.redeem(ticket) ?? null
        if (request.caller === null) return problem('unauthorized', 'The ticket is unknown, used, or older than 60 s')
      }
      if (request.caller === null) return problem('unauthorized', expected(request))
      if (request.caller.scopes.includes(access)) return undefined
      return problem(
        'forbidden',
        `Expected a key with the scope ${access}, but that of ${request.caller.name} has only read`,
      )
    }
  },
  { name: 'access', dependencies: ['problems'] },
)

function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

function ticketOf({ query }: FastifyRequest): string | undefined {
  const { ticket } = query as { ticket?: string | string[] }
  // One that is there twice is not known either way.
  return ticket?.toString()
}

function expected({ headers }: FastifyRequest): string {
  const isGiven = headers.authorization !== undefined || headers['x-api-key'] !== undefined
  return isGiven
    ? 'Expected a key that is known here, by Authorization: Bearer or X-API-Key'
    : 'Expected a key, by Authorization: Bearer or X-API-Key, but there is none'
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null for who has shown no key that is known here. */
    caller: Caller | null
  }
  interface FastifyContextConfig {
    /** What the route asks of its callers; `read` where it does not say. */
    access?: Access
    /** Whether a ticket in the address does instead of a key. */
    takesTicket?: boolean
  }
}

/** Who asks, and what he may do. */
export interface Caller {
  readonly name: string
  readonly scopes: readonly Scope[]
}

/** The keys that are let in. They are held, and compared, as hashes: of the same length whatever a caller sends. */
export class KeyStore {
  readonly #entries: readonly { readonly digest: Buffer; readonly caller: Caller }[]

  constructor(keys: readonly ApiKey[]) {
    this.#entries = keys.map(({ name, sha256, scopes }) => ({
      digest: Buffer.from(sha256, 'hex'),
      caller: { name, scopes },
    }))
  }

  /** Whose `key` it is; undefined where it is nobody's. Takes as long whichever it is, and if it is none. */
  find(key: string): Caller | undefined {
    // By way of hex: what crypto makes a buffer of its own for takes twice as long, and the collector must free it.
    const digest = Buffer.from(hash('sha256', key, 'hex'), 'hex')
    let found: Caller | undefined
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.caller
    return found
  }
}
