import type { Clock } from '../trackstar/clock.js'
import { FairQueue } from '../trackstar/fair-queue.js'
import {
  createRateLimiter,
  jitterMarginMs,
  overloaded,
  type Permit,
  type PermitRequest,
  type Priority,
  priorities,
  type RateLimiter,
  type RateLimiterState,
} from '../trackstar/rate-limiter.js'
import { limitShares, sharePart } from '../trackstar/rate-shares.js'
import { joinAfterMs, keyPrefix, type RedisLink } from './redis-link.js'
import type { ScriptedRedis } from './redis-scripts.js'

/**
 * A call is expected to be written this soon after its slot was asked for. One that is written later is reported, and its
 * second then starts with the report.
 */
const writtenWithinMs = 25
const spanMs = 1000 + jitterMarginMs + writtenWithinMs
/** A slot whose call is not written yet is kept by reports at this interval: if the replica dies, it is free a second later. */
const keepMs = 500
/**
 * A replica that Redis does not answer takes no permit for so long: until then the others may still use its share, because
 * they have heard of it less than two seconds ago.
 */
const standAloneAfterMs = 2000 + spanMs

interface PendingPermit extends PermitRequest {
  readonly requestedAt: number
  readonly resolve: (permit: Permit) => void
  readonly reject: (error: unknown) => void
  /** Whether it has a permit, or was refused. */
  isSettled: boolean
}

/** The classes of the script, by number. */
const classOf = (priority: Priority) => priorities.indexOf(priority) + 1
const rankOf: Readonly<Record<Priority, number>> = { caller: 1, list: 1, refresh: 2, forced: 2, mirror: 3 }

export interface RedisRateLimiterOptions {
  readonly link: RedisLink
  /** Names what is limited, in the keys. */
  readonly name: string
  /** Calls in any one second, of all replicas together. */
  readonly rate: number
  readonly clock: Clock
  /** Requests that may wait at this replica; one more is refused. Default: 10 000. */
  readonly maxWaiting?: number
}

/**
 * The rate limiter of several replicas. Slots are in Redis, in Redis's time, and a script hands them out; see `takeSlots`.
 * A replica asks when a request comes, and again at the moment for which the script lets its next request expect a slot. So
 * a call costs one round trip, and while nothing waits there is none.
 *
 * While Redis is down, each replica has its share of the rate for itself: the rate by the number of replicas that were seen
 * last. It gives no permit for two seconds before that, and none for one second after Redis is back, so that the calls of
 * before and after never add up to more than the rate.
 */
