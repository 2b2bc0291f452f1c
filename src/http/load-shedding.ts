import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface LoadSheddingOptions {
  /** Event loop delay above which requests are rejected, in ms. */
  readonly maxEventLoopDelayMs: number
  /** How often the delay is evaluated, in ms; default: 500. */
  readonly sampleIntervalMs?: number
}

/** How often the event loop is timed within a sample. */
const resolutionMs = 10
/** Long pauses leave few timings. One pause alone must not decide, but many must. */
const minTimings = 4

/**
 * Rejects requests with 503 `overloaded` while the event loop is far behind: a rejection costs little, while one more
 * request in the queue delays all of them. Open routes are still answered, because a failed liveness probe would restart
 * the process and lose its work.
 *
 * The delay is the median of a sample. `@fastify/under-pressure` uses the mean, so that one long pause (startup, garbage
 * collection) rejects every request of the following second, when the process is idle again.
 */
export default fastifyPlugin<LoadSheddingOptions>(
  async (app: FastifyInstance, { maxEventLoopDelayMs, sampleIntervalMs = 500 }) => {
    let isOverloaded = false
    const delays = monitorEventLoopDelay({ resolution: resolutionMs })
    delays.enable()
    const sampling = setInterval(() => {
      if (delays.count < minTimings) return
      isOverloaded = delays.percentile(50) / 1e6 - resolutionMs > maxEventLoopDelayMs
      delays.reset()
    }, sampleIntervalMs)
    sampling.unref()
    app.addHook('onClose', async () => {
      clearInterval(sampling)
      delays.disable()
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const isRejected = isOverloaded && request.routeOptions.config.access !== 'open'
      done(isRejected ? problem('overloaded', 'The service is overloaded; retry later', { retryAfter: 1 }) : undefined)
    })
  },
  { name: 'load-shedding', dependencies: ['auth'] },
)
