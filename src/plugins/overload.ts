import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface OverloadOptions {
  /** Mean delay of the event loop in the last second, in ms, beyond which requests are turned away. */
  readonly maxEventLoopDelayMs: number
}

/**
 * Turns requests away with 503 `overloaded` while the event loop is far behind: an answer that says "come back" costs
 * little, where one more in the queue makes all of them late. What is open to everybody is answered: a probe that failed
 * now would have the process restarted, and its work lost.
 */
export default fastifyPlugin<OverloadOptions>(
  async (app: FastifyInstance, { maxEventLoopDelayMs }) => {
    await app.register(underPressure, {
      maxEventLoopDelay: maxEventLoopDelayMs,
      pressureHandler: async ({ routeOptions }) => {
        if (routeOptions.config.access === 'open') return
        const detail = 'The service has more to do than it can; others are being answered first'
        throw problem('overloaded', detail, { retryAfter: 1 })
      },
    })
  },
  { name: 'overload', dependencies: ['access'] },
)
