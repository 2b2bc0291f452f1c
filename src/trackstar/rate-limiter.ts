import { type Problem, problem } from '../errors.js'
import type { Clock } from './clock.js'
import { FairQueue } from './fair-queue.js'

/**
 * Who waits, the first to leave first: a caller, a refresh behind an answer already given, a caller who refuses the
 * answer that is held, the mirror.
 */
export const priorities = ['caller', 'refresh', 'forced', 'mirror'] as const
export type Priority = (typeof priorities)[number]

/** One call that wants to leave. `deadline` is read whenever the queue is looked over, so it may move meanwhile. */
export interface PermitRequest {
  readonly priority: Priority
  /** In the clock's `elapsed` ms. */
  readonly deadline: () => number
  /** Whose turn it takes; callers of one priority take turns. */
  readonly caller: string
}

/** The right to make one call. The first of its two methods to be called counts, and one of them must be. */
export interface Permit {
  /** The call is being written to upstream now: from here its second runs. */
  readonly sent: () => void
  /** Whether, when it was sent, it was the last that could leave for the moment. */
  readonly wasLast: boolean
  /** The call is not made after all. */
  readonly release: () => void
}

/** What the budget looks like from outside. */
export interface RateLimiterState {
  readonly readsPerSecond: number
  readonly usedLastSecond: number
  readonly waiting: number
  /** Whether no call can leave at this moment. */
  readonly isSpent: boolean
}

/**
 * How calls upstream are rationed: the seam for a budget that replicas share.
 * `permit` waits for its turn and refuses at once, with `overloaded`, what cannot leave before its deadline.
 */
export interface RateLimiter {
  acquire(bid: PermitRequest): Promise<Permit>
  /** When, in `elapsed` ms, one more bid could leave if `extra` more of its caller's own (fewer, if negative) came first. */
  estimateAt(priority: Priority, caller: string, extra: number): number
  /** Lets nothing leave before `time` (`elapsed` ms); what then misses its deadline is refused. */
  pauseUntil(time: number): void
  /** Called after each pause, for who keeps a queue of his own. */
  onPause(listener: () => void): void
  readonly state: RateLimiterState
}

interface Waiter extends PermitRequest {
  readonly resolve: (permit: Permit) => void
  readonly reject: (error: Problem) => void
}

/** What a call may lose or gain on its way, and still never make the eleventh of a second where upstream counts. */
export const jitterMarginMs = 75
const spanMs = 1000 + jitterMarginMs

/**
 * The budget of one process. Upstream refuses the call that is one too many in *any* span of a second, so what counts
 * is every span and not the average: a bucket that may burst 10 and refills at 10 a second puts 19 calls into one
 * second. Here each of `rate` slots is taken by one call and is free again a second, and a margin, after that call was
 * written. Any `rate + 1` calls share a slot between two of them, so those two are more than a second apart.
 *
 * Not a library: p-queue in strict mode holds the rate, but counts from when a job starts, not from when it is on the
 * wire (a first connection's handshake lies between), cannot say beforehand when a job will leave, lets one caller's
 * thousand jobs go before another's first, and cannot take a permit back.
 *
 * @param maxWaiting bids that may wait; one more is refused
 */
