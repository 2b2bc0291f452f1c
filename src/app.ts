import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { type Dispatcher, Pool } from 'undici'
import { type Catalog, createCatalog } from './catalog/catalog.js'
import type { Config } from './config.js'
import docs from './plugins/docs.js'
import freshness from './plugins/freshness.js'
import health from './plugins/health.js'
import { createLogger } from './plugins/logger.js'
import methodNotAllowed from './plugins/method-not-allowed.js'
import metricsRoute, { Metrics } from './plugins/metrics.js'
import negotiation from './plugins/negotiation.js'
import problemDetails from './plugins/problems.js'
import requestLog from './plugins/request-log.js'
import { serverOptions } from './plugins/server.js'
import status, { type Status } from './plugins/status.js'
import { InventoryItem } from './records/inventory-item.js'
import { Product } from './records/product.js'
import { Warehouse } from './records/warehouse.js'
import { inventoryRoutes } from './routes/inventory.js'
import { manyStocksRoutes, StockResults } from './routes/many-stocks.js'
import { productRoutes } from './routes/products.js'
import { readingOf } from './routes/reading.js'
import { stockRoute } from './routes/stock.js'
import { warehouseRoutes } from './routes/warehouses.js'
import { stockSchemas } from './stock/stock.js'
import { type Budget, windowBudget } from './trackstar/budget.js'
import { Circuit } from './trackstar/circuit.js'
import { type Clock, systemClock } from './trackstar/clock.js'
import { withForcedShare } from './trackstar/forced-share.js'
import { trackstar } from './trackstar/trackstar.js'
import { httpTransport } from './trackstar/transport.js'
import { rationedUpstream } from './trackstar/upstream.js'
import { version } from './version.js'

/** What stands in for the real thing, in tests above all. */
export interface AppParts {
  readonly dispatcher?: Dispatcher
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Wires the whole service. Reads no environment and never listens; closing it closes its connections upstream. */
export async function buildApp(config: Config, parts: AppParts = {}): Promise<FastifyInstance> {
  const clock = parts.clock ?? systemClock
  const startedAt = new Date(clock.now()).toISOString()
  const app = Fastify(serverOptions(config, parts.logger ?? createLogger(config)))

  const dispatcher = parts.dispatcher ?? new Pool(new URL(config.trackstarBaseUrl).origin, { connections: 32 })
  const budget = withForcedShare(windowBudget(config.trackstarReadRate, clock), clock)
  const circuit = new Circuit(clock, (state) =>
    app.log.warn({ circuit: state }, 'the circuit to Trackstar has changed'),
  )
  let credentialsRefused = false
  const metrics = new Metrics()
  const upstream = rationedUpstream({
    transport: httpTransport(dispatcher, config.trackstarBaseUrl, {
      apiKey: config.trackstarApiKey,
      accessToken: config.trackstarAccessToken,
    }),
    budget,
    circuit,
    clock,
    timeoutMs: config.trackstarTimeoutMs,
    onCall: (call) => {
      if (call.outcome === '401' || call.outcome === '403') credentialsRefused = true
      else if (call.outcome.startsWith('2')) credentialsRefused = false
      metrics.upstreamCall(call)
      app.log.debug({ upstream: call }, 'asked Trackstar')
    },
  })
  const catalog = createCatalog({
    trackstar: trackstar(upstream),
    budget,
    clock,
    policy: {
      ttlMs: config.cacheTtlSeconds * 1000,
      revalidateMs: config.cacheRevalidateSeconds * 1000,
      maxStaleMs: config.cacheMaxStaleSeconds * 1000,
      negativeTtlMs: config.cacheNegativeTtlSeconds * 1000,
    },
    maxBytes: config.cacheMaxMb * 1_000_000,
    requestTimeoutMs: config.requestTimeoutMs,
    connectionId: config.trackstarConnectionId,
    onBatch: metrics.batch,
    onMalformed: (resource, { id, path, message }) => {
      metrics.malformed(resource)
      app.log.warn({ resource, id, path }, `left out a malformed record: ${path} ${message}`)
    },
    onFailure: (what, error) => app.log.warn({ err: error }, `could not read the ${what} from Trackstar`),
  })

  for (const schema of [Product, InventoryItem, Warehouse, ...stockSchemas, StockResults]) app.addSchema(schema)

  await app.register(problemDetails)
  await app.register(requestLog)
  await app.register(negotiation)
  await app.register(methodNotAllowed)
  await app.register(docs, { version })
  await app.register(freshness, { config, now: clock.now })
  await app.register(health, {
    unready: () => (credentialsRefused ? "Trackstar refuses this service's credentials" : undefined),
  })

  await app.register(metricsRoute, {
    metrics,
    state: () => ({ ...catalog.state, budget: budget.state, circuit: circuit.state }),
  })
  await app.register(status, {
    status: () => ({
      version,
      started_at: startedAt,
      connections: [connectionStatus(config.trackstarConnectionId, catalog, budget, circuit)],
    }),
  })

  const options = { catalog, readingOf: readingOf(config.requestTimeoutMs, clock.elapsed) }
  await app.register(stockRoute, options)
  await app.register(manyStocksRoutes, options)
  await app.register(productRoutes, options)
  await app.register(inventoryRoutes, options)
  await app.register(warehouseRoutes, options)
  app.refuseOtherMethods()

  app.addHook('onClose', () => dispatcher.close())
  return app
}

/** What `/status` says of the one connection. */
function connectionStatus(
  connectionId: string | undefined,
  catalog: Catalog,
  budget: Budget,
  circuit: Circuit,
): Status['connections'][number] {
  const { stores, lookups } = catalog.state
  const { readsPerSecond, usedLastSecond, waiting } = budget.state
  const asked = lookups.hit + lookups.stale + lookups.negative + lookups.miss
  const connection = catalog.connectionState()
  return {
    connection_id: connectionId ?? null,
    mode: 'on-demand',
    mirror: null,
    cache: {
      entries: stores.records.entries + stores.absences.entries,
      bytes: stores.records.bytes,
      max_bytes: stores.records.maxBytes,
      hit_ratio: asked === 0 ? null : 1 - lookups.miss / asked,
    },
    budget: { reads_per_second: readsPerSecond, used_last_second: usedLastSecond, waiting },
    circuit: circuit.state,
    source: connection ? { synced_at: connection.syncedAt, errors: [...connection.errors] } : null,
  }
}
