import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a response lasts until the client leaves, which is its normal end. */
    isStream?: boolean
  }
}

/**
 * Whether a response that was closed before all of it was sent is complete all the same: a stream that has begun lasts
 * until the client leaves.
 */
export const isEndedStream = (request: FastifyRequest, reply: FastifyReply): boolean =>
  request.routeOptions.config.isStream === true && reply.raw.headersSent && !reply.raw.writableFinished
