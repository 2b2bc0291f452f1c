import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Group } from '../connection-group.js'
import type { ConnectionState } from '../http/connection-state.js'
import { enumOf, nullable, ref } from '../schema.js'
import { type ChosenConnectionOptions, usableConnections, usableGroups } from './chosen-connection.js'
import { localReadResponses, NoQuery } from './schemas.js'

/** The connections that a key may use. */
export const ConnectionList = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'Name of the connection, for `connection` of other requests' }),
          kind: enumOf(['connection', 'group'], {
            description: 'group: several connections whose stock is seen as one',
          }),
          connections: Type.Optional(
            Type.Array(Type.String(), { description: 'Names of the connections of a group; absent for a connection' }),
          ),
          connection_id: nullable(
            Type.String({ description: "Trackstar's id of the connection; null if not configured, and for a group" }),
          ),
          state: enumOf(['loading', 'live', 'on-demand', 'refused'], {
            description:
              'live: the whole catalog is mirrored. loading: it is being loaded. on-demand: records are read when they are requested. refused: Trackstar rejects the credentials. A group is refused if all of its connections are, and loading or on-demand if any of them is',
          }),
          synced_at: nullable(
            Type.String({
              format: 'date-time',
              description:
                'When the mirror was last known to be up to date; for a group, the earliest of its connections',
            }),
          ),
        },
        { title: 'ConnectionEntry', description: 'One connection or group', additionalProperties: false },
      ),
      { description: 'The connections in the order of the configuration, then the groups' },
    ),
  },
  {
    $id: 'ConnectionList',
    description: 'The connections and groups that the key may use',
    additionalProperties: false,
  },
)

/** `GET /connections`. */
export const connectionsRoute: FastifyPluginAsyncTypebox<ChosenConnectionOptions> = async (app, { connections }) => {
  app.get(
    '/connections',
    {
      config: { produces: 'json' },
      schema: {
        operationId: 'listConnections',
        tags: ['connections'],
        summary: 'List connections',
        description:
          'Returns the connections and groups that the API key may use: the values of `connection` that other requests take. Makes no call to Trackstar.',
        querystring: NoQuery,
        response: localReadResponses({ description: 'The connections', schema: ref('ConnectionList') }),
      },
    },
    async (request, reply) => {
      const single = usableConnections(connections, request).map(({ state }) => toEntry(state))
      const groups = usableGroups(connections, request).map(toGroupEntry)
      return reply.header('cache-control', 'no-store').send({ data: [...single, ...groups] })
    },
  )
}

function toEntry({ name, connectionId, credentials, mirror }: ConnectionState) {
  const ofMirror = mirror === null || mirror.state === 'off' ? 'on-demand' : mirror.state
  return {
    name,
    kind: 'connection' as const,
    connection_id: connectionId ?? null,
    state: credentials === 'refused' ? ('refused' as const) : ofMirror,
    synced_at: mirror?.syncedAt === undefined ? null : new Date(mirror.syncedAt).toISOString(),
  }
}

function toGroupEntry({ name, members }: Group) {
  const entries = members.map(({ state }) => toEntry(state))
  const answering = entries.filter(({ state }) => state !== 'refused')
  const unready = answering.find(({ state }) => state !== 'live')
  // NaN if one was never up to date.
  const syncedAt = Math.min(...answering.map(({ synced_at }) => Date.parse(synced_at ?? '')))
  return {
    name,
    kind: 'group' as const,
    connections: entries.map((entry) => entry.name),
    connection_id: null,
    state: answering.length === 0 ? ('refused' as const) : (unready?.state ?? ('live' as const)),
    synced_at: Number.isFinite(syncedAt) ? new Date(syncedAt).toISOString() : null,
  }
}
