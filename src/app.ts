import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { DestinationStream, Logger } from 'pino'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { basketSchemas } from './basket/basket-result.js'
import type { Config } from './config/config.js'
import { readConnectionsFile } from './config/connections-file.js'
import { connectionWarnings } from './config/warnings.js'
import { ConnectionRegistry } from './connection-registry.js'
import { ConnectionsReload } from './connections-reload.js'
import auth from './http/auth.js'
import cacheHeaders from './http/cache-headers.js'
import clientLimit from './http/client-limit.js'
import compression from './http/compression.js'
import cors from './http/cors.js'
import hostCheck from './http/host-check.js'
import loadShedding, { ClientLoads } from './http/load-shedding.js'
import requestLog, { createLogger, keepOutOfLog } from './http/logging.js'
import methodNotAllowed from './http/method-not-allowed.js'
import requestMetrics, { Metrics } from './http/metrics.js'
import problemDetails from './http/problems.js'
import requestChecks from './http/request-checks.js'
import securityHeaders from './http/security-headers.js'
import { maxConnections, serverOptions } from './http/server-options.js'
import requestSpans, { type Tracing } from './http/tracing.js'
import unreadBody from './http/unread-body.js'
import unreadResponses from './http/unread-responses.js'
import { InventoryItem } from './records/inventory-item.js'
import { Product } from './records/product.js'
import { Warehouse } from './records/warehouse.js'
import { Adjusted, adjustRoute } from './routes/adjust-inventory.js'
import { basketCheckRoute } from './routes/basket-check.js'
import { createReadContexts } from './routes/cached-reads.js'
import chosenConnection, { askedOf, isGroup, usableConnections } from './routes/chosen-connection.js'
import { ConnectionList, connectionsRoute } from './routes/connections.js'
import docs from './routes/docs.js'
import { EventTicket, eventTicketsRoute } from './routes/event-tickets.js'
import { eventsRoute } from './routes/events.js'
import health from './routes/health.js'
import { inventoryRoutes } from './routes/inventory.js'
import { createInTurns } from './routes/long-work.js'
import { LowStock, lowStockRoute } from './routes/low-stock.js'
import { productRoutes } from './routes/products.js'
import { SearchResult, searchRoute } from './routes/search.js'
import { connectionStatus, metricsRoute, replicasStatus, statusRoute } from './routes/status.js'
import { stockRoute } from './routes/stock.js'
import { manyStocksRoutes, StockResults } from './routes/stock-query.js'
import ui from './routes/ui.js'
import { warehouseRoutes } from './routes/warehouses.js'
import { webhookRoute } from './routes/webhooks.js'
import { WhereUsed, whereUsedRoute } from './routes/where-used.js'
import { GroupTexts } from './services/group-texts.js'
import { WorkTurns } from './services/work-turns.js'
import { createInProcessState, type SharedState } from './shared-state/shared-state.js'
import { stockSchemas } from './stock/stock.js'
import { type Clock, systemClock } from './trackstar/clock.js'
import { skippingContinue } from './trackstar/interim-responses.js'
import { version } from './version.js'

export interface AppOptions {
  /** Sends the requests to Trackstar; default: a pool of connections to `TRACKSTAR_BASE_URL`. */
  readonly dispatcher?: Dispatcher
  /** Default: the system clock. */
  readonly clock?: Clock
  /** Default: a logger that writes to `logTo`. */
  readonly logger?: Logger
  /** Where log lines go; default: standard output, as JSON. */
  readonly logTo?: DestinationStream
  /** Default: no tracing. */
  readonly tracing?: Tracing
  /**
   * Whether the OpenAPI document is rendered before the service listens, which takes a third of a second; default: false,
   * with the first request for it.
   */
  readonly preparesDocuments?: boolean
}

/** Event loop delay from which requests are rejected: far above that of a busy process, far below clients' timeouts. */
const maxEventLoopDelayMs = 500

/** Schemas that the schemas of responses refer to by `$id`. */
const schemas = [
  Product,
  InventoryItem,
  Warehouse,
  ...stockSchemas,
  ...basketSchemas,
  StockResults,
  LowStock,
  WhereUsed,
  SearchResult,
  Adjusted,
  EventTicket,
  ConnectionList,
]

/**
 * One pool for all connections. It opens a socket whenever all others are busy, so no permit waits for a socket, and no
 * connection for the slow answers of another. The rate limits and the timeout bound how many calls are in flight.
 */
