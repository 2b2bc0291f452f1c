import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Connection } from '../connection.js'

/** The connections that requests choose from. */
export interface Connections {
  readonly all: readonly Connection[]
  find(name: string): Connection | undefined
}

export interface ChosenConnectionOptions {
  readonly connections: Connections
}

/** Chooses the connection of each request to a route that asks one, before its handler runs. Nothing else chooses. */
export default fastifyPlugin<ChosenConnectionOptions>(
  async (app: FastifyInstance, { connections }) => {
    app.addHook('preHandler', (request, _reply, done) => {
      if (request.routeOptions.config.asksConnection) request.connection = connections.all[0] ?? null
      done()
    })
  },
  { name: 'chosen-connection' },
)

/** The connection that a request asks, for routes that declare `asksConnection`. */
export function connectionOf({ connection }: FastifyRequest): Connection {
  if (!connection) throw new Error('expected a route that asks a connection, but this one declares none')
  // Only the plugin above sets it.
  return connection as Connection
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route asks a connection. */
    asksConnection?: boolean
  }
}
