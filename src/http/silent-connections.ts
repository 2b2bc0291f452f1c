import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/**
 * Ends connections on which nothing was ever said when the server closes. Browsers and load balancers open such ones in
 * advance; for Node they are not idle but about to send a request, so one of them would hold a stop up to its end.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    const open = new Set<Socket>()
    app.server.on('connection', (socket: Socket) => {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    })
    app.addHook('preClose', async () => {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    })
  },
  { name: 'silent-connections' },
)
