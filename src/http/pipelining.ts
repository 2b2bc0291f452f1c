import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/**
 * Tells answers that wait for their turn behind another on the same connection (RFC 9112, 9.3.2) when that is gone. Node
 * tells only the one whose turn it is, so what is held until an answer is closed would be held for good.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    const waiting = new WeakMap<Socket, Set<ServerResponse>>()

    function waitersOn(socket: Socket): Set<ServerResponse> {
      const known = waiting.get(socket)
      if (known !== undefined) return known
      const waiters = new Set<ServerResponse>()
      waiting.set(socket, waiters)
      // One listener, however many there are.
      socket.once('close', () => {
        for (const response of waiters) if (!response.closed) response.emit('close')
      })
      return waiters
    }

    app.server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      if (response.socket !== null) return
      const waiters = waitersOn(socket)
      waiters.add(response)
      response.once('close', () => waiters.delete(response))
    })
  },
  { name: 'pipelining' },
)
