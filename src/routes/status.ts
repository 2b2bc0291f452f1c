import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Static, Type } from 'typebox'
import { enumOf, nullable } from '../schema.js'

const closed = { additionalProperties: false }

/** How far the mirror of the catalog is. */
const MirrorStatus = Type.Object(
  {
    state: enumOf(['loading', 'live', 'off'], {
      description: 'off: it has given up, and records are read when asked for',
    }),
    products: Type.Integer({ description: 'Products held' }),
    inventory: Type.Integer({ description: 'Inventory items held' }),
    warehouses: Type.Integer({ description: 'Warehouses known' }),
    pages: Type.Integer({ description: 'Pages of lists read since the start, those of changes included' }),
    pages_left: nullable(
      Type.Integer({
        description: 'Pages of the first load or of a comparison still to come; null where Trackstar leaves that open',
      }),
    ),
    doubtful: Type.Array(Type.String(), {
      description: 'Lists that are empty, or have lost most of their records: not taken for the whole',
    }),
    synced_at: nullable(Type.String({ description: 'As of when everything held is known to be up to date' })),
  },
  { ...closed, title: 'MirrorStatus', description: 'The mirror of the catalog; null where there is none' },
)

/** What an operator sees of one connection. */
const ConnectionStatus = Type.Object(
  {
    connection_id: nullable(Type.String({ description: 'The connection, where TRACKSTAR_CONNECTION_ID names it' })),
    mode: enumOf(['mirror', 'on-demand'], { description: 'How records come here' }),
    mirror: nullable(MirrorStatus),
    cache: Type.Object(
      {
        entries: Type.Integer({ description: 'Records and indexes held' }),
        bytes: Type.Integer({ description: 'Their size as JSON' }),
        max_bytes: Type.Integer({ description: 'The bound, CACHE_MAX_MB' }),
        hit_ratio: nullable(
          Type.Number({
            description: 'Part of the look-ups since the start that asked nobody; null before the first',
          }),
        ),
      },
      { ...closed, title: 'CacheStatus', description: 'What is held' },
    ),
    budget: Type.Object(
      {
        reads_per_second: Type.Number({ description: 'TRACKSTAR_READ_RATE' }),
        used_last_second: Type.Integer({ description: 'Reads that have left within the last second' }),
        waiting: Type.Integer({ description: 'Calls that wait for a permit' }),
      },
      { ...closed, title: 'BudgetStatus', description: 'How much of the rate of Trackstar is used' },
    ),
    circuit: enumOf(['closed', 'open', 'half-open'], {
      description: 'open: Trackstar has failed repeatedly and is left alone',
    }),
    source: nullable(
      Type.Object(
        {
          synced_at: nullable(Type.String({ description: 'When it last copied inventory' })),
          errors: Type.Array(
            Type.Object(
              {
                message: Type.String({ description: 'What Trackstar says' }),
                preventing_sync: Type.Boolean({ description: 'Whether it holds the copying up' }),
                first_seen: nullable(Type.String({ description: 'When it was first seen' })),
                last_seen: nullable(Type.String({ description: 'When it was last seen' })),
              },
              {
                ...closed,
                title: 'ConnectionError',
                description: 'A fault between Trackstar and the warehouse system',
              },
            ),
            { description: 'Errors of the connection, whatever they concern' },
          ),
        },
        {
          ...closed,
          title: 'ConnectionSource',
          description: "Trackstar's own copy of the warehouse system; null while unknown",
        },
      ),
    ),
  },
  { ...closed, title: 'ConnectionStatus', description: 'One connection' },
)
const Status = Type.Object(
  {
    version: Type.String({ description: 'The version of the service, and of its contract' }),
    started_at: Type.String({ format: 'date-time', description: 'When the process began' }),
    connections: Type.Array(ConnectionStatus, { description: 'One: a process serves one connection' }),
  },
  { $id: 'Status', description: 'What the service does and how it fares', additionalProperties: false },
)
export type Status = Static<typeof Status>

export interface StatusOptions {
  readonly status: () => Status
}

/** `GET /status`: for people who look, where `/metrics` is for programs that watch. */
export default fastifyPlugin<StatusOptions>(
  async (app: FastifyInstance, { status }) => {
    app.addSchema(Status)
    app.get(
      '/status',
      {
        schema: {
          operationId: 'getStatus',
          tags: ['operation'],
          summary: 'How does it fare?',
          description:
            'Per connection: the mode and how far the mirror is, what is held and how often that sufficed, how much of the rate upstream is used, the circuit, and what Trackstar says of its own copy.',
          response: {
            200: {
              description: 'The status',
              headers: { 'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] } },
              content: { 'application/json': { schema: Type.Unsafe({ $ref: 'Status#' }) } },
            },
            default: {
              description: 'Any error',
              content: { 'application/problem+json': { schema: Type.Unsafe({ $ref: 'Problem#' }) } },
            },
          },
        },
      },
      async (_request, reply) => reply.header('cache-control', 'no-store').send(status()),
    )
  },
  { name: 'status' },
)
