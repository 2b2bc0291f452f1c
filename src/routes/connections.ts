import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ConnectionState } from '../http/connection-state.js'
import { enumOf, nullable, ref } from '../schema.js'
import { type ChosenConnectionOptions, usableConnections } from './chosen-connection.js'
import { localReadResponses, NoQuery } from './schemas.js'

/** The connections that a key may use. */
export const ConnectionList = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'Name of the connection, for `connection` of other requests' }),
          kind: enumOf(['connection', 'group'], { description: 'Groups are not served yet' }),
          connection_id: nullable(
            Type.String({ description: "Trackstar's id of the connection; null if not configured" }),
          ),
          state: enumOf(['loading', 'live', 'on-demand', 'refused'], {
            description:
              'live: the whole catalog is mirrored. loading: it is being loaded. on-demand: records are read when they are requested. refused: Trackstar rejects the credentials',
          }),
          synced_at: nullable(
            Type.String({ format: 'date-time', description: 'When the mirror was last known to be up to date' }),
          ),
        },
        { title: 'ConnectionEntry', description: 'One connection', additionalProperties: false },
      ),
      { description: 'In the order of the configuration' },
    ),
  },
  { $id: 'ConnectionList', description: 'The connections that the key may use', additionalProperties: false },
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
          'Returns the connections that the API key may use: the values of `connection` that other requests take. Makes no call to Trackstar.',
        querystring: NoQuery,
        response: localReadResponses({ description: 'The connections', schema: ref('ConnectionList') }),
      },
    },
    async (request, reply) => {
      const states = usableConnections(connections, request).map(({ state }) => state)
      return reply.header('cache-control', 'no-store').send({ data: states.map(toEntry) })
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
