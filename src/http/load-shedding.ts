import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface LoadSheddingOptions {
  /** Event loop delay above which requests are rejected, in ms. */
  readonly maxEventLoopDelayMs: number
  /** How often the delay is evaluated, in ms; default: 500. */
  readonly sampleIntervalMs?: number
  /** What clients have used of the event loop lately. */
  readonly loads: ClientLoads
}

/** How often the event loop is timed within a sample. */
const resolutionMs = 10
/** Long pauses leave few timings. One pause alone must not decide, but many must. */
const minTimings = 4
/** About what a request takes of the event loop besides long work, in ms. */
const requestMs = 0.3
/** A client with less than this is forgotten. */
const minLoadMs = 0.1

/** How long each client has used the event loop lately, in ms. Halves with every sample. */
export class ClientLoads {
  readonly #loads = new Map<string, number>()
  #total = 0

  readonly add = (client: string, ms: number): void => {
    this.#loads.set(client, (this.#loads.get(client) ?? 0) + ms)
    this.#total += ms
  }

  /** Whether a client has used at least as much as the average of all clients. */
  isAboveAverage(client: string): boolean {
    return (this.#loads.get(client) ?? 0) * this.#loads.size >= this.#total
  }

  decay(): void {
    this.#total = 0
    for (const [client, ms] of this.#loads) {
      if (ms / 2 < minLoadMs) {
        this.#loads.delete(client)
        continue
      }
      this.#loads.set(client, ms / 2)
      this.#total += ms / 2
    }
  }
}

/**
 * Rejects requests with 503 `overloaded` while the event loop is far behind: a rejection costs little, while one more
 * request in the queue delays all of them. Only clients that have used at least their share of the event loop are rejected,
 * so a client with a few cheap requests is not turned away for the load of another. Open routes are still answered,
 * because a failed liveness probe would restart the process and lose its work.
 *
 * The delay is the median of a sample. `@fastify/under-pressure` uses the mean, so that one long pause (startup, garbage
 * collection) rejects every request of the following second, when the process is idle again.
 */
export default fastifyPlugin<LoadSheddingOptions>(
  async (app: FastifyInstance, { maxEventLoopDelayMs, sampleIntervalMs = 500, loads }) => {
    let isOverloaded = false
    const delays = monitorEventLoopDelay({ resolution: resolutionMs })
    delays.enable()
    const sampling = setInterval(() => {
      loads.decay()
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
      const { client, routeOptions } = request
      loads.add(client, requestMs)
      const isRejected = isOverloaded && routeOptions.config.access !== 'open' && loads.isAboveAverage(client)
      done(isRejected ? problem('overloaded', 'The service is overloaded; retry later', { retryAfter: 1 }) : undefined)
    })
  },
  { name: 'load-shedding', dependencies: ['auth', 'client-limit'] },
)
