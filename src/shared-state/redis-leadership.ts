import type { Leadership } from '../mirror/leadership.js'
import type { Clock } from '../trackstar/clock.js'
import { keyPrefix, type RedisLink, type RedisLog } from './redis-link.js'

/** The key of the lease, or of the term, of a connection. */
export const leadershipKey = (what: 'lease' | 'term', name: string): string => `${keyPrefix}${what}:${name}`

/** A leader that does not renew its lease for this long is replaced. */
const leaseMs = 8000
const renewMs = 2000
/** A leader counts its own lease as over this much earlier, measured from when it asked for it. */
const leaseMarginMs = 1000
/** For each connection that a replica leads already, it leaves a free lease to others for this long. */
const modestyMs = 300

export interface RedisLeadershipOptions {
  readonly link: RedisLink
  readonly name: string
  readonly clock: Clock
  readonly log: RedisLog
  /** How many connections this replica leads. */
  readonly led: () => number
}

/**
 * The leadership of a connection as a lease in Redis. Whatever a leader writes carries its term, so that one that slept
 * through its lease changes nothing. While Redis is down, every replica leads for itself.
 */
export class RedisLeadership implements Leadership {
  readonly #listeners: (() => void)[] = []
  #term = 0
  /** In the clock's `elapsed` ms. */
  #leaseEndsAt = Number.NEGATIVE_INFINITY
  #isAlone = false
  #isStarted = false
  #wasLeader = false
  #timer: NodeJS.Timeout | undefined
  readonly #onUp = () => {
    this.#isAlone = false
    this.#notify()
    void this.#contend()
  }
  readonly #onDown = () => {
    this.#isAlone = true
    this.#notify()
  }
  readonly #onNotice = ([kind, name]: readonly unknown[]) => {
    if (kind === 'resigned' && name === this.options.name) this.#contendSoon()
  }

  constructor(private readonly options: RedisLeadershipOptions) {}

  get isLeader(): boolean {
    return this.#isAlone || this.options.clock.elapsed() < this.#leaseEndsAt
  }

  get term(): number {
    return this.#term
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const { link } = this.options
    link.on('up', this.#onUp)
    link.on('down', this.#onDown)
    link.on('notice', this.#onNotice)
    this.#timer = setInterval(() => void this.#contend(), renewMs)
    this.#timer.unref()
    if (link.isUp) this.#contendSoon()
    else {
      void this.#leadIfAlone()
    }
  }

  stop(): void {
    if (!this.#isStarted) return
    this.#isStarted = false
    const { link, name } = this.options
    clearInterval(this.#timer)
    link.off('up', this.#onUp)
    link.off('down', this.#onDown)
    link.off('notice', this.#onNotice)
    this.#isAlone = false
    this.#leaseEndsAt = Number.NEGATIVE_INFINITY
    const notice = JSON.stringify(['resigned', name])
    link.send((redis) => redis.resign(this.#key('lease'), `${keyPrefix}notices`, link.id, notice))
    this.#notify()
  }

  async #leadIfAlone(): Promise<void> {
    const { link } = this.options
    await link.decided()
    if (!link.isUp && this.#isStarted) this.#onDown()
  }

  #contendSoon(): void {
    setTimeout(() => void this.#contend(), this.options.led() * modestyMs).unref()
  }

  async #contend(): Promise<void> {
    const { link, clock } = this.options
    if (!this.#isStarted || !link.isUp) return
    const askedAt = clock.elapsed()
    try {
      const args = [this.#key('lease'), this.#key('term'), link.id, leaseMs]
      const [leader, term] = await link.run((redis) => redis.lead(...args))
      if (!this.#isStarted) return
      this.#term = Number(term)
      this.#leaseEndsAt = leader === link.id ? askedAt + leaseMs - leaseMarginMs : Number.NEGATIVE_INFINITY
    } catch {
      // The lease goes on for as long as it was given.
    }
    this.#notify()
  }

  #notify(): void {
    const { isLeader } = this
    if (isLeader === this.#wasLeader) return
    this.#wasLeader = isLeader
    const { log, link } = this.options
    log.info({ leader: isLeader, term: this.#term, replica: link.id }, 'leadership changed')
    for (const listener of this.#listeners) listener()
  }

  #key(what: 'lease' | 'term'): string {
    return leadershipKey(what, this.options.name)
  }
}
