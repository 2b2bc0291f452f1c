import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { ConcurrencyLimit } from './cache/concurrency-limit.js'
import type { FreshnessPolicy } from './cache/freshness.js'
import { readThrough } from './cache/read-through.js'
import { RecordCache } from './cache/record-cache.js'
import { createRecordLoaders } from './cache/record-loaders.js'
import { SyncStatus } from './cache/sync-status.js'
import { WarehouseList } from './cache/warehouse-list.js'
import type { Config } from './config/config.js'
import { StockFeed } from './events/stock-feed.js'
import type { ConnectionState, Metrics } from './http/metrics.js'
import { CatalogRecords } from './mirror/catalog-records.js'
import { Mirror } from './mirror/mirror.js'
import { MirrorStore } from './mirror/mirror-store.js'
import { RecordRefresh } from './mirror/record-refresh.js'
import { createWebhookReceiver } from './mirror/webhook-deliveries.js'
import type { MalformedRecord } from './records/record.js'
import type { SyncState } from './records/sync-state.js'
import type { Status } from './routes/status.js'
import { type Catalog, createCatalog } from './services/catalog.js'
import type { Resource } from './trackstar/client.js'
import type { Clock } from './trackstar/clock.js'
import { createUpstream, type Upstream } from './trackstar/upstream.js'

export type ConnectionConfig = Pick<
  Config,
  | 'trackstarBaseUrl'
  | 'trackstarApiKey'
  | 'trackstarAccessToken'
  | 'trackstarConnectionId'
  | 'trackstarReadRate'
  | 'trackstarWriteRate'
  | 'trackstarTimeoutMs'
  | 'requestTimeoutMs'
  | 'cacheTtlSeconds'
  | 'cacheRevalidateSeconds'
  | 'cacheMaxStaleSeconds'
  | 'cacheNegativeTtlSeconds'
  | 'cacheMaxMb'
  | 'catalogMode'
  | 'syncIntervalSeconds'
  | 'syncOverlapSeconds'
  | 'fullCompareHours'
>

export interface ConnectionDependencies {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>
  readonly metrics: ConnectionMetrics
  /** Default: Trackstar over HTTP, by the config. */
  readonly upstream?: Upstream
}

/** What a connection counts. */
export type ConnectionMetrics = Pick<Metrics, 'upstreamCall' | 'batch' | 'malformed'>

/** All that belongs to one access token. Connections share nothing but the process. */
export interface Connection {
  readonly catalog: Catalog
  /** The changes of stock; undefined in `on-demand` mode. */
  readonly feed: StockFeed | undefined
  readonly state: ConnectionState
  readonly status: Status['connections'][number]
  /** Makes one cheap read in the background, at most every 5 s, to find out whether the credentials work again. */
  probe(): void
  /** Starts the mirror in `mirror` mode. */
  start(): void
  stop(): void
}

/** Most requests that wait for upstream at a time. Each takes about 40 kB. */
const maxWaitingRequests = 2000
/** Least time between two probes. */
const probeMs = 5000

