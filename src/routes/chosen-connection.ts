import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Type } from 'typebox'
import type { Connection } from '../connection.js'
import type { Group } from '../connection-group.js'
import { problem } from '../errors.js'
import { Key } from './schemas.js'

/** The connections and groups that requests choose from. No two have the same name. */
export interface Connections {
  readonly all: readonly Connection[]
  readonly groups: readonly Group[]
  find(name: string): Connection | Group | undefined
}

export const isGroup = (asked: Connection | Group): asked is Group => 'members' in asked

export interface ChosenConnectionOptions {
  readonly connections: Connections
}

/** The option of every route that asks a connection. */
export const connectionField = {
  connection: Type.Optional(
    Key('The connection to ask, by its name in `GET /connections`. Required if the key may use several', 'default'),
  ),
}

/** The option of every route that also asks groups. */
export const connectionOrGroupField = {
  connection: Type.Optional(
    Key(
      'The connection or group to ask, by its name in `GET /connections`. Required if the key may use several',
      'default',
    ),
  ),
}

/** The query of a route that has no option but the connection. */
export const ConnectionQuery = Type.Object(connectionField, { additionalProperties: false })

/**
 * Chooses what each request to a route that declares `connectionIn` asks: a connection or, if the route serves groups, a
 * group. It does so before the handler runs, and nothing else does. What the key may not use is answered like what does not
 * exist.
 */
export default fastifyPlugin<ChosenConnectionOptions>(
  async (app: FastifyInstance, { connections }) => {
    app.addHook('preHandler', (request, _reply, done) => {
      const { connectionIn } = request.routeOptions.config
      if (connectionIn !== undefined) {
        const { connection: name } = request[connectionIn] as { readonly connection?: string }
        request.connection = choose(connections, request, name)
      }
      done()
    })
  },
  { name: 'chosen-connection' },
)

type Caller = Pick<FastifyRequest, 'caller'>

function choose(
  connections: Connections,
  request: Caller & Pick<FastifyRequest, 'routeOptions'>,
  name: string | undefined,
): Connection | Group | null {
  const { connectionIsOptional = false, servesGroups = false } = request.routeOptions.config
  const usable = usableConnections(connections, request)
  const groups = usableGroups(connections, request)
  const required = (detail: string) => {
    const names = [...usable, ...(servesGroups ? groups : [])].map((one) => one.name)
    return problem('connection_required', detail, { connections: names })
  }
  if (name !== undefined) {
    const found = mayUse(request, name) ? connections.find(name) : undefined
    if (found === undefined) {
      throw problem('connection_not_found', `This API key has no connection with the name ${JSON.stringify(name)}`)
    }
    if (isGroup(found) && !servesGroups) throw required('This route needs one connection, and not a group')
    return found
  }
  const only = usable[0] ?? groups[0]
  const count = usable.length + groups.length
  if (only !== undefined && count === 1 && (servesGroups || !isGroup(only))) return only
  if (connectionIsOptional) return null
  if (count === 0) throw required('This API key may use none of the connections')
  throw required(
    usable.length === 0 && !servesGroups
      ? 'This API key may only use groups, and this route needs one connection'
      : 'This API key may use several connections',
  )
}

/** The connections that the caller of a request may use, each by itself. */
export const usableConnections = ({ all }: Pick<Connections, 'all'>, request: Caller): readonly Connection[] =>
  request.caller?.connections === undefined ? all : all.filter(({ name }) => mayUse(request, name))

/** The groups that the caller of a request may use. */
export const usableGroups = ({ groups }: Pick<Connections, 'groups'>, request: Caller): readonly Group[] =>
  request.caller?.connections === undefined ? groups : groups.filter(({ name }) => mayUse(request, name))

const mayUse = ({ caller }: Caller, name: string): boolean =>
  caller?.connections === undefined || caller.connections.includes(name)

/** What a request asks, for routes that declare `connectionIn` and serve groups. */
export function askedOf({ connection }: FastifyRequest): Connection | Group {
  if (!connection) throw new Error('expected a route that asks a connection, but this one declares none')
  // Only the plugin above sets it.
  return connection as Connection | Group
}

/** The connection that a request asks, for routes that declare `connectionIn` and serve no groups. */
export function connectionOf(request: FastifyRequest): Connection {
  const asked = askedOf(request)
  if (isGroup(asked)) throw new Error('expected a route that serves no groups, but this one does')
  return asked
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where the request names the connection that it asks. Undefined: the route asks none. */
    connectionIn?: 'query' | 'body'
    /** Whether the route also serves callers that may use several connections and name none. */
    connectionIsOptional?: boolean
    /** Whether the route also asks groups: its handler uses `askedOf`. */
    servesGroups?: boolean
  }
}
