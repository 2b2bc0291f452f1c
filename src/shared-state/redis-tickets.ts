import { hash } from 'node:crypto'
import type { Caller } from '../http/auth.js'
import { createTicket, InProcessTickets, type Ticket, type Tickets, ticketLifetimeMs } from '../http/tickets.js'
import type { Clock } from '../trackstar/clock.js'
import { keyPrefix, type RedisLink } from './redis-link.js'

/**
 * The tickets of all replicas. Redis knows a ticket by its hash, and what it is good for; it cannot be used by reading
 * Redis. The replica that issued it remembers it as well, until it hears of its use, so that it is good there while Redis
 * is down.
 */
export class RedisTickets implements Tickets {
  readonly #own: InProcessTickets
  /** Issued while Redis was down: good at this replica only. */
  readonly #issuedAlone = new Set<string>()

  constructor(
    private readonly link: RedisLink,
    private readonly clock: Clock,
  ) {
    this.#own = new InProcessTickets(clock)
    link.on('notice', ([kind, name]) => {
      if (kind === 'ticket' && typeof name === 'string') this.#own.redeem(name)
    })
  }

  async issue(caller: Caller): Promise<Ticket> {
    const issued = createTicket(this.clock)
    const name = nameOf(issued.ticket)
    this.#own.keep(name, caller)
    try {
      await this.link.run((redis) => redis.set(keyOf(name), JSON.stringify(caller), 'PX', ticketLifetimeMs))
    } catch {
      this.#issuedAlone.add(name)
      setTimeout(() => this.#issuedAlone.delete(name), ticketLifetimeMs).unref()
    }
    return issued
  }

  async redeem(ticket: string): Promise<Caller | undefined> {
    const name = nameOf(ticket)
    try {
      const notice = JSON.stringify(['ticket', name])
      const caller = await this.link.run((redis) => redis.redeemTicket(keyOf(name), `${keyPrefix}notices`, notice))
      if (caller === null) return this.#issuedAlone.delete(name) ? this.#own.redeem(name) : undefined
      this.#own.redeem(name)
      return JSON.parse(caller) as Caller
    } catch {
      return this.#own.redeem(name)
    }
  }
}

const nameOf = (ticket: string) => hash('sha256', ticket, 'base64url')
const keyOf = (name: string) => `${keyPrefix}ticket:${name}`
