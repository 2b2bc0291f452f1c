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
import { isProblem } from './errors.js'
import { StockFeed } from './events/stock-feed.js'
import type { ConnectionState, WebhookState } from './http/connection-state.js'
import type { Metrics } from './http/metrics.js'
import { CatalogRecords } from './mirror/catalog-records.js'
import { Mirror } from './mirror/mirror.js'
import { MirrorStore, recordKinds } from './mirror/mirror-store.js'
import { RecordRefresh } from './mirror/record-refresh.js'
import { createWebhookReceiver, type WebhookOutcome } from './mirror/webhook-deliveries.js'
import type { MalformedRecord } from './records/record.js'
import { AmbiguousProducts } from './services/ambiguous-products.js'
import { type Catalog, createCatalog } from './services/catalog.js'
import { MaterializedStocks } from './services/materialized-stocks.js'
import type { Resource } from './trackstar/client.js'
import type { Clock } from './trackstar/clock.js'
import { checkCredentials, LastFailure } from './trackstar/last-failure.js'
import { createUpstream, type Upstream } from './trackstar/upstream.js'

export type ConnectionConfig = Pick<
  Config,
  | 'trackstarBaseUrl'
  | 'trackstarApiKey'
  | 'trackstarAccessToken'
  | 'trackstarConnectionId'
  | 'trackstarWebhookSecrets'
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
export type ConnectionMetrics = Pick<Metrics, 'upstreamCall' | 'batch' | 'malformed' | 'webhookDelivery'>

/** All that belongs to one access token. Connections share nothing but the process. */
export interface Connection {
  readonly catalog: Catalog
  /** The changes of stock; undefined in `on-demand` mode. */
  readonly feed: StockFeed | undefined
  readonly state: ConnectionState
  /** Counts a webhook delivery. */
  readonly countDelivery: (outcome: WebhookOutcome) => void
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
  const { limiter } = upstream
  const timeoutMs = config.requestTimeoutMs
  const policy: FreshnessPolicy = {
    ttlMs: config.cacheTtlSeconds * 1000,
    revalidateMs: config.cacheRevalidateSeconds * 1000,
    maxStaleMs: config.cacheMaxStaleSeconds * 1000,
    negativeTtlMs: config.cacheNegativeTtlSeconds * 1000,
  }
  const lastFailure = new LastFailure(clock)
  const trackstar = lastFailure.watchReads(upstream.trackstar)
  const backgroundLog = {
    info: log.info.bind(log),
    warn(fields: { readonly err?: unknown; readonly name?: string }, message: string) {
      if (fields.err !== undefined) lastFailure.note(fields.err)
      // Refused credentials are logged once, when they begin to be refused, and not with every request that fails because of it.
      const isKnown = upstream.credentials === 'refused' && isProblem(fields.err, 'upstream_auth_failed')
      log[isKnown ? 'debug' : 'warn'](fields, message)
    },
  }
  const onFailure = (name: string, error: unknown) => backgroundLog.warn({ err: error, name }, 'background read failed')
  const onMalformed = (resource: Resource, { id, path, message }: MalformedRecord) => {
    metrics.malformed(resource)
    log.warn({ resource, id, path, reason: message }, 'malformed record skipped')
  }

