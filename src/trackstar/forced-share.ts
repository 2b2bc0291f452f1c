import { type RateLimiter, type Permit, type Priority, overloaded, createRateLimiter } from './budget.js'
import type { Clock } from './clock.js'

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
