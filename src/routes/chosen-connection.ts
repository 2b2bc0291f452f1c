import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Type } from 'typebox'
import type { Connection } from '../connection.js'
import { problem } from '../errors.js'
import { Key } from './schemas.js'

/** The connections that requests choose from. */
export interface Connections {
  readonly all: readonly Connection[]
  find(name: string): Connection | undefined
}

export interface ChosenConnectionOptions {
  readonly connections: Connections
}

/** The option of every route that asks a connection. */
export const connectionField = {
  connection: Type.Optional(
    Key('The connection to ask, by its name in `GET /connections`. Required if the key may use several', 'default'),
  ),
}

/** The query of a route that has no option but the connection. */
export const ConnectionQuery = Type.Object(connectionField, { additionalProperties: false })

/**
 * Chooses the connection of each request to a route that declares `connectionIn`, before its handler runs. Nothing else
 * chooses. A connection that the key may not use is answered like one that does not exist.
 */
export default fastifyPlugin<ChosenConnectionOptions>(
  async (app: FastifyInstance, { connections }) => {
    app.addHook('preHandler', (request, _reply, done) => {
      const { connectionIn, connectionIsOptional } = request.routeOptions.config
      if (connectionIn !== undefined) {
        const { connection: name } = request[connectionIn] as { readonly connection?: string }
        request.connection = choose(connections, request, name, connectionIsOptional === true)
      }
      done()
    })
  },
  { name: 'chosen-connection' },
)

function choose(
  connections: Connections,
  request: Pick<FastifyRequest, 'caller'>,
  name: string | undefined,
  isOptional: boolean,
): Connection | null {
  if (name !== undefined) {
    const found = mayUse(request, name) ? connections.find(name) : undefined
    if (found) return found
    throw problem('connection_not_found', `This API key has no connection with the name ${JSON.stringify(name)}`)
  }
  const usable = usableConnections(connections, request)
  const [only] = usable
  if (only !== undefined && usable.length === 1) return only
  if (isOptional) return null
  const names = usable.map((connection) => connection.name)
  const detail =
    names.length === 0 ? 'This API key may use none of the connections' : 'This API key may use several connections'
  throw problem('connection_required', detail, { connections: names })
}

/** The connections that the caller of a request may use. */
export function usableConnections({ all }: Pick<Connections, 'all'>, request: Pick<FastifyRequest, 'caller'>) {
  return request.caller?.connections === undefined ? all : all.filter(({ name }) => mayUse(request, name))
}

const mayUse = ({ caller }: Pick<FastifyRequest, 'caller'>, name: string): boolean =>
  caller?.connections === undefined || caller.connections.includes(name)

/** The connection that a request asks, for routes that declare `connectionIn`. */
export function connectionOf({ connection }: FastifyRequest): Connection {
  if (!connection) throw new Error('expected a route that asks a connection, but this one declares none')
  // Only the plugin above sets it.
  return connection as Connection
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where the request names the connection that it asks. Undefined: the route asks none. */
    connectionIn?: 'query' | 'body'
    /** Whether the route also serves callers that may use several connections and name none. */
    connectionIsOptional?: boolean
  }
}