const createPool = (config: Config) =>
  new Pool(new URL(config.trackstarBaseUrl).origin, {
    connections: null,
    connect: skippingContinue(buildConnector({})),
  })

/**
 * Builds the whole service. It never reads the environment and never listens. Closing it stops the mirror and closes the
 * connections to Trackstar.
 */
export async function buildApp(config: Config, options: AppOptions = {}): Promise<FastifyInstance> {
  const clock = options.clock ?? systemClock
  const startedAt = new Date(clock.now()).toISOString()
  const metrics = new Metrics()
  const { tracing, logger = createLogger(config, options.logTo, tracing?.logFields) } = options
  const sharedState = await createSharedState(config, clock, logger)
  const { tickets } = sharedState
  const loads = new ClientLoads()
  const shared = { logger, metrics, tracing, sharedState, loads }
  const app = await createServer(config, shared)
  const admin = config.adminPort === undefined ? null : await createServer(config, shared)
  app.decorate('admin', admin)

  const dispatcher = options.dispatcher ?? createPool(config)
  const connections = new ConnectionRegistry(config, {
    settings: config,
    dispatcher,
    clock,
    log: app.log,
    metrics,
    sharedState,
  })

  const reload = createReload(config, connections, app.log)
  if (reload) metrics.watchConfiguration(() => reload.error !== undefined)

  for (const schema of schemas) app.addSchema(schema)

  await app.register(chosenConnection, { connections })
  const hasEvents = (request: FastifyRequest) => {
    const asked = askedOf(request)
    return (isGroup(asked) ? asked.members : [asked]).some(({ catalog: { mirrored } }) => {
      return mirrored !== undefined && mirrored.state !== 'off'
    })
  }
  await app.register(cacheHeaders, { config, now: clock.now, hasEvents })
  // After the plugins that decorate replies: Swagger UI's context does not see later decorators.
  const { preparesDocuments } = options
  const hasUi = config.ui === 'on'
  await app.register(docs, { version, publicUrl: config.publicUrl, hasUi, preparesDocuments })
  await admin?.register(docs, { version, hasUi, isAdmin: true, preparesDocuments })
  await app.register(health, {
    unreadyReason: () => {
      const { all } = connections
      if (all.some(({ state }) => state.credentials !== 'refused')) return undefined
      // A service that is not ready gets no requests, so the readiness check itself has to find out when it is again.
      for (const connection of all) connection.probe()
      return 'Trackstar rejects the credentials of this service'
    },
  })
  const states = () => connections.all.map(({ state }) => state)
  metrics.watchReplicas(() => sharedState.replicas)
  metrics.watch(states, () => connections.groups.map(({ name, feed }) => ({ name, readers: feed?.readers.count ?? 0 })))
  /** The file may name connections that the caller may not use. */
  const configurationError = ({ caller }: FastifyRequest) =>
    reload?.error === undefined || caller?.connections === undefined
      ? (reload?.error ?? null)
      : 'CONNECTIONS_FILE cannot be used'
  const operatorServer = admin ?? app
  await operatorServer.register(metricsRoute, { metrics })
  await operatorServer.register(statusRoute, {
    status: (request) => ({
      version,
      started_at: startedAt,
      replicas: replicasStatus(sharedState.replicas),
      configuration_error: configurationError(request),
      connections: usableConnections(connections, request).map(({ state }) => connectionStatus(state)),
    }),
  })

  const turns = new WorkTurns({ elapsed: clock.elapsed, onUsed: loads.add })
  const routeOptions = {
    readContextOf: createReadContexts(config.requestTimeoutMs, clock.elapsed),
    inTurns: createInTurns(turns, config.requestTimeoutMs, clock.elapsed),
    groupTexts: new GroupTexts(connections.stockMemory),
  }
  await app.register(stockRoute, routeOptions)
  await app.register(manyStocksRoutes, routeOptions)
  await app.register(basketCheckRoute, routeOptions)
  await app.register(lowStockRoute, routeOptions)
  await app.register(eventsRoute)
  await app.register(eventTicketsRoute, { issue: (caller) => tickets.issue(caller) })
  await app.register(productRoutes, routeOptions)
  await app.register(searchRoute, routeOptions)
  await app.register(inventoryRoutes, routeOptions)
  await app.register(whereUsedRoute, routeOptions)
  await app.register(adjustRoute, routeOptions)
  await app.register(warehouseRoutes, routeOptions)
  await app.register(connectionsRoute, { connections })
  const { trackstarWebhookSecrets: secrets } = config
  if (secrets) {
    await app.register(webhookRoute, {
      findById: (id) => connections.findById(id),
      secrets,
      seenIds: sharedState.seenIds,
      unassignedDelivery(outcome) {
        metrics.unassignedDelivery(outcome)
        // An unsigned delivery may be from anyone.
        if (outcome !== 'unsigned') connections.only?.noteForeignDelivery()
      },
    })
  }
  if (hasUi) {
    await app.register(ui, { views: admin ? ['stock'] : ['stock', 'state'] })
    await admin?.register(ui, { views: ['state'] })
  }
  app.addMethodNotAllowedRoutes()
  admin?.addMethodNotAllowedRoutes()

  app.decorate('reloadConnections', () => reload?.reload())
  app.addHook('onReady', async () => {
    sharedState.start()
    connections.start()
    reload?.start()
  })
  // Before the server waits for open connections: event streams never end by themselves.
  app.addHook('preClose', async () => {
    reload?.stop()
    connections.stop()
  })
  app.addHook('onClose', async () => {
    await admin?.close()
    await sharedState.close()
    await dispatcher.close()
  })
  return app
}