export function createRateLimiter(rate: number, clock: Pick<Clock, 'elapsed'>, maxWaiting = 10_000): RateLimiter {
  /** When each slot is free again: Infinity while its call is not yet on the wire. */
  const freeAt = new Array<number>(rate).fill(Number.NEGATIVE_INFINITY)
  const queues = {
    caller: new FairQueue<Waiter>(),
    refresh: new FairQueue<Waiter>(),
    forced: new FairQueue<Waiter>(),
    mirror: new FairQueue<Waiter>(),
  } satisfies Record<Priority, FairQueue<Waiter>>
  const pauseListeners: (() => void)[] = []
  let pausedUntil = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const isSpent = () => Math.min(...freeAt) > clock.elapsed()
  const waiting = () => priorities.reduce((sum, priority) => sum + queues[priority].size, 0)

  function estimate(priority: Priority, caller: string, extra: number): number {
    const now = clock.elapsed()
    const before = priorities.slice(0, priorities.indexOf(priority))
    const ahead = before.reduce((sum, other) => sum + queues[other].size, queues[priority].ahead(caller, extra))
    const times = freeAt.map((time) => (time === Number.POSITIVE_INFINITY ? now + spanMs : time)).sort((a, b) => a - b)
    return Math.max(now, pausedUntil, times[ahead % rate] ?? now) + Math.floor(ahead / rate) * spanMs
  }

  function take(slot: number, before: number): Permit {
    let isOpen = true
    const settle = (time: number) => {
      if (!isOpen) return
      isOpen = false
      freeAt[slot] = time
      pump()
    }
    freeAt[slot] = Number.POSITIVE_INFINITY
    let wasLast = false
    return {
      sent() {
        settle(clock.elapsed() + spanMs)
        wasLast = isSpent()
      },
      release: () => settle(before),
      get wasLast() {
        return wasLast
      },
    }
  }

  const next = () =>
    priorities
      .map((priority) => queues[priority])
      .find((queue) => queue.size > 0)
      ?.shift()

  function pump(): void {
    clearTimeout(timer)
    while (waiting() > 0) {
      const earliest = Math.min(...freeAt)
      const at = Math.max(earliest, pausedUntil)
      const now = clock.elapsed()
      if (at > now) {
        // Infinity: all slots are about to be written, and each calls pump when it is.
        if (at !== Number.POSITIVE_INFINITY) timer = setTimeout(wake, Math.ceil(at - now))
        return
      }
      const waiter = next()
      if (waiter && waiter.deadline() < now) waiter.reject(overloaded(0))
      else waiter?.resolve(take(freeAt.indexOf(earliest), earliest))
    }
  }

  /** Also ends the wait of those whom more urgent bids have kept from their turn until it was too late. */
  function wake(): void {
    refuseDueBefore(clock.elapsed())
    pump()
  }

  function refuseDueBefore(time: number): void {
    for (const priority of priorities) {
      const late = queues[priority].remove((waiter) => waiter.deadline() < time)
      for (const waiter of late) waiter.reject(overloaded(time - clock.elapsed()))
    }
  }

  return {
    async acquire(bid) {
      const wait = estimate(bid.priority, bid.caller, 0) - clock.elapsed()
      if (waiting() >= maxWaiting || clock.elapsed() + wait > bid.deadline()) throw overloaded(wait)
      return new Promise((resolve, reject) => {
        queues[bid.priority].push(bid.caller, { ...bid, resolve, reject })
        pump()
      })
    },
    estimateAt: estimate,
    pauseUntil(time) {
      if (time <= pausedUntil) return
      pausedUntil = time
      refuseDueBefore(time)
      pump()
      for (const listener of pauseListeners) listener()
    },
    onPause: (listener) => void pauseListeners.push(listener),
    get state() {
      const now = clock.elapsed()
      const used = freeAt.filter((time) => time - jitterMarginMs > now).length
      return { readsPerSecond: rate, usedLastSecond: used, waiting: waiting(), isSpent: isSpent() }
    },
  }
}

/** The refusal of what cannot be asked in time. */
export function overloaded(waitMs: number): Problem {
  return problem('overloaded', 'More is waiting for Trackstar than its rate lets through in time', {
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
  })
}

/**
 * A budget of which `forced` bids get at most half, and in line with the refreshes: who refuses the answer that is held
 * must not keep those waiting who have none. They need a permit of a budget of half the rate, and then one of the whole.
 */
export function limitForcedReads(whole: RateLimiter, clock: Pick<Clock, 'elapsed'>): RateLimiter {
  const share = createRateLimiter(Math.max(1, Math.floor(whole.state.readsPerSecond / 2)), clock)
  function estimate(priority: Priority, caller: string, extra: number): number {
    if (priority !== 'forced') return whole.estimateAt(priority, caller, extra)
    return Math.max(share.estimateAt('forced', caller, extra), whole.estimateAt('refresh', caller, 0))
  }
  return {
    async acquire(bid) {
      if (bid.priority !== 'forced') return whole.acquire(bid)
      const at = estimate('forced', bid.caller, 0)
      if (at > bid.deadline()) throw overloaded(at - clock.elapsed())
      const half = await share.acquire(bid)
      try {
        return both(half, await whole.acquire({ ...bid, priority: 'refresh' }))
      } catch (error) {
        half.release()
        throw error
      }
    },
    estimateAt: estimate,
    pauseUntil(time) {
      share.pauseUntil(time)
      whole.pauseUntil(time)
    },
    onPause: (listener) => whole.onPause(listener),
    get state() {
      const { state } = whole
      return { ...state, waiting: state.waiting + share.state.waiting }
    },
  }
}

const both = (first: Permit, second: Permit): Permit => ({
  sent() {
    first.sent()
    second.sent()
  },
  release() {
    first.release()
    second.release()
  },
  get wasLast() {
    return second.wasLast
  },
})
