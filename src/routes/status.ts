import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Static, Type } from 'typebox'
import type { ConnectionState, ReplicasState } from '../http/connection-state.js'
import type { Metrics } from '../http/metrics.js'
import { enumOf, nullable } from '../schema.js'

const closed = { additionalProperties: false }

const MirrorStatus = Type.Object(
  {
    state: enumOf(['loading', 'live', 'off'], {
      description: 'off: the mirror has stopped, and records are read on demand',
    }),
    products: Type.Integer({ description: 'Products in the mirror' }),
    inventory: Type.Integer({ description: 'Inventory items in the mirror' }),
    warehouses: Type.Integer({ description: 'Warehouses in the mirror' }),
    pages: Type.Integer({ description: 'Pages read since startup, including pages of changes' }),
    pages_left: nullable(
      Type.Integer({
        description:
          'Pages left of the first load or of a comparison; null if unknown, because Trackstar gives no total',
      }),
    ),
    doubtful: Type.Array(Type.String(), {
      description:
        'Lists that are empty, have lost most of their records, which the mirror does not accept yet, or have records that cannot be read',
    }),
    synced_at: nullable(Type.String({ description: 'When the mirror was last known to be up to date' })),
  },
  { ...closed, title: 'MirrorStatus', description: 'The mirror of the catalog; null in on-demand mode' },
)

const ConnectionStatus = Type.Object(
  {
    name: Type.String({ description: 'Name of the connection', examples: ['default'] }),
    connection_id: nullable(Type.String({ description: 'Its id at Trackstar, if it is configured' })),
    mode: enumOf(['mirror', 'on-demand'], { description: 'CATALOG_MODE' }),
    leader: Type.Boolean({
      description:
        'Whether this process reads the changes of the connection from Trackstar; of several replicas one does',
    }),
    credentials: enumOf(['ok', 'refused', 'unknown'], {
      description:
        'refused: Trackstar rejects TRACKSTAR_API_KEY or the access token. unknown: no call has been answered yet',
    }),
    last_error: nullable(
      Type.Object(
        {
          code: Type.String({ description: 'A problem code, see /docs/problems', examples: ['upstream_unavailable'] }),
          detail: Type.String({ description: 'What failed' }),
          at: Type.String({ format: 'date-time', description: 'When it failed' }),
        },
        {
          ...closed,
          title: 'LastError',
          description:
            'The latest failure of a call to Trackstar, or of the mirror; null if there was none since startup',
        },
      ),
    ),
    webhooks: nullable(
      Type.Object(
        {
          last_received_at: nullable(
            Type.String({
              format: 'date-time',
              description: 'When the latest delivery arrived; null before the first',
            }),
          ),
          received: Type.Integer({ description: 'Signed deliveries since startup' }),
          ignored: Type.Integer({
            description:
              'Those that changed nothing: older than the cached record, repeated, malformed, or of an event type or connection that this service does not use',
          }),
        },
        {
          ...closed,
          title: 'WebhookStatus',
          description: 'Webhooks from Trackstar; null without TRACKSTAR_WEBHOOK_SECRET',
        },
      ),
    ),
    mirror: nullable(MirrorStatus),
    cache: Type.Object(
      {
        entries: Type.Integer({ description: 'Records and indexes in the cache' }),
        bytes: Type.Integer({ description: 'Their size as JSON' }),
        max_bytes: Type.Integer({ description: 'Maximum size of all connections together: CACHE_MAX_MB, in bytes' }),
        hit_ratio: nullable(
          Type.Number({
            description: 'Share of lookups since startup that needed no call to Trackstar; null before the first',
          }),
        ),
      },
      { ...closed, title: 'CacheStatus', description: 'The record cache' },
    ),
    budget: Type.Object(
      {
        reads_per_second: Type.Number({ description: 'TRACKSTAR_READ_RATE' }),
        used_last_second: Type.Integer({ description: 'Reads sent within the last second' }),
        waiting: Type.Integer({ description: 'Calls waiting for a permit' }),
      },
      { ...closed, title: 'BudgetStatus', description: 'Use of the read rate' },
    ),
    circuit: enumOf(['closed', 'open', 'half-open'], {
      description: 'State of the circuit breaker; open: Trackstar failed repeatedly, and calls are paused',
    }),
    source: nullable(
      Type.Object(
        {
          synced_at: nullable(Type.String({ description: 'When Trackstar last synced inventory' })),
          errors: Type.Array(
            Type.Object(
              {
                message: Type.String({ description: 'What is wrong, with type and resource if Trackstar names them' }),
                preventing_sync: Type.Boolean({
                  description: 'Whether it keeps Trackstar from copying products, inventory or warehouses',
                }),
                first_seen: nullable(Type.String({ description: 'When it was first seen' })),
                last_seen: nullable(Type.String({ description: 'When it was last seen' })),
              },
              {
                ...closed,
                title: 'ConnectionError',
                description: 'An error between Trackstar and the warehouse system, or a sync that does not run',
              },
            ),
            { description: 'All errors of the connection' },
          ),
        },
        {
          ...closed,
          title: 'ConnectionSource',
          description: "State of Trackstar's sync with the warehouse system; null while unknown",
        },
      ),
    ),
  },
  { ...closed, title: 'ConnectionStatus', description: 'Status of one connection' },
)

const ReplicaStatus = Type.Object(
  {
    id: Type.String({ description: 'This process' }),
    count: Type.Integer({ description: 'Processes that share the work' }),
    redis: enumOf(['ok', 'down'], { description: 'What they share it through' }),
  },
  {
    ...closed,
    title: 'ReplicaStatus',
    description: 'The processes of this service that work together; null: this one works alone',
  },
)