/** Loads what speaks to Redis only where it is used. */
async function createSharedState(config: Config, clock: Clock, log: Logger): Promise<SharedState> {
  const { redisUrl: url, trackstarBaseUrl: baseUrl, clientRateLimit } = config
  if (url === undefined) return createInProcessState(clock)
  keepOutOfLog(log, [url, decodeURIComponent(new URL(url).password)])
  const { createRedisState } = await import('./shared-state/redis-state.js')
  return createRedisState({ url, baseUrl, clientRateLimit, clock, log })
}

/** What keeps the connections as `CONNECTIONS_FILE` has them; undefined without that file. */
function createReload(config: Config, registry: ConnectionRegistry, log: FastifyInstance['log']) {
  const { connectionsFile, trackstarReadRate: readRate, trackstarWriteRate: writeRate, catalogMode } = config
  if (connectionsFile === undefined) return undefined
  return new ConnectionsReload({
    read: () => readConnectionsFile(connectionsFile, { readRate, writeRate, catalogMode }),
    apply(file) {
      const changes = registry.apply(file)
      const warnings = connectionWarnings({ ...config, ...file })
      for (const { message, ...fields } of warnings) log.warn(fields, message)
      return changes
    },
    current: config,
    log,
  })
}

/** The host names by which the service is called. */
const ownNames = ({ host, publicUrl }: Config) =>
  publicUrl === undefined ? [host] : [host, new URL(publicUrl).hostname]

interface ServerDependencies {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing | undefined
  readonly sharedState: SharedState
  readonly loads: ClientLoads
}

/**
 * A server with everything that all routes share, and no routes. The order matters: plugins that reject requests come
 * after those that make the rejection readable (CORS), logged and counted.
 */
async function createServer(config: Config, { logger, metrics, tracing, sharedState, loads }: ServerDependencies) {
  const app: FastifyInstance = Fastify(serverOptions(config, logger))
  app.server.maxConnections = maxConnections
  const apiKeys = config.authMode === 'none' ? undefined : (config.apiKeys ?? [])
  await app.register(problemDetails, { publicUrl: config.publicUrl })
  if (tracing) await app.register(requestSpans, tracing)
  await app.register(requestLog)
  await app.register(securityHeaders)
  if (config.corsOrigins) await app.register(cors, { origins: config.corsOrigins })
  await app.register(auth, { apiKeys, tickets: sharedState.tickets })
  await app.register(requestMetrics, { metrics })
  await app.register(clientLimit, { perMinute: config.clientRateLimit, counts: sharedState.clientCounts })
  await app.register(loadShedding, { maxEventLoopDelayMs, loads })
  await app.register(unreadResponses)
  await app.register(requestChecks)
  if (config.authMode === 'none') await app.register(hostCheck, { names: ownNames(config) })
  await app.register(compression)
  await app.register(unreadBody)
  await app.register(methodNotAllowed)
  return app
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The server for `/metrics` and `/status` on `ADMIN_PORT`, closed with this one; null if there is none. */
    readonly admin: FastifyInstance | null
    /** Reads `CONNECTIONS_FILE` again, if there is one. */
    reloadConnections(): void
  }
}
