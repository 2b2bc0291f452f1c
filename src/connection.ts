import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Slots } from './cache/concurrency-limit.js'
import type { FreshnessPolicy } from './cache/freshness.js'
import { readThrough } from './cache/read-through.js'
import { type CacheMemory, RecordCache } from './cache/record-cache.js'
import { createRecordLoaders } from './cache/record-loaders.js'
import type { SharedMemory } from './cache/shared-memory.js'
import { SyncStatus } from './cache/sync-status.js'
import { WarehouseList } from './cache/warehouse-list.js'
import type { Config } from './config/config.js'
import type { ConnectionConfig } from './config/connections-file.js'
import { isProblem } from './errors.js'
import { EventReaders, type ReaderCount } from './events/event-readers.js'
import { StockFeed } from './events/stock-feed.js'
import type { ConnectionState, WebhookState } from './http/connection-state.js'
import type { ConnectionMetrics } from './http/metrics.js'
import { CatalogRecords } from './mirror/catalog-records.js'
import type { LoadTurns } from './mirror/load-turns.js'
import { Mirror } from './mirror/mirror.js'
import { MirrorStore, mirroredResources, recordKinds } from './mirror/mirror-store.js'
import { RecordRefresh } from './mirror/record-refresh.js'
import { createWebhookReceiver } from './mirror/webhook-deliveries.js'
import type { MalformedRecord } from './records/record.js'
import { AmbiguousProducts } from './services/ambiguous-products.js'
import { type Catalog, createCatalog } from './services/catalog.js'
import { MaterializedStocks } from './services/materialized-stocks.js'
import type { ConnectionSharedState } from './shared-state/shared-state.js'
import type { Resource } from './trackstar/client.js'
import type { Clock } from './trackstar/clock.js'
import { checkCredentials, LastFailure } from './trackstar/last-failure.js'
import { createUpstream, type Upstream } from './trackstar/upstream.js'

/** The settings that all connections share. */
export type ConnectionSettings = Pick<
  Config,
  | 'trackstarBaseUrl'
  | 'trackstarApiKey'
  | 'trackstarWebhookSecrets'
  | 'trackstarTimeoutMs'
  | 'requestTimeoutMs'
  | 'cacheTtlSeconds'
  | 'cacheRevalidateSeconds'
  | 'cacheMaxStaleSeconds'
  | 'cacheNegativeTtlSeconds'
  | 'syncIntervalSeconds'
  | 'syncOverlapSeconds'
  | 'fullCompareHours'
>

export interface ConnectionDependencies {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>
  readonly metrics: ConnectionMetrics
  readonly shared: SharedByConnections
  /** What replicas share of this connection. */
  readonly sharedState: ConnectionSharedState
  /** Default: Trackstar over HTTP, by the config. */
  readonly upstream?: Upstream
}

/** What connections share, so that all of them together stay within the bounds of the process. */
export interface SharedByConnections {
  readonly memory: CacheMemory
  /** Memory of serialised stocks. */
  readonly stockMemory: SharedMemory
  /** Requests that wait for upstream. Each takes about 40 kB. */
  readonly waiting: Slots
  /** First loads of mirrors. */
  readonly loadTurns: LoadTurns
  /** Open event streams. */
  readonly readers: ReaderCount
}

/** All that belongs to one access token. Connections share nothing but {@link SharedByConnections}. */
export interface Connection {
  readonly name: string
  readonly catalog: Catalog
  /** The changes of stock; undefined in `on-demand` mode. */
  readonly feed: StockFeed | undefined
  /** The open event streams; undefined in `on-demand` mode. */
  readonly readers: EventReaders | undefined
  readonly state: ConnectionState
  /** Counts a webhook delivery of this connection. */
  readonly countDelivery: ConnectionMetrics['webhookDelivery']
  /** Counts a signed delivery that belongs to no connection, if this is the only one. */
  noteForeignDelivery(): void
  /** Makes one cheap read in the background, at most every 5 s, to find out whether the credentials work again. */
  probe(): void
  /** Uses another access token from the next call on. What is cached stays. */
  setAccessToken(accessToken: string): void
  /** Starts the mirror in `mirror` mode. */
  start(): void
  /** Ends the mirror and the open event streams. */
  stop(): void
}

/** Least time between two probes. */
const probeMs = 5000

