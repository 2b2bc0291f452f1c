import {
  anyText,
  apiKeys,
  baseUrl,
  decimal,
  type Format,
  integer,
  oneOf,
  origins,
  redisUrl,
  seconds,
  token,
  trustProxy,
  webhookSecrets,
} from './formats.js'

/** One variable of the environment: its format, its default, and its row in the documentation. */
export interface Variable<T> extends Format<T> {
  readonly name: string
  /** The default, as it would be written in the environment; undefined if there is none. */
  readonly fallback: string | undefined
  readonly required?: boolean
  /** Never shown, not even when it is wrong. */
  readonly secret?: boolean
  /** What it does; the documentation is generated from this. */
  readonly meaning: string
}

/** Every variable this service reads, in the order in which the documentation lists them. */
export const variables = {
  host: {
    name: 'HOST',
    fallback: '127.0.0.1',
    expected: 'an address',
    meaning: 'Address to listen on',
    parse: anyText,
  },
  port: {
    name: 'PORT',
    fallback: '3000',
    meaning: 'Port to listen on; 0 picks a free one',
    ...integer(0, 65535),
  },
  logLevel: {
    name: 'LOG_LEVEL',
    fallback: 'info',
    meaning: 'Least severe level that is logged',
    ...oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  },
  trackstarBaseUrl: {
    name: 'TRACKSTAR_BASE_URL',
    fallback: 'https://production.trackstarhq.com',
    expected: 'an http or https address without query or credentials',
    meaning: 'Base URL of the Trackstar API',
    parse: baseUrl,
  },
  trackstarApiKey: {
    name: 'TRACKSTAR_API_KEY',
    fallback: undefined,
    required: true,
    secret: true,
    meaning: "The organisation's Trackstar API key (secret)",
    ...token,
  },
  trackstarAccessToken: {
    name: 'TRACKSTAR_ACCESS_TOKEN',
    fallback: undefined,
    required: true,
    secret: true,
    meaning:
      "The connection's Trackstar access token (secret). Required without `CONNECTIONS_FILE`; the connection is called `default`",
    ...token,
  },
  trackstarConnectionId: {
    name: 'TRACKSTAR_CONNECTION_ID',
    fallback: undefined,
    meaning: "The connection's id at Trackstar. If set, stock answers show in `source` when Trackstar last synced",
    ...token,
  },
  connectionsFile: {
    name: 'CONNECTIONS_FILE',
    fallback: undefined,
    expected: 'a path',
    meaning:
      'Path of a JSON file with several connections, in place of `TRACKSTAR_ACCESS_TOKEN` and `TRACKSTAR_CONNECTION_ID`. See "Several connections" in docs/configuration.md',
    parse: anyText,
  },
  trackstarReadRate: {
    name: 'TRACKSTAR_READ_RATE',
    fallback: '10',
    meaning: 'Reads sent to Trackstar in any one-second span, at most, for each connection',
    ...integer(1, 10_000),
  },
  trackstarWriteRate: {
    name: 'TRACKSTAR_WRITE_RATE',
    fallback: '50',
    meaning: 'Writes sent to Trackstar in any one-second span, at most, for each connection',
    ...integer(1, 10_000),
  },
  trackstarTimeoutMs: {
    name: 'TRACKSTAR_TIMEOUT_MS',
    fallback: '5000',
    meaning: 'Timeout of one call to Trackstar, in ms',
    ...integer(1, 600_000, 'milliseconds'),
  },
  requestTimeoutMs: {
    name: 'REQUEST_TIMEOUT_MS',
    fallback: '10000',
    meaning: 'Timeout of one request to this service, queueing and retries included, in ms',
    ...integer(1, 600_000, 'milliseconds'),
  },
  cacheTtlSeconds: {
    name: 'CACHE_TTL_SECONDS',
    fallback: '60',
    meaning: 'How long a record counts as fresh',
    ...seconds(0, 86_400),
  },
  cacheRevalidateSeconds: {
    name: 'CACHE_REVALIDATE_SECONDS',
    fallback: '300',
    meaning: 'How long after that a record is still served at once, and refreshed in the background',
    ...seconds(0, 604_800),
  },
  cacheMaxStaleSeconds: {
    name: 'CACHE_MAX_STALE_SECONDS',
    fallback: '86400',
    meaning: 'How long past its TTL a record may be served while Trackstar fails',
    ...seconds(0, 31_536_000),
  },
  cacheNegativeTtlSeconds: {
    name: 'CACHE_NEGATIVE_TTL_SECONDS',
    fallback: '30',
    meaning: 'How long an unknown SKU is remembered as unknown',
    ...seconds(0, 86_400),
  },
  cacheMaxMb: {
    name: 'CACHE_MAX_MB',
    fallback: '256',
    meaning:
      'Size of the record cache of all connections together, in MB of JSON. Serialised stocks of a mirror take what the records leave, at most an eighth',
    ...integer(1, 65_536, 'MB'),
  },
  catalogMode: {
    name: 'CATALOG_MODE',
    fallback: 'mirror',
    meaning:
      '`mirror` loads the whole catalog and follows its changes; `on-demand` reads records when they are requested',
    ...oneOf('mirror', 'on-demand'),
  },
  syncIntervalSeconds: {
    name: 'SYNC_INTERVAL_SECONDS',
    fallback: '30',
    meaning: 'Mirror: interval between incremental reads',
    ...seconds(1, 86_400),
  },
  syncOverlapSeconds: {
    name: 'SYNC_OVERLAP_SECONDS',
    fallback: '300',
    meaning:
      'Mirror: how far each incremental read looks back behind the newest `trackstar_updated_date` seen, since Trackstar lists changes late',
    ...seconds(0, 604_800),
  },
  fullCompareHours: {
    name: 'FULL_COMPARE_HOURS',
    fallback: '0.25',
    meaning:
      'Mirror: within how long every record is read again, to find deletions, which Trackstar does not announce, and changes that no incremental read showed',
    ...decimal(0.01, 8760, 'hours'),
  },
  trackstarWebhookSecrets: {
    name: 'TRACKSTAR_WEBHOOK_SECRET',
    fallback: undefined,
    secret: true,
    meaning:
      'Signing secret of webhooks (`whsec_…`), several separated by commas during rotation. Needs `TRACKSTAR_CONNECTION_ID`, or `CONNECTIONS_FILE`. Unset: webhooks are off',
    ...webhookSecrets,
  },
  authMode: {
    name: 'AUTH_MODE',
    fallback: 'api-key',
    meaning: '`api-key` requires one of `API_KEYS`; `none` lets every caller in',
    ...oneOf('api-key', 'none'),
  },
  apiKeys: {
    name: 'API_KEYS',
    fallback: undefined,
    secret: true,
    meaning:
      "Callers' keys, separated by commas: `name:key` or `name:sha256:<hex>`, followed by `:read+write` if the key may write, and by `:` and the names of its connections, joined by `+`, if it may not use all (secret). Required with `AUTH_MODE=api-key`",
    ...apiKeys,
  },
  corsOrigins: {
    name: 'CORS_ORIGINS',
    fallback: undefined,
    meaning:
      'Origins whose pages may call from a browser, separated by commas. Unset: only pages of the service itself',
    ...origins,
  },
  clientRateLimit: {
    name: 'CLIENT_RATE_LIMIT',
    fallback: '60000',
    meaning:
      'Requests per minute for each API key, or each address with `AUTH_MODE=none`. A request for several SKUs or lines counts as one for each; 0 turns the limit off',
    ...integer(0, 1_000_000_000),
  },
  adminPort: {
    name: 'ADMIN_PORT',
    fallback: undefined,
    meaning:
      'Port that serves `/metrics` and `/status`, with documentation and a page of their own; `PORT` then does not. 0 picks a free one. Unset: both are on `PORT`',
    ...integer(0, 65535),
  },
  ui: {
    name: 'UI',
    fallback: 'on',
    meaning: '`on` serves a page for people at `/ui`; `off` does not',
    ...oneOf('on', 'off'),
  },
  publicUrl: {
    name: 'PUBLIC_URL',
    fallback: undefined,
    expected: 'an http or https address without query or credentials',
    meaning:
      'Where callers find the service, such as `https://api.example.com/stock-api`, for links, redirects and the `type` of problems. Unset: all of these are relative, and work below any prefix that a proxy strips',
    parse: baseUrl,
  },
  redisUrl: {
    name: 'REDIS_URL',
    fallback: undefined,
    secret: true,
    expected: 'redis://host:port or rediss://host:port, with user, password and database where needed',
    meaning:
      'Redis or Valkey 7, through which replicas share the rates of calls to Trackstar, the mirrored catalog, the limit of clients, event tickets and the ids of webhook deliveries (secret). See docs/replicas.md. Unset: one process by itself',
    parse: redisUrl,
  },
  trustProxy: {
    name: 'TRUST_PROXY',
    fallback: 'false',
    expected: 'true, false, a number of hops, or addresses',
    meaning: "Proxies whose `X-Forwarded-*` headers are trusted, as in Fastify's `trustProxy`",
    parse: trustProxy,
  },
  shutdownGraceSeconds: {
    name: 'SHUTDOWN_GRACE_SECONDS',
    fallback: '10',
    meaning: 'How long requests in flight may take after a stop signal',
    ...seconds(0, 3600),
  },
} as const satisfies Record<string, Variable<unknown>>
