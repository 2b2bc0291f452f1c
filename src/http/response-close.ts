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

/**
 * Calls `listener` once, when the response is sent or its connection is closed before that.
 *
 * Node emits `close` only on the response that has the connection. A response that waits behind another one on the same
 * connection (pipelining; RFC 9112, 9.3.2) has no socket yet, so for it the connection is watched as well.
 */
export function onceClosed(request: FastifyRequest, reply: FastifyReply, listener: () => void): void {
  const response = reply.raw
  if (response.socket !== null) {
    response.once('close', listener)
    return
  }
  const { socket } = request.raw
  const close = () => {
    socket.off('close', close)
    response.off('close', close)
    listener()
  }
  response.once('close', close)
  // A client may pipeline any number of requests: more than ten listeners are no leak here.
  socket.setMaxListeners(0).once('close', close)
}