export function createConnection(
  settings: ConnectionSettings,
  config: ConnectionConfig,
  dependencies: ConnectionDependencies,
): Connection {
  const { clock, log, metrics, upstream = createHttpUpstream(settings, config, dependencies) } = dependencies
  const { limiter } = upstream
  const timeoutMs = settings.requestTimeoutMs
  const policy: FreshnessPolicy = {
    ttlMs: settings.cacheTtlSeconds * 1000,
    revalidateMs: settings.cacheRevalidateSeconds * 1000,
    maxStaleMs: settings.cacheMaxStaleSeconds * 1000,
    negativeTtlMs: settings.cacheNegativeTtlSeconds * 1000,
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

  const { memory, stockMemory, waiting, loadTurns } = dependencies.shared
  const cache = new RecordCache(memory, policy, clock, () => store !== undefined && store.state !== 'off')
  const warehouses = new WarehouseList({ trackstar, clock, timeoutMs, onFailure })
  const syncStatus = new SyncStatus({
    trackstar,
    connectionId: config.connectionId,
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
      connection: config.name,
      summarise: (product) => materialized?.summarise(product),
      onError: (error) => log.warn({ err: error }, 'could not process changed products'),
    })
  const readers = feed && new EventReaders(feed.log, dependencies.shared.readers)
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
      syncIntervalMs: settings.syncIntervalSeconds * 1000,
      syncOverlapMs: settings.syncOverlapSeconds * 1000,
      fullCompareMs: settings.fullCompareHours * 3600_000,
      loadTurns,
      leadership: dependencies.sharedState.leadership,
      copy: dependencies.sharedState.copy,
      onUnreadable: (resource, id) => refresh.refresh(recordKinds[resource], id),
      log: backgroundLog,
      sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }),
    })

  /** The resources that may lack records: upstream's first sync is unfinished, or the mirrored list is unreliable. */
  const incompleteResources = (): readonly string[] => {
    const unreliable = mirroredResources.filter((resource) => store?.isAuthoritative && mirror?.isDoubtful(resource))
    return unreliable.length === 0 ? syncStatus.incomplete : [...new Set([...syncStatus.incomplete, ...unreliable])]
  }
  const refresh = new RecordRefresh({
    trackstar,
    cache,
    clock,
    timeoutMs,
    confirmsAbsence: () => store !== undefined && store.state !== 'off',
    incomplete: incompleteResources,
    onMalformed,
    onFailure,
  })
  const { isUnsettled, hasUnsettled } = refresh
  const records = new CatalogRecords({
    cache,
    store,
    incomplete: incompleteResources,
    isUnsettled,
    hasUnsettled,
    clock,
  })
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
  const { changes } = dependencies.sharedState
  cache.onLearned((change) => changes.publish(change))
  changes.connect({
    adopt(change) {
      const { kind, id, record } = change
      // On demand only what this replica has is kept up to date.
      const isWanted = store !== undefined || record === undefined || cache.peek(kind, id) !== undefined
      if (isWanted) cache.adopt(change)
      else cache.forgetAbsence(kind, record)
    },
    undecided: refresh.refresh,
    all: () => cache.changes(),
  })
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const readOptions = { clock, policy, refreshTimeoutMs: timeoutMs, lookups, waiting }

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
      connection: config.name,
      memory: stockMemory,
    })

  const catalog = createCatalog({
    connection: config.name,
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

  const receivesWebhooks = settings.trackstarWebhookSecrets !== undefined && config.connectionId !== undefined
  let webhooks: WebhookState | null = receivesWebhooks ? { lastReceivedAt: undefined, received: 0, ignored: 0 } : null
  const noteDelivery = (isIgnored: boolean) => {
    if (webhooks === null) return
    const { received, ignored } = webhooks
    webhooks = { lastReceivedAt: clock.now(), received: received + 1, ignored: ignored + Number(isIgnored) }
  }
  let probedAt = Number.NEGATIVE_INFINITY
  return {
    name: config.name,
    catalog,
    feed,
    readers,
    get state() {
      const counts = store && {
        products: store.count('products'),
        inventory: store.count('inventory'),
        warehouses: warehouses.known.size,
      }
      return {
        name: config.name,
        connectionId: config.connectionId,
        mode: config.catalogMode,
        isLeader: dependencies.sharedState.leadership.isLeader,
        credentials: upstream.credentials,
        lastError: lastFailure.value,
        webhooks,
        budget: limiter.state,
        circuit: upstream.breaker.state,
        stores: cache.state,
        lookups,
        keysWaiting: products.waiting + items.waiting,
        requestsWaiting: waiting.used,
        readers: readers?.count ?? 0,
        mirror: mirror && counts ? { ...mirror.progress, ...counts } : null,
        source: syncStatus.get(),
      }
    },
    countDelivery(outcome) {
      metrics.webhookDelivery(outcome)
      noteDelivery(outcome !== 'applied' && outcome !== 'read_back')
    },
    noteForeignDelivery: () => noteDelivery(true),
    probe() {
      if (clock.elapsed() - probedAt < probeMs) return
      probedAt = clock.elapsed()
      upstream.condition().catch((error: unknown) => onFailure('probe', error))
    },
    setAccessToken: (accessToken) => upstream.setAccessToken(accessToken),
    start() {
      if (mirror === undefined) return
      dependencies.sharedState.leadership.start()
      void mirror.run()
      // Every stock needs these as well.
      void warehouses.load()
      syncStatus.get()
    },
    stop() {
      readers?.close()
      refresh.stop()
      mirror?.stop()
      materialized?.close()
      cache.close()
      dependencies.sharedState.close()
    },
  }
}

function createHttpUpstream(
  settings: ConnectionSettings,
  config: ConnectionConfig,
  { dispatcher, clock, log, metrics, sharedState }: ConnectionDependencies,
) {
  return createUpstream({
    dispatcher,
    baseUrl: settings.trackstarBaseUrl,
    credentials: { apiKey: settings.trackstarApiKey, accessToken: config.accessToken },
    limiters: sharedState.limiters,
    timeoutMs: settings.trackstarTimeoutMs,
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