  const maxBytes = config.cacheMaxMb * 1_000_000
  const cache = new RecordCache(maxBytes, policy, clock)
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
          onRecordsChanged: ({ productIds, itemIds }) => feed?.update(productIds, itemIds),
          onStateChange: (state) => (state === 'live' ? startFeed() : feed?.stop()),
          onMalformed,
          onSharedSku: (ids) => void refresh.refreshAll('product', ids),
          log,
        })
      : undefined
  const feed =
    store &&
    new StockFeed(store, randomUUID().slice(0, 8), clock.now, {
      summarise: (product) => materialized?.summarise(product),
      onError: (error) => log.warn({ err: error }, 'could not process changed products'),
    })
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
      onUnreadable: (resource, id) => refresh.refresh(recordKinds[resource], id),
      log: backgroundLog,
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
  const { isUnsettled, hasUnsettled } = refresh
  const records = new CatalogRecords({ cache, store, incomplete, isUnsettled, hasUnsettled, clock })
  const { isFollowed, findProducts, findItem } = records
  const { products, items } = createRecordLoaders({
    trackstar,
    limiter,
    clock,
    cache,
    findProducts,
    findItem,
    confirmAbsence: refresh.confirmAbsence,
    incomplete,
    failureTtlMs: policy.negativeTtlMs,
    isUpstreamWell: async () => (await upstream.condition()) === 'well',
    onBatch: metrics.batch,
    onSuspectedLoss: (resource, missing) =>
      log.warn({ resource, missing }, 'most records are missing upstream, keeping them for now'),
    onMalformed,
  })
  cache.onUndecided(refresh.refresh)
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const waiting = new ConcurrencyLimit(maxWaitingRequests)
  const readOptions = { clock, policy, refreshTimeoutMs: timeoutMs, lookups, waiting }

  /** The resources that may lack records: upstream's first sync is unfinished, or the mirrored list is unreliable. */
  const incompleteResources = () => {
    const unreliable = mirror && store?.isAuthoritative ? mirror.progress.unreliableResources : []
    return [...new Set([...syncStatus.incomplete, ...unreliable])]
  }
  const materialized =
    store &&
    new MaterializedStocks({
      store,
      records,
      warehouses: () => warehouses.namesAtOnce(),
      knownWarehouses: () => warehouses.known,
      connectionState: () => syncStatus.get(),
      incomplete: incompleteResources,
      clock,
      policy,
      lookups,
      maxBytes: maxBytes / 8,
      freeBytes: () => maxBytes - cache.bytes,
    })

  const catalog = createCatalog({
    trackstar,
    adjust: (...args) => lastFailure.watch(upstream.adjust(...args)),
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
      isFollowed,
    }),
    refresh: refresh.refresh,
    ambiguous: new AmbiguousProducts({
      clock,
      ttlMs: policy.ttlMs,
      isMirrored: isFollowed,
      refreshAll: (ids) => refresh.refreshAll('product', ids),
    }),
    incomplete: incompleteResources,
    mirrored: store,
    materialized,
    clock,
    onMalformed,
  })

  const receivesWebhooks = config.trackstarWebhookSecrets !== undefined && config.trackstarConnectionId !== undefined
  let webhooks: WebhookState | null = receivesWebhooks ? { lastReceivedAt: undefined, received: 0, ignored: 0 } : null
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
        connectionId: config.trackstarConnectionId,
        mode: config.catalogMode,
        credentials: upstream.credentials,
        lastError: lastFailure.value,
        webhooks,
        budget: limiter.state,
        circuit: upstream.breaker.state,
        stores: cache.state,
        lookups,
        keysWaiting: products.waiting + items.waiting,
        requestsWaiting: waiting.used,
        mirror: mirror && counts ? { ...mirror.progress, ...counts } : null,
        source: syncStatus.get(),
      }
    },
    countDelivery(outcome) {
      metrics.webhookDelivery(outcome)
      // An unsigned delivery may be from anyone.
      if (webhooks === null || outcome === 'unsigned') return
      const { received, ignored } = webhooks
      const isIgnored = outcome !== 'applied' && outcome !== 'read_back'
      webhooks = { lastReceivedAt: clock.now(), received: received + 1, ignored: ignored + Number(isIgnored) }
    },
    probe() {
      if (clock.elapsed() - probedAt < probeMs) return
      probedAt = clock.elapsed()
      upstream.condition().catch((error: unknown) => onFailure('probe', error))
    },
    start() {
      if (mirror === undefined) return
      void mirror.run()
      // Every stock needs these as well.
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
    onCredentials(state, before) {
      if (state === 'refused') log.error({ credentials: state }, checkCredentials)
      else if (before === 'refused') log.info({ credentials: state }, 'Trackstar accepts the credentials again')
    },
  })
}