export function createConnection(config: ConnectionConfig, dependencies: ConnectionDependencies): Connection {
  const { clock, log, metrics, upstream = createHttpUpstream(config, dependencies) } = dependencies
  const { trackstar, limiter } = upstream
  const timeoutMs = config.requestTimeoutMs
  const policy: FreshnessPolicy = {
    ttlMs: config.cacheTtlSeconds * 1000,
    revalidateMs: config.cacheRevalidateSeconds * 1000,
    maxStaleMs: config.cacheMaxStaleSeconds * 1000,
    negativeTtlMs: config.cacheNegativeTtlSeconds * 1000,
  }
  const onFailure = (name: string, error: unknown) => log.warn({ err: error, name }, 'background read failed')
  const onMalformed = (resource: Resource, { id, path, message }: MalformedRecord) => {
    metrics.malformed(resource)
    log.warn({ resource, id, path, reason: message }, 'malformed record skipped')
  }

  const cache = new RecordCache(config.cacheMaxMb * 1_000_000, policy, clock)
  const warehouses = new WarehouseList({ trackstar, clock, timeoutMs, onFailure })
  const syncStatus = new SyncStatus({
    trackstar,
    connectionId: config.trackstarConnectionId,
    clock,
    timeoutMs,
    onFailure,
  })
  const incomplete = () => syncStatus.incomplete

  const store =
    config.catalogMode === 'mirror'
      ? new MirrorStore({
          cache,
          policy,
          clock,
          warehouses: () => warehouses.known,
          onProductsAffected: (productIds) => feed?.update(productIds),
          onStateChange: (state) => (state === 'live' ? startFeed() : feed?.stop()),
          onMalformed,
          log,
        })
      : undefined
  const feed = store && new StockFeed(store, randomUUID().slice(0, 8), clock.now)
  const startFeed = () => {
    feed?.start(nextTurn).catch((error: unknown) => log.error({ err: error }, 'stock index failed to start'))
  }
  const mirror =
    store &&
    new Mirror({
      trackstar,
      store,
      syncStatus,
      clock,
      syncIntervalMs: config.syncIntervalSeconds * 1000,
      syncOverlapMs: config.syncOverlapSeconds * 1000,
      fullCompareMs: config.fullCompareHours * 3600_000,
      log,
      sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }),
    })

  const refresh = new RecordRefresh({
    trackstar,
    cache,
    clock,
    timeoutMs,
    confirmsAbsence: () => store !== undefined && store.state !== 'off',
    incomplete,
    onMalformed,
    onFailure,
  })
  const records = new CatalogRecords({ cache, store, incomplete, isUnsettled: refresh.isUnsettled, clock })
  const { isFollowed, findProducts, findItem, isKnownAbsent } = records
  const { products, items } = createRecordLoaders({
    trackstar,
    limiter,
    clock,
    cache,
    findProducts,
    findItem,
    confirmAbsence: refresh.confirmAbsence,
    incomplete,
    onBatch: metrics.batch,
    onSuspectedLoss: (resource, missing) =>
      log.warn({ resource, missing }, 'most records are missing upstream, keeping them for now'),
    onMalformed,
  })
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const waiting = new ConcurrencyLimit(maxWaitingRequests)
  const readOptions = { clock, policy, refreshTimeoutMs: timeoutMs, lookups, waiting }

  const catalog = createCatalog({
    trackstar,
    adjust: upstream.adjust,
    cache,
    productsBySku: readThrough({ find: findProducts, loader: products, isFollowed }, readOptions),
    itemsById: readThrough({ find: findItem, loader: items, isFollowed }, readOptions),
    warehouses,
    syncStatus,
    receive: createWebhookReceiver({
      cache,
      warehouses,
      syncStatus,
      clock,
      refresh: refresh.refresh,
      isKnownAbsent,
    }),
    mirror,
    mirrored: store,
    clock,
    onMalformed,
  })

  let probedAt = Number.NEGATIVE_INFINITY
  return {
    catalog,
    feed,
    get state() {
      const counts = store && {
        products: store.count('products'),
        inventory: store.count('inventory'),
        warehouses: warehouses.known.size,
      }
      return {
        budget: limiter.state,
        circuit: upstream.breaker.state,
        isRefused: upstream.isRefused,
        stores: cache.state,
        lookups,
        keysWaiting: products.waiting + items.waiting,
        requestsWaiting: waiting.used,
        mirror: mirror && counts ? { ...mirror.progress, ...counts } : null,
      }
    },
    get status() {
      return connectionStatus(config, this.state, catalog.connectionState())
    },
    probe() {
      if (clock.elapsed() - probedAt < probeMs) return
      probedAt = clock.elapsed()
      const deadline = probedAt + timeoutMs
      const permitRequest = { priority: 'refresh', caller: 'probe', deadline: () => deadline } as const
      trackstar.list('products', { limit: '1' }, { permitRequest, cause: 'refresh' }).catch(() => {})
    },
    start() {
      if (mirror === undefined) return
      void mirror.run()
      // Every answer needs these as well.
      void warehouses.load()
      syncStatus.get()
    },
    stop() {
      refresh.stop()
      mirror?.stop()
    },
  }
}

function createHttpUpstream(config: ConnectionConfig, { dispatcher, clock, log, metrics }: ConnectionDependencies) {
  return createUpstream({
    dispatcher,
    baseUrl: config.trackstarBaseUrl,
    credentials: { apiKey: config.trackstarApiKey, accessToken: config.trackstarAccessToken },
    readRate: config.trackstarReadRate,
    writeRate: config.trackstarWriteRate,
    timeoutMs: config.trackstarTimeoutMs,
    clock,
    onCall: (call) => {
      metrics.upstreamCall(call)
      log.debug({ upstream: call }, 'upstream call')
    },
    onCircuit: (state) => log.warn({ circuit: state }, 'circuit breaker state changed'),
  })
}

/** A connection as `/status` shows it. */
export function connectionStatus(
  { trackstarConnectionId, catalogMode }: Pick<Config, 'trackstarConnectionId' | 'catalogMode'>,
  { stores, lookups, mirror, budget, circuit }: ConnectionState,
  source: SyncState | undefined,
): Status['connections'][number] {
  const lookupCount = lookups.hit + lookups.stale + lookups.negative + lookups.miss
  return {
    connection_id: trackstarConnectionId ?? null,
    mode: catalogMode,
    mirror: mirror && {
      state: mirror.state,
      products: mirror.products,
      inventory: mirror.inventory,
      warehouses: mirror.warehouses,
      pages: mirror.pages,
      pages_left: mirror.pagesLeft,
      doubtful: [...mirror.unreliableResources],
      synced_at: mirror.syncedAt === undefined ? null : new Date(mirror.syncedAt).toISOString(),
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
    circuit,
    source: source ? { synced_at: source.syncedAt, errors: [...source.errors] } : null,
  }
}
