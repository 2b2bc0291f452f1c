import { type Problem, problem } from '../errors.js'
import type { Clock } from './clock.js'
import { FairQueue } from './fair-queue.js'

/**
 * The priorities of permits, highest first: a caller waits; a caller waits for a list; a refresh in the background; a
 * caller does not accept the cached answer; the mirror, which gets a permit a second in any case.
 */
export const priorities = ['caller', 'list', 'refresh', 'forced', 'mirror'] as const
export type Priority = (typeof priorities)[number]

/** A request for the right to make one call. */
export interface PermitRequest {
  readonly priority: Priority
  /** In the clock's `elapsed` ms. Read each time the queue is processed, so it may change in the meantime. */
  readonly deadline: () => number
  /** Callers of the same priority take turns. */
  readonly caller: string
}

/** The right to make one call. Call either `sent` or `release`; only the first of these calls counts. */
export interface Permit {
  /** How long the request waited. */
  readonly waitedMs: number
  /** The call is written to upstream now; its second starts. */
  readonly sent: () => void
  /** Whether no further call could be sent right after this one. */
  readonly wasLast: boolean
  /** The call is not made. */
  readonly release: () => void
}

export interface RateLimiterState {
  readonly readsPerSecond: number
  readonly usedLastSecond: number
  readonly waiting: number
  /** Whether no call can be sent at this moment. */
  readonly isExhausted: boolean
}

/** Limits the rate of calls to upstream. An interface, so that replicas can share one limit. */
export interface RateLimiter {
  /** Waits for a permit. Throws `overloaded` at once if there can be none before the request's deadline. */
  acquire(request: PermitRequest): Promise<Permit>
  /**
   * When one more request could get its permit, in `elapsed` ms, if `extra` more requests of the same caller came first
   * (or fewer, if negative).
   */
  estimateAt(priority: Priority, caller: string, extra: number): number
  /** Gives no permit before `time` (`elapsed` ms), and refuses requests that miss their deadline because of it. */
  pauseUntil(time: number): void
  /** Calls `listener` after each pause. */
  onPause(listener: () => void): void
  readonly state: RateLimiterState
}

interface PendingPermit extends PermitRequest {
  readonly requestedAt: number
  readonly resolve: (permit: Permit) => void
  readonly reject: (error: Problem) => void
}

/** A call may travel this much slower or faster than another without exceeding the rate where upstream counts. */
export const jitterMarginMs = 75
const spanMs = 1000 + jitterMarginMs
/** However many others wait, the mirror gets a permit this often. */
const mirrorTurnMs = 1000

/** When the mirror goes before requests of a higher priority: once a second, and never twice in a row. */
class MirrorTurns {
  #dueAt = Number.NEGATIVE_INFINITY
  #hasServedOthers = true

  isDue(time: number): boolean {
    return this.#hasServedOthers && time >= this.#dueAt
  }

  granted(isMirror: boolean, time: number): void {
    this.#hasServedOthers = !isMirror
    if (isMirror) this.#dueAt = time + mirrorTurnMs
  }

  copy(): MirrorTurns {
    const copy = new MirrorTurns()
    copy.#dueAt = this.#dueAt
    copy.#hasServedOthers = this.#hasServedOthers
    return copy
  }
}

/**
 * The rate limiter of one process.
 *
 * Upstream refuses the call that exceeds the limit in *any* span of one second, so the limiter counts every span and not
 * the average. A token bucket does not: with a burst of 10 and a refill of 10 per second, it can send 19 calls within
 * one second. Here there are `rate` slots. A call takes one slot, and the slot is free again one second, plus a margin,
 * after the call was written. Among any `rate + 1` calls two share a slot, so these two are more than a second apart.
 *
 * The mirror has the lowest priority, but one permit a second is reserved for it, so that busy callers cannot keep the
 * catalog from being loaded and followed. It never takes two permits in a row from others: at a rate of 1 they alternate.
 *
 * Not a library: p-queue in strict mode keeps the rate, but it counts from the start of a job and not from when the call
 * is written (a connection's first handshake lies between), cannot tell in advance when a job will start, runs one
 * caller's thousand jobs before another's first, and cannot take a permit back.
 *
 * @param rate calls in any one second
 * @param maxWaiting requests that may wait; one more is refused
 */
