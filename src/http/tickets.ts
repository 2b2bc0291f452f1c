import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../trackstar/clock.js'
import type { Caller } from './auth.js'

/** How long a ticket is valid. */
export const ticketLifetimeMs = 60_000
/** Tickets of one caller that may be valid at a time. Beyond it, the caller's own oldest tickets are dropped. */
const maxPerCaller = 10_000

export interface Ticket {
  readonly ticket: string
  /** ISO 8601 UTC. */
  readonly expires_at: string
}

/**
 * Single-use tickets that replace an API key where none can be sent: a browser's `EventSource` sends no headers, and a
 * key in a URL would end up in histories and logs. A ticket is valid for one minute. Replicas may share them.
 */
export interface Tickets {
  /** Issues a ticket that authenticates `caller` once within a minute. */
  issue(caller: Caller): Ticket | Promise<Ticket>
  /** Uses up a ticket and returns its caller; undefined if it is unknown, already used or expired. Never rejects. */
  redeem(ticket: string): Caller | undefined | Promise<Caller | undefined>
}

/** A new ticket that is valid from now on. */
export const createTicket = (clock: Clock): Ticket => ({
  ticket: randomBytes(24).toString('base64url'),
  expires_at: new Date(clock.now() + ticketLifetimeMs).toISOString(),
})

/** The tickets of one process. */
export class InProcessTickets implements Tickets {
  /** By name of the caller; there are no more names than API keys. `validUntil` is in the clock's `elapsed` ms. */
  readonly #issued = new Map<string, LRUCache<string, { readonly caller: Caller; readonly validUntil: number }>>()

  /** @param max tickets of one caller that may be valid at a time */
  constructor(
    private readonly clock: Clock,
    private readonly max = maxPerCaller,
  ) {}

  issue(caller: Caller): Ticket {
    const issued = createTicket(this.clock)
    this.keep(issued.ticket, caller)
    return issued
  }

  /** Makes `ticket` valid for `caller` from now on. */
  keep(ticket: string, caller: Caller): void {
    const validUntil = this.clock.elapsed() + ticketLifetimeMs
    const ofCaller = this.#issued.get(caller.name) ?? new LRUCache({ max: this.max })
    this.#issued.set(caller.name, ofCaller.set(ticket, { caller, validUntil }))
  }

  redeem(ticket: string): Caller | undefined {
    for (const ofCaller of this.#issued.values()) {
      const issued = ofCaller.get(ticket)
      if (!ofCaller.delete(ticket) || issued === undefined) continue
      return this.clock.elapsed() < issued.validUntil ? issued.caller : undefined
    }
    return undefined
  }
}
