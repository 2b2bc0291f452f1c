import type { FastifyInstance } from 'fastify'
import type { DestinationStream, Logger } from 'pino'
import { type Dispatcher, Pool } from 'undici'
import { basketSchemas } from './basket/basket-result.js'
import type { Config } from './config/config.js'
import { createConnection } from './connection.js'
import freshness from './http/cache-headers.js'
import { createLogger } from './http/logging.js'
import { Metrics } from './http/metrics.js'
import { Tickets } from './http/tickets.js'
import type { Tracing } from './http/tracing.js'
import { InventoryItem } from './records/inventory-item.js'
import { Product } from './records/product.js'
import { Warehouse } from './records/warehouse.js'
import { Adjusted, adjustRoute } from './routes/adjust-inventory.js'
import { basketCheckRoute } from './routes/basket-check.js'
import { createReadContexts } from './routes/cached-reads.js'
import docs from './routes/docs.js'
import { EventTicket, eventTicketsRoute } from './routes/event-tickets.js'
import { eventsRoute } from './routes/events.js'
import health from './routes/health.js'
import { inventoryRoutes } from './routes/inventory.js'
import { LowStock, lowStockRoute } from './routes/low-stock.js'
import { productRoutes } from './routes/products.js'
import metricsPage from './routes/prometheus.js'
import status from './routes/status.js'
import { stockRoute } from './routes/stock.js'
import { manyStocksRoutes, StockResults } from './routes/stock-query.js'
import { warehouseRoutes } from './routes/warehouses.js'
import { webhookRoute } from './routes/webhooks.js'
import { WhereUsed, whereUsedRoute } from './routes/where-used.js'
import { createServer } from './server.js'
import { stockSchemas } from './stock/stock.js'
import { type Clock, systemClock } from './trackstar/clock.js'
import { version } from './version.js'

/** What stands in for the real thing, in tests above all, or comes on top of it. */
export interface AppParts {
  readonly dispatcher?: Dispatcher
  readonly clock?: Clock
  readonly logger?: Logger
  /** Where log lines go; default: standard output, in JSON. */
  readonly logTo?: DestinationStream
  /** Default: no traces are made. */
  readonly tracing?: Tracing
}

/** What a reply's schema may refer to by name. */
const schemas = [
  Product,
  InventoryItem,
  Warehouse,
  ...stockSchemas,
  ...basketSchemas,
  StockResults,
  LowStock,
  WhereUsed,
  Adjusted,
  EventTicket,
]

/** A call holds its socket until it is answered or times out: with fewer, calls that have a permit would wait for one. */
const connectionsFor = ({ trackstarReadRate, trackstarWriteRate, trackstarTimeoutMs }: Config) =>
  Math.ceil(((trackstarReadRate + trackstarWriteRate) * trackstarTimeoutMs) / 1000)

/** Wires the whole service. Reads no environment and never listens; closing it closes its connections upstream. */
export async function buildApp(config: Config, parts: AppParts = {}): Promise<FastifyInstance> {
  const clock = parts.clock ?? systemClock
  const startedAt = new Date(clock.now()).toISOString()
  const metrics = new Metrics()
  const tickets = new Tickets(clock.now)
  const { tracing, logger = createLogger(config, parts.logTo, tracing?.logFields) } = parts
  const serverParts = { logger, metrics, tickets, ...(tracing && { tracing }) }
  const app = await createServer(config, serverParts)
  const admin = config.adminPort === undefined ? null : await createServer(config, serverParts)
  app.decorate('admin', admin)

  const dispatcher =
    parts.dispatcher ?? new Pool(new URL(config.trackstarBaseUrl).origin, { connections: connectionsFor(config) })
  const connection = createConnection(config, { dispatcher, clock, log: app.log, metrics })
  const { catalog, feed } = connection

  for (const schema of schemas) app.addSchema(schema)

  await app.register(freshness, { config, now: clock.now })
  // After what decorates replies: Swagger UI's own context would not see what is added later.
  await app.register(docs, { version })
  await app.register(health, {
    unready: () => {
      if (!connection.state.isRefused) return undefined
      // Nobody sends requests to who is not ready, so looking whether it is over is left to the look itself.
      connection.probe()
      return "Trackstar refuses this service's credentials"
    },
  })
  metrics.watch(() => connection.state)
  const forOperators = admin ?? app
  await forOperators.register(metricsPage, { metrics })
  await forOperators.register(status, {
    status: () => ({
      version,
      started_at: startedAt,
      connections: [connection.status],
    }),
  })

  const options = { catalog, readContextOf: createReadContexts(config.requestTimeoutMs, clock.elapsed) }
  await app.register(stockRoute, options)
  await app.register(manyStocksRoutes, options)
  await app.register(basketCheckRoute, options)
  await app.register(lowStockRoute, { ...options, feed })
  await app.register(eventsRoute, { ...options, feed, watchReaders: metrics.watchReaders })
  await app.register(eventTicketsRoute, { issue: (caller) => tickets.issue(caller) })
  await app.register(productRoutes, options)
  await app.register(inventoryRoutes, options)
  await app.register(whereUsedRoute, options)
  await app.register(adjustRoute, options)
  await app.register(warehouseRoutes, options)
  const { trackstarWebhookSecrets: secrets, trackstarConnectionId: connectionId } = config
  if (secrets && connectionId) await app.register(webhookRoute, { catalog, secrets, connectionId })
  app.refuseOtherMethods()
  admin?.refuseOtherMethods()

  app.addHook('onReady', async () => connection.start())
  app.addHook('preClose', async () => connection.stop())
  app.addHook('onClose', async () => {
    await admin?.close()
    await dispatcher.close()
  })
  return app
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Where `/metrics` and `/status` are with `ADMIN_PORT`; closed with the application. Null without. */
    readonly admin: FastifyInstance | null
  }
}
