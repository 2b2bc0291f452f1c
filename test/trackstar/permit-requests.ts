import { isProblem } from '../../src/errors.js'
import { jitterMarginMs, type PermitRequest, type RateLimiter } from '../../src/trackstar/rate-limiter.js'
import type { Time } from './time.js'

/** How long a slot of the budget is taken. */
export const spanMs = 1000 + jitterMarginMs

/** A bid of Anna's that may wait for ever, but for what is said otherwise. */
export const aBid = (over: Partial<PermitRequest> = {}): PermitRequest => ({
  priority: 'caller',
  caller: 'anna',
  deadline: () => Number.POSITIVE_INFINITY,
  ...over,
})

/** A deadline `ms` from now. */
export function within(time: Time, ms: number): () => number {
  const deadline = time.clock.elapsed() + ms
  return () => deadline
}

/** Bids and writes what leaves at once. The log has who left when, and who was refused when and for how long. */
export function watch(budget: RateLimiter, time: Time) {
  const log: string[] = []
  const leave = async (name: string, over: Partial<PermitRequest>) => {
    try {
      const permit = await budget.acquire(aBid(over))
      permit.sent()
      log.push(`${name} at ${time.elapsed()}`)
    } catch (error) {
      const said = isProblem(error, 'overloaded') ? `refused for ${error.extras.retryAfter} s` : String(error)
      log.push(`${name} ${said} at ${time.elapsed()}`)
    }
  }
  return { log, bid: (name: string, over: Partial<PermitRequest> = {}) => void leave(name, over) }
}
