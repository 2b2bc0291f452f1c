import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Caller } from './auth.js'

/** How long a ticket is good for. */
const lifetimeMs = 60_000
/** Tickets of one caller that may be out at a time; with more, his oldest are no longer good, and nobody else's. */
const maxOfOne = 10_000

export interface Ticket {
  readonly ticket: string
  /** ISO 8601 UTC. */
  readonly expires_at: string
}

/**
 * Stand-ins for a key where none can be sent: a browser's `EventSource` sends no headers, and a key in an address would
 * stay in histories and logs. Each is good once, within a minute.
 */
export class Tickets {
  /** By the names of callers, of whom there are no more than keys. */
  readonly #issued = new Map<string, LRUCache<string, { readonly caller: Caller; readonly expiresAt: number }>>()

  /** @param now epoch ms */
  constructor(
    private readonly now: () => number,
    private readonly max = maxOfOne,
  ) {}

  issue(caller: Caller): Ticket {
    const ticket = randomBytes(24).toString('base64url')
    const expiresAt = this.now() + lifetimeMs
    const own = this.#issued.get(caller.name) ?? new LRUCache({ max: this.max })
    this.#issued.set(caller.name, own.set(ticket, { caller, expiresAt }))
    return { ticket, expires_at: new Date(expiresAt).toISOString() }
  }

  /** Whose ticket it is; undefined for one that was used, is too old, or never was one. It is used up by this. */
  redeem(ticket: string): Caller | undefined {
    for (const own of this.#issued.values()) {
      const issued = own.get(ticket)
      if (own.delete(ticket) && issued !== undefined && this.now() < issued.expiresAt) return issued.caller
    }
    return undefined
  }
}
