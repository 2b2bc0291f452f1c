import type { Clock } from './clock.js'
import { createRateLimiter, overloaded, type Permit, type Priority, type RateLimiter } from './rate-limiter.js'

/** The parts of the rate that some priorities may use at most, and the priority at which they are in line for the whole. */
const shares: { readonly [P in Priority]?: { readonly part: number; readonly inLineWith: Priority } } = {
  list: { part: 0.6, inLineWith: 'caller' },
  forced: { part: 0.5, inLineWith: 'refresh' },
}

/** How much of a rate the requests of a priority may use at most. */
export const sharePart = (priority: Priority, rate: number): number =>
  Math.max(1, Math.floor(rate * (shares[priority]?.part ?? 1)))

/**
 * Gives `list` requests at most six tenths of the rate, in line with callers, and `forced` requests at most half of it, in
 * line with refreshes: neither callers who page through lists nor callers who do not accept a cached answer may delay
 * callers who have none. Such a request needs a permit of a limiter with its part of the rate, and then one of `limiter`.
 */
export function limitShares(limiter: RateLimiter, clock: Pick<Clock, 'elapsed'>): RateLimiter {
  const rate = limiter.state.readsPerSecond
  const limited = new Map(
    Object.entries(shares).map(([name, { inLineWith }]) => {
      const priority = name as Priority
      return [priority, { share: createRateLimiter(sharePart(priority, rate), clock), inLineWith }] as const
    }),
  )
  const shareLimiters = [...limited.values()].map(({ share }) => share)

  function estimateAt(priority: Priority, caller: string, extra: number): number {
    const found = limited.get(priority)
    if (found === undefined) return limiter.estimateAt(priority, caller, extra)
    return Math.max(found.share.estimateAt(priority, caller, extra), limiter.estimateAt(found.inLineWith, caller, 0))
  }

  return {
    async acquire(request) {
      const found = limited.get(request.priority)
      if (found === undefined) return limiter.acquire(request)
      const at = estimateAt(request.priority, request.caller, 0)
      if (at > request.deadline()) throw overloaded(at - clock.elapsed())
      const first = await found.share.acquire(request)
      try {
        return bothPermits(first, await limiter.acquire({ ...request, priority: found.inLineWith }))
      } catch (error) {
        first.release()
        throw error
      }
    },
    estimateAt,
    pauseUntil(time) {
      for (const share of shareLimiters) share.pauseUntil(time)
      limiter.pauseUntil(time)
    },
    onPause: (listener) => limiter.onPause(listener),
    get state() {
      const { state } = limiter
      return { ...state, waiting: shareLimiters.reduce((sum, share) => sum + share.state.waiting, state.waiting) }
    },
  }
}

const bothPermits = (first: Permit, second: Permit): Permit => ({
  waitedMs: first.waitedMs + second.waitedMs,
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