export function createRateLimiter(rate: number, clock: Pick<Clock, 'elapsed'>, maxWaiting = 10_000): RateLimiter {
  /** When each slot is free again: Infinity while its call is not written yet. */
  const freeAt = new Array<number>(rate).fill(Number.NEGATIVE_INFINITY)
  const queues = {
    caller: new FairQueue<PendingPermit>(),
    list: new FairQueue<PendingPermit>(),
    refresh: new FairQueue<PendingPermit>(),
    forced: new FairQueue<PendingPermit>(),
    mirror: new FairQueue<PendingPermit>(),
  } satisfies Record<Priority, FairQueue<PendingPermit>>
  const mirrorTurns = new MirrorTurns()
  const pauseListeners: (() => void)[] = []
  let pausedUntil = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const isExhausted = () => Math.min(...freeAt) > clock.elapsed()
  const waiting = () => priorities.reduce((sum, priority) => sum + queues[priority].size, 0)

  function estimateAt(priority: Priority, caller: string, extra: number): number {
    const now = clock.elapsed()
    const times = freeAt.map((time) => (time === Number.POSITIVE_INFINITY ? now + spanMs : time)).sort((a, b) => a - b)
    const timeOf = (position: number) =>
      Math.max(now, pausedUntil, times[position % rate] ?? now) + Math.floor(position / rate) * spanMs
    const isMirror = priority === 'mirror'
    const own = queues[priority].ahead(caller, extra)
    const higher = priorities.slice(0, priorities.indexOf(priority)).reduce((sum, other) => sum + queues[other].size, 0)
    let mirrors = isMirror ? own : queues.mirror.size
    let others = isMirror ? higher : higher + own
    const turns = mirrorTurns.copy()
    for (let position = 0; ; position++) {
      const at = timeOf(position)
      if (isMirror ? others === 0 : mirrors === 0) return timeOf(position + mirrors + others)
      const isMirrorNext = turns.isDue(at)
      if (isMirrorNext === isMirror && (isMirror ? mirrors : others) === 0) return at
      if (isMirrorNext) mirrors--
      else others--
      turns.granted(isMirrorNext, at)
    }
  }

  function takeSlot(slot: number, wasFreeAt: number, waitedMs: number): Permit {
    let isOpen = true
    let wasLast = false
    const settle = (time: number) => {
      if (!isOpen) return
      isOpen = false
      freeAt[slot] = time
      processQueues()
    }
    freeAt[slot] = Number.POSITIVE_INFINITY
    return {
      waitedMs,
      sent() {
        settle(clock.elapsed() + spanMs)
        wasLast = isExhausted()
      },
      release: () => settle(wasFreeAt),
      get wasLast() {
        return wasLast
      },
    }
  }

  function next(now: number): PendingPermit | undefined {
    const isMirrorNext = queues.mirror.size > 0 && mirrorTurns.isDue(now)
    const priority = isMirrorNext ? 'mirror' : priorities.find((other) => queues[other].size > 0)
    return priority && queues[priority].shift()
  }

  function processQueues(): void {
    clearTimeout(timer)
    while (waiting() > 0) {
      const earliest = Math.min(...freeAt)
      const at = Math.max(earliest, pausedUntil)
      const now = clock.elapsed()
      if (at > now) {
        // Infinity: all calls are still to be written, and each of them processes the queues when it is.
        if (at !== Number.POSITIVE_INFINITY) timer = setTimeout(onTimer, Math.ceil(at - now))
        return
      }
      const request = next(now)
      if (request === undefined) return
      if (request.deadline() < now) {
        request.reject(overloaded(0))
        continue
      }
      mirrorTurns.granted(request.priority === 'mirror', now)
      request.resolve(takeSlot(freeAt.indexOf(earliest), earliest, now - request.requestedAt))
    }
  }

  /** Also refuses requests that others of a higher priority have delayed past their deadline. */
  function onTimer(): void {
    refuseDueBefore(clock.elapsed())
    processQueues()
  }

  function refuseDueBefore(time: number): void {
    for (const priority of priorities) {
      const late = queues[priority].remove((request) => request.deadline() < time)
      for (const request of late) request.reject(overloaded(time - clock.elapsed()))
    }
  }

  return {
    async acquire(request) {
      const requestedAt = clock.elapsed()
      const at = estimateAt(request.priority, request.caller, 0)
      if (waiting() >= maxWaiting || at > request.deadline()) throw overloaded(at - requestedAt)
      return new Promise((resolve, reject) => {
        queues[request.priority].push(request.caller, { ...request, requestedAt, resolve, reject })
        processQueues()
      })
    },
    estimateAt,
    pauseUntil(time) {
      if (time <= pausedUntil) return
      pausedUntil = time
      refuseDueBefore(time)
      processQueues()
      for (const listener of pauseListeners) listener()
    },
    onPause: (listener) => void pauseListeners.push(listener),
    get state() {
      const now = clock.elapsed()
      const usedLastSecond = freeAt.filter((time) => time - jitterMarginMs > now).length
      return { readsPerSecond: rate, usedLastSecond, waiting: waiting(), isExhausted: isExhausted() }
    },
  }
}

/** The problem of a request that cannot be sent upstream in time. */
export function overloaded(waitMs: number): Problem {
  return problem('overloaded', 'Too many requests are queued for Trackstar; try again later', {
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
  })
}