export class RedisRateLimiter implements RateLimiter {
  readonly #queues: Readonly<Record<Priority, FairQueue<PendingPermit>>> = {
    caller: new FairQueue(),
    list: new FairQueue(),
    refresh: new FairQueue(),
    forced: new FairQueue(),
    mirror: new FairQueue(),
  }
  readonly #pauseListeners: (() => void)[] = []
  readonly #keys: Readonly<Record<'slots' | 'lists' | 'forced' | 'waiting' | 'meta', string>>
  /** The limiter of this process while Redis is down. */
  #alone: RateLimiter | undefined
  /** What waits at the limiter of this process. */
  readonly #waitingAlone = new Set<PendingPermit>()
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #isAskAgain = false
  /** The rank of the most urgent request that Redis knows; Infinity: of none. */
  #knownRank = Number.POSITIVE_INFINITY
  #nextNumber = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
  /** What the latest answer said. Times in the clock's `elapsed` ms. */
  #latest = { at: Number.NEGATIVE_INFINITY, nextAt: Number.NEGATIVE_INFINITY, free: 0, rate: 0, taken: 0 }
  /** No question before this: calls of this process alone may be in the last second. */
  #askFrom = Number.NEGATIVE_INFINITY

  readonly #onDown = () => this.#goAlone(standAloneAfterMs)
  readonly #onUp = () => this.#goOnTogether()
  readonly #onNotice = ([kind, name, pauseMs]: readonly unknown[]) => {
    const { clock, name: ownName } = this.options
    if (name !== ownName) return
    if (kind === 'slot' && this.#waiting > 0) void this.#ask()
    if (kind === 'pause' && typeof pauseMs === 'number') this.#pause(clock.elapsed() + pauseMs)
  }

  constructor(private readonly options: RedisRateLimiterOptions) {
    const prefix = `${keyPrefix}rate:${options.name}:`
    this.#keys = {
      slots: `${prefix}slots`,
      lists: `${prefix}lists`,
      forced: `${prefix}forced`,
      waiting: `${prefix}waiting`,
      meta: `${prefix}meta`,
    }
    const { link } = options
    link.on('down', this.#onDown)
    link.on('up', this.#onUp)
    link.on('notice', this.#onNotice)
  }

  /** Listens to Redis no longer. */
  close(): void {
    const { link } = this.options
    clearTimeout(this.#timer)
    link.off('down', this.#onDown)
    link.off('up', this.#onUp)
    link.off('notice', this.#onNotice)
  }

  async acquire(request: PermitRequest): Promise<Permit> {
    const { link, clock, maxWaiting = 10_000 } = this.options
    const requestedAt = clock.elapsed()
    await link.decided()
    if (!link.isUp && this.#alone === undefined) this.#goAlone(0)
    if (this.#alone !== undefined) return this.#acquireAlone(request, requestedAt)
    const at = this.estimateAt(request.priority, request.caller, 0)
    if (this.#waiting >= maxWaiting || at > request.deadline()) throw overloaded(at - requestedAt)
    return new Promise((resolve, reject) => {
      this.#enqueue({ ...withoutGetters(request), requestedAt, resolve, reject, isSettled: false })
    })
  }

  estimateAt(priority: Priority, caller: string, extra: number): number {
    if (this.#alone !== undefined) return this.#alone.estimateAt(priority, caller, extra)
    const now = this.options.clock.elapsed()
    const { at, nextAt, free, rate } = this.#latest
    const first = Math.max(now, this.#pausedUntil, this.#askFrom)
    const higher = priorities.filter((other) => rankOf[other] < rankOf[priority])
    const ahead = this.#queues[priority].ahead(caller, extra) + higher.reduce((sum, p) => sum + this.#queues[p].size, 0)
    const isKnown = now - at < spanMs && rate > 0
    if (!isKnown || (nextAt <= now && ahead < free)) return first
    return Math.max(first, nextAt) + (Math.max(0, ahead - free) * spanMs) / rate
  }

  pauseUntil(time: number): void {
    if (time <= this.#pausedUntil) return
    const { link, clock, name } = this.options
    const ms = Math.max(0, time - clock.elapsed())
    const notice = JSON.stringify(['pause', name, ms])
    link.send((redis) => redis.pauseSlots(this.#keys.meta, `${keyPrefix}notices`, ms, notice))
    this.#pause(time)
  }

  onPause(listener: () => void): void {
    this.#pauseListeners.push(listener)
  }

  get state(): RateLimiterState {
    const { rate } = this.options
    if (this.#alone !== undefined) return this.#alone.state
    const now = this.options.clock.elapsed()
    const { at, free, taken, nextAt } = this.#latest
    const isRecent = now - at < 1000
    return {
      readsPerSecond: rate,
      usedLastSecond: isRecent ? taken : 0,
      waiting: this.#waiting,
      isExhausted: this.#pausedUntil > now || (isRecent && free === 0 && nextAt > now),
    }
  }

  get #waiting(): number {
    return priorities.reduce((sum, priority) => sum + this.#queues[priority].size, 0)
  }

  #enqueue(pending: PendingPermit): void {
    this.#queues[pending.priority].push(pending.caller, pending)
    // A request that is no more urgent than those that Redis knows waits with them, unless they are only just being told:
    // Redis has to know how many of a burst are waiting, or a slot goes to a less urgent request of another replica.
    if (this.#isAsking || rankOf[pending.priority] < this.#knownRank) void this.#ask()
  }

  /** Asks for slots for everything that waits. */
  async #ask(): Promise<void> {
    if (this.#isAsking) {
      this.#isAskAgain = true
      return
    }
    const { link, clock, rate } = this.options
    const askedAt = clock.elapsed()
    clearTimeout(this.#timer)
    this.#refuseLate(askedAt)
    if (this.#alone !== undefined) return
    if (this.#askFrom > askedAt) {
      this.#askLater(this.#askFrom - askedAt)
      return
    }
    this.#isAsking = true
    this.#isAskAgain = false
    const demand = priorities.map((priority) => this.#queues[priority].size)
    this.#knownRank = bestRank((priority) => this.#queues[priority].size)
    const first = this.#nextNumber
    this.#nextNumber += Math.min(
      rate,
      demand.reduce((sum, count) => sum + count, 0),
    )
    const { slots, lists, forced, waiting, meta } = this.#keys
    const names = ['joined', 'members', 'expected'].map((name) => keyPrefix + name)
    const caps = [sharePart('list', rate), sharePart('forced', rate)]
    const args = [link.id, rate, spanMs, ...caps, `${link.id}:`, first, ...demand]
    try {
      const answer = await link.run((redis) => redis.takeSlots(slots, lists, forced, waiting, meta, ...names, ...args))
      this.#isAsking = false
      this.#take(answer, demand, first, askedAt)
    } catch (error) {
      this.#isAsking = false
      // The link has announced that Redis is down, or Redis refuses the script: then it is no use either.
      if (link.isUp) for (const pending of this.#takeAll()) this.#refuse(pending, error)
      else this.#goAlone(standAloneAfterMs)
    }
  }

  #take(
    [granted, free, waitMs, rate, taken]: Awaited<ReturnType<ScriptedRedis['takeSlots']>>,
    demand: readonly number[],
    first: number,
    askedAt: number,
  ): void {
    const now = this.options.clock.elapsed()
    const isWaiting = waitMs >= 0
    this.#latest = { at: now, nextAt: isWaiting ? now + waitMs : now, free, rate, taken }
    for (const [index, number] of granted.entries()) {
      const name = `${this.options.link.id}:${first + index}`
      const priority = priorities[number - 1] ?? 'caller'
      const pending = this.#alone === undefined ? this.#nextOf(priority, now) : undefined
      if (pending === undefined) this.#release(name)
      else {
        pending.isSettled = true
        pending.resolve(this.#permit(name, priority, askedAt, now - pending.requestedAt, free === 0))
      }
    }
    if (this.#alone !== undefined) return
    // What Redis still knows of.
    this.#knownRank = bestRank((priority, index) => {
      return (demand[index] ?? 0) - granted.filter((number) => number === classOf(priority)).length
    })
    const rank = bestRank((priority) => this.#queues[priority].size)
    // Requests that came meanwhile, and more urgent ones, are not known yet; the others have their turn then.
    if (this.#isAskAgain || rank < this.#knownRank) void this.#ask()
    else if (isWaiting) this.#askLater(waitMs)
  }

  #askLater(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#ask(), Math.max(1, Math.ceil(ms)))
  }

  /** The next request of a priority; those that are too late are refused. */
  #nextOf(priority: Priority, now: number): PendingPermit | undefined {
    for (let next = this.#queues[priority].shift(); next !== undefined; next = this.#queues[priority].shift()) {
      if (next.deadline() >= now) return next
      this.#refuse(next, overloaded(0))
    }
    return undefined
  }

  #permit(name: string, priority: Priority, askedAt: number, waitedMs: number, isLast: boolean): Permit {
    const { clock } = this.options
    let isOpen = true
    const keeper = setInterval(() => this.#touch(name, priority), keepMs)
    keeper.unref()
    const settle = () => {
      if (!isOpen) return false
      isOpen = false
      clearInterval(keeper)
      return true
    }
    return {
      waitedMs,
      sent: () => {
        if (settle() && clock.elapsed() - askedAt > writtenWithinMs) this.#touch(name, priority)
      },
      wasLast: isLast,
      release: () => {
        if (settle()) this.#release(name)
      },
    }
  }

  /** The second of a call starts now. */
  #touch(name: string, priority: Priority): void {
    const { slots, lists, forced } = this.#keys
    const keys = [slots, priority === 'list' ? lists : slots, priority === 'forced' ? forced : slots]
    this.options.link.send((redis) => redis.touchSlots(...keys, spanMs, name))
  }

  #release(name: string): void {
    const { slots, lists, forced, waiting } = this.#keys
    const notice = JSON.stringify(['slot', this.options.name])
    this.options.link.send((redis) =>
      redis.releaseSlot(slots, lists, forced, waiting, `${keyPrefix}notices`, name, notice),
    )
  }

  #pause(time: number): void {
    if (time <= this.#pausedUntil) return
    this.#pausedUntil = time
    this.#alone?.pauseUntil(time)
    this.#refuseLate(time)
    for (const listener of this.#pauseListeners) listener()
  }

  /** Refuses what has no permit by `time` and is of no use later. */
  #refuseLate(time: number): void {
    const now = this.options.clock.elapsed()
    for (const priority of priorities) {
      const late = this.#queues[priority].remove((pending) => pending.deadline() < time)
      for (const pending of late) this.#refuse(pending, overloaded(time - now))
    }
  }

  #refuse(pending: PendingPermit, error: unknown): void {
    pending.isSettled = true
    pending.reject(error)
  }

  #takeAll(): PendingPermit[] {
    return priorities.flatMap((priority) => this.#queues[priority].remove(() => true))
  }

  /** @param afterMs no permit for so long */
  #goAlone(afterMs: number): void {
    if (this.#alone !== undefined) return
    const { clock, link, rate, maxWaiting } = this.options
    clearTimeout(this.#timer)
    const share = Math.max(1, Math.floor(rate / link.replicas))
    const alone = limitShares(createRateLimiter(share, clock, maxWaiting), clock)
    const from = clock.elapsed() + afterMs
    alone.pauseUntil(Math.max(from, this.#pausedUntil))
    this.#alone = alone
    this.#knownRank = Number.POSITIVE_INFINITY
    for (const pending of this.#takeAll()) this.#waitAlone(alone, pending)
  }

  #acquireAlone(request: PermitRequest, requestedAt: number): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const pending = { ...withoutGetters(request), requestedAt, resolve, reject, isSettled: false }
      if (this.#alone === undefined) this.#enqueue(pending)
      else this.#waitAlone(this.#alone, pending)
    })
  }

  /** Waits at the limiter of this process, until that is not in charge any more. */
  #waitAlone(alone: RateLimiter, pending: PendingPermit): void {
    this.#waitingAlone.add(pending)
    void this.#getAlone(alone, pending)
  }

  async #getAlone(alone: RateLimiter, pending: PendingPermit): Promise<void> {
    const isOver = () => alone !== this.#alone || pending.isSettled
    try {
      const permit = await alone.acquire(pending)
      if (isOver()) {
        permit.release()
        return
      }
      this.#waitingAlone.delete(pending)
      pending.isSettled = true
      pending.resolve(permit)
    } catch (error) {
      if (isOver()) return
      this.#waitingAlone.delete(pending)
      this.#refuse(pending, error)
    }
  }

  /** Shares the rate with the others again. */
  #goOnTogether(): void {
    if (this.#alone === undefined) return
    this.#alone = undefined
    this.#askFrom = this.options.clock.elapsed() + joinAfterMs
    const waiting = Array.from(this.#waitingAlone)
    this.#waitingAlone.clear()
    for (const pending of waiting) this.#enqueue(pending)
  }
}

/** The rank of the most urgent priority that has requests; Infinity if there are none. */
const bestRank = (sizeOf: (priority: Priority, index: number) => number): number =>
  Math.min(...priorities.filter((priority, index) => sizeOf(priority, index) > 0).map((priority) => rankOf[priority]))

const withoutGetters = ({ priority, caller, deadline }: PermitRequest): PermitRequest => ({
  priority,
  caller,
  deadline,
})
