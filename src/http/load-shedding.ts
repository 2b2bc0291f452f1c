import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface OverloadOptions {
  /** How late the event loop may be, in ms, before requests are turned away. */
  readonly maxEventLoopDelayMs: number
}

/** How often the event loop is timed, and how often it is judged by that. */
const resolutionMs = 10
const sampleMs = 500
const leastTimings = 4

/**
 * Turns requests away with 503 `overloaded` while the event loop is far behind: an answer that says "come back" costs
 * little, where one more in the queue makes all of them late. What is open to everybody is answered: a probe that failed
 * now would have the process restarted, and its work lost.
 *
 * Judged by the median. `@fastify/under-pressure` takes the mean, by which one long pause (the start, a collection of
 * garbage) is enough to turn away everybody in the second that follows, when there is nothing the matter any more.
 */
export default fastifyPlugin<OverloadOptions>(
  async (app: FastifyInstance, { maxEventLoopDelayMs }) => {
    let isLate = false
    const delays = monitorEventLoopDelay({ resolution: resolutionMs })
    delays.enable()
    const sampling = setInterval(() => {
      // Long pauses leave few timings: one pause alone is to decide nothing, many of them are.
      if (delays.count < leastTimings) return
      isLate = delays.percentile(50) / 1e6 - resolutionMs > maxEventLoopDelayMs
      delays.reset()
    }, sampleMs)
    sampling.unref()
    app.addHook('onClose', async () => {
      clearInterval(sampling)
      delays.disable()
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const isRefused = isLate && request.routeOptions.config.access !== 'open'
      const detail = 'The service has more to do than it can; others are being answered first'
      done(isRefused ? problem('overloaded', detail, { retryAfter: 1 }) : undefined)
    })
  },
  { name: 'overload', dependencies: ['access'] },
)