const Status = Type.Object(
  {
    version: Type.String({ description: 'Version of the service and of its API' }),
    started_at: Type.String({ format: 'date-time', description: 'When the process started' }),
    replicas: nullable(ReplicaStatus),
    configuration_error: nullable(
      Type.String({
        description:
          'Why CONNECTIONS_FILE cannot be used, so that the connections are still the ones from before; null if it can',
      }),
    ),
    connections: Type.Array(ConnectionStatus, { description: 'The connections, in the order of the configuration' }),
  },
  { $id: 'Status', description: 'Status of the service', additionalProperties: false },
)
export type Status = Static<typeof Status>

/** The replicas as `/status` shows them; null if there is only this process. */
export const replicasStatus = (state: ReplicasState | null): Status['replicas'] =>
  state && { id: state.id, count: state.count, redis: state.redis }

/** A connection as `/status` shows it. */
export function connectionStatus(state: ConnectionState): Status['connections'][number] {
  const { stores, lookups, mirror, budget, lastError, webhooks, source } = state
  const lookupCount = lookups.hit + lookups.stale + lookups.negative + lookups.miss
  return {
    name: state.name,
    connection_id: state.connectionId ?? null,
    mode: state.mode,
    leader: state.isLeader,
    credentials: state.credentials,
    last_error: lastError && { code: lastError.code, detail: lastError.detail, at: toIsoDate(lastError.at) },
    webhooks: webhooks && {
      last_received_at: webhooks.lastReceivedAt === undefined ? null : toIsoDate(webhooks.lastReceivedAt),
      received: webhooks.received,
      ignored: webhooks.ignored,
    },
    mirror: mirror && {
      state: mirror.state,
      products: mirror.products,
      inventory: mirror.inventory,
      warehouses: mirror.warehouses,
      pages: mirror.pages,
      pages_left: mirror.pagesLeft,
      doubtful: [...new Set([...mirror.unreliableResources, ...mirror.unreadResources])],
      synced_at: mirror.syncedAt === undefined ? null : toIsoDate(mirror.syncedAt),
    },
    cache: {
      entries: stores.records.entries,
      bytes: stores.records.bytes,
      max_bytes: stores.records.maxBytes,
      hit_ratio: lookupCount === 0 ? null : 1 - lookups.miss / lookupCount,
    },
    budget: {
      reads_per_second: budget.readsPerSecond,
      used_last_second: budget.usedLastSecond,
      waiting: budget.waiting,
    },
    circuit: state.circuit,
    source: source ? { synced_at: source.syncedAt, errors: [...source.errors] } : null,
  }
}

const toIsoDate = (epochMs: number) => new Date(epochMs).toISOString()

export interface StatusOptions {
  /** The status as the caller of the request may see it. */
  readonly status: (request: FastifyRequest) => Status
}

/** `GET /status`: the state of the service for operators to read; `/metrics` is for monitoring. */
export const statusRoute = fastifyPlugin<StatusOptions>(
  async (app: FastifyInstance, { status }) => {
    app.addSchema(Status)
    app.get(
      '/status',
      {
        schema: {
          operationId: 'getStatus',
          tags: ['operation'],
          summary: 'Get the service status',
          description:
            "For each connection that the key may use: the mode, whether Trackstar accepts the credentials, the latest error, the webhooks, the progress of the mirror, the size and hit ratio of the cache, the use of the read rate, the state of the circuit breaker, and the state of Trackstar's own sync.",
          response: {
            200: {
              description: 'Status of the service',
              headers: { 'Cache-Control': { type: 'string', description: 'Never stored', examples: ['no-store'] } },
              content: { 'application/json': { schema: Type.Unsafe({ $ref: 'Status#' }) } },
            },
            default: {
              description: 'Any error',
              content: { 'application/problem+json': { schema: Type.Unsafe({ $ref: 'Problem#' }) } },
            },
          },
        },
      },
      async (request, reply) => reply.header('cache-control', 'no-store').send(status(request)),
    )
  },
  { name: 'status' },
)

export interface MetricsRouteOptions {
  readonly metrics: Metrics
}

/** `GET /metrics`, for Prometheus. */
export const metricsRoute = fastifyPlugin<MetricsRouteOptions>(
  async (app: FastifyInstance, { metrics }) => {
    // The route is open to everyone: requests that arrive in the same turn of the event loop share one rendering.
    let rendering: Promise<string> | undefined
    async function renderNext(): Promise<string> {
      await nextTurn()
      rendering = undefined
      return metrics.registry.metrics()
    }
    const render = () => (rendering ??= renderNext())
    app.get(
      '/metrics',
      {
        compress: false,
        config: { access: 'open' },
        schema: {
          operationId: 'getMetrics',
          tags: ['operation'],
          summary: 'Get Prometheus metrics',
          description:
            'Metrics in the text format of Prometheus: calls to Trackstar by route, cause and outcome, permits, batch sizes, cache, mirror, event streams, circuit breaker, requests by route, status and name of the API key, and the process.',
          response: {
            200: {
              description: 'The metrics',
              headers: { 'Cache-Control': { type: 'string', description: 'Never stored', examples: ['no-store'] } },
              content: { 'text/plain': { schema: { type: 'string' } } },
            },
          },
        },
      },
      async (_request, reply) =>
        reply
          .type(metrics.registry.contentType)
          .header('cache-control', 'no-store')
          .send(await render()),
    )
  },
  { name: 'metrics-route' },
)
