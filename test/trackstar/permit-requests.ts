import { isProblem } from '../../src/errors.js'
import { jitterMarginMs, type PermitRequest, type RateLimiter } from '../../src/trackstar/rate-limiter.js'
import type { FakeTime } from './fake-time.js'

/** How long a slot of the rate limiter is taken. */
export const spanMs = 1000 + jitterMarginMs

/** A permit request without a deadline; `over` overrides its fields. */
export const permitRequest = (over: Partial<PermitRequest> = {}): PermitRequest => ({
  priority: 'caller',
  caller: 'anna',
  deadline: () => Number.POSITIVE_INFINITY,
  ...over,
})

/** A deadline `ms` from now. */
export function within(time: FakeTime, ms: number): () => number {
  const deadline = time.clock.elapsed() + ms
  return () => deadline
}

/** Requests permits and uses them at once. The log has the time of each permit or refusal. */
export function watch(limiter: RateLimiter, time: FakeTime) {
  const log: string[] = []
  const leave = async (name: string, over: Partial<PermitRequest>) => {
    try {
      const permit = await limiter.acquire(permitRequest(over))
      permit.sent()
      log.push(`${name} at ${time.elapsed()}`)
    } catch (error) {
      const result = isProblem(error, 'overloaded') ? `refused for ${error.extras.retryAfter} s` : String(error)
      log.push(`${name} ${result} at ${time.elapsed()}`)
    }
  }
  return { log, request: (name: string, over: Partial<PermitRequest> = {}) => void leave(name, over) }
}
