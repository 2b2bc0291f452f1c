import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Caller } from './keyring.js'

/** How long a ticket is good for. */
const lifetimeMs = 60_000
/** Tickets that may be out at a time; with more, the oldest ones are no longer good. */
const maxTickets = 10_000

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
  readonly #issued: LRUCache<string, { readonly caller: Caller; readonly expiresAt: number }>

  /** @param now epoch ms */
  constructor(
    private readonly now: () => number,
    max = maxTickets,
  ) {
    this.#issued = new LRUCache({ max })
  }

  issue(caller: Caller): Ticket {
    const ticket = randomBytes(24).toString('base64url')
    const expiresAt = this.now() + lifetimeMs
    this.#issued.set(ticket, { caller, expiresAt })
    return { ticket, expires_at: new Date(expiresAt).toISOString() }
  }

  /** Whose ticket it is; undefined for one that was used, is too old, or never was one. It is used up by this. */
  redeem(ticket: string): Caller | undefined {
    const issued = this.#issued.get(ticket)
    this.#issued.delete(ticket)
    return issued !== undefined && this.now() < issued.expiresAt ? issued.caller : undefined
  }
}
