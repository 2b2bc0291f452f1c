import {
  anyNumber,
  apiKeys,
  asGiven,
  baseUrl,
  type Format,
  number,
  oneOf,
  origins,
  seconds,
  token,
  trustProxy,
  webhookSecrets,
  whole,
} from './formats.js'

/** One variable of the environment: how it is read, what stands in for it, and what the README says of it. */
export interface Variable<T> extends Format<T> {
  readonly name: string
  /** As it would be written in the environment; undefined where the variable is required or simply unset. */
  readonly fallback: string | undefined
  readonly required?: boolean
  /** Never printed, not even when it is wrong. */
  readonly secret?: boolean
  readonly meaning: string
}

/** Every variable this service reads, in the order in which the README lists them. */
export const variables = {
  host: {
    name: 'HOST',
    fallback: '127.0.0.1',
    expected: 'an address',
    meaning: 'Address to listen on',
    parse: asGiven,
  },
  port: {
    name: 'PORT',
    fallback: '3000',
    meaning: 'Port to listen on; 0 takes a free one',
    ...whole(0, 65535),
  },
  logLevel: {
    name: 'LOG_LEVEL',
    fallback: 'info',
    meaning: 'Least severe log level to write',
    ...oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  },
  trackstarBaseUrl: {
    name: 'TRACKSTAR_BASE_URL',
    fallback: 'https://production.trackstarhq.com',
    expected: 'an http or https address without query or credentials',
    meaning: 'Where Trackstar is',
    parse: baseUrl,
  },
  trackstarApiKey: {
    name: 'TRACKSTAR_API_KEY',
    fallback: undefined,
    required: true,
    secret: true,
    meaning: "The organisation's API key at Trackstar (secret)",
    ...token,
  },
  trackstarAccessToken: {
    name: 'TRACKSTAR_ACCESS_TOKEN',
    fallback: undefined,
    required: true,
    secret: true,
    meaning: "The connection's access token at Trackstar (secret)",
    ...token,
  },
  trackstarConnectionId: {
    name: 'TRACKSTAR_CONNECTION_ID',
    fallback: undefined,
    meaning: "The connection's id; lets answers say in `source` when Trackstar itself last synced",
    ...token,
  },
  trackstarReadRate: {
    name: 'TRACKSTAR_READ_RATE',
    fallback: '10',
    meaning: 'Reads that Trackstar allows in any one second',
    ...whole(1, 10_000),
  },
  trackstarWriteRate: {
    name: 'TRACKSTAR_WRITE_RATE',
    fallback: '50',
    meaning: 'Writes that Trackstar allows in any one second',
    ...whole(1, 10_000),
  },
  trackstarTimeoutMs: {
    name: 'TRACKSTAR_TIMEOUT_MS',
    fallback: '5000',
    meaning: 'Longest wait for one attempt upstream',
    ...whole(1, 600_000, 'milliseconds'),
  },
  requestTimeoutMs: {
    name: 'REQUEST_TIMEOUT_MS',
    fallback: '10000',
    meaning: 'Longest time for one request here, queueing and retries included',
    ...whole(1, 600_000, 'milliseconds'),
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
    meaning: 'How long past that it is served at once and refreshed behind the answer',
    ...seconds(0, 604_800),
  },
  cacheMaxStaleSeconds: {
    name: 'CACHE_MAX_STALE_SECONDS',
    fallback: '86400',
    meaning: 'How long past its TTL a record may still be served while upstream fails',
    ...seconds(0, 31_536_000),
  },
  cacheNegativeTtlSeconds: {
    name: 'CACHE_NEGATIVE_TTL_SECONDS',
    fallback: '30',
    meaning: 'How long "no such SKU" is remembered',
    ...seconds(0, 86_400),
  },
  cacheMaxMb: {
    name: 'CACHE_MAX_MB',
    fallback: '256',
    meaning: 'Bound on the records held, all kinds together, in MB of their JSON',
    ...whole(1, 65_536, 'MB'),
  },
  catalogMode: {
    name: 'CATALOG_MODE',
    fallback: 'mirror',
    meaning: '`mirror` loads the whole catalog and follows its changes; `on-demand` reads what is asked for',
    ...oneOf('mirror', 'on-demand'),
  },
  syncIntervalSeconds: {
    name: 'SYNC_INTERVAL_SECONDS',
    fallback: '30',
    meaning: 'Mirror: how often changes are read',
    ...seconds(1, 86_400),
  },
  fullCompareHours: {
    name: 'FULL_COMPARE_HOURS',
    fallback: '6',
    meaning: 'Mirror: how often all ids are compared, for deletions, which Trackstar does not announce',
    ...number(0.01, 8760, 'hours', anyNumber),
  },
  trackstarWebhookSecrets: {
    name: 'TRACKSTAR_WEBHOOK_SECRET',
    fallback: undefined,
    secret: true,
    meaning:
      'Secret of the webhooks (`whsec_…`), several separated by commas while one is being replaced; needs `TRACKSTAR_CONNECTION_ID`. Unset: no webhooks',
    ...webhookSecrets,
  },
  authMode: {
    name: 'AUTH_MODE',
    fallback: 'api-key',
    meaning: 'Who may call: `api-key` whoever has one of `API_KEYS`, `none` everybody who reaches the port',
    ...oneOf('api-key', 'none'),
  },
  apiKeys: {
    name: 'API_KEYS',
    fallback: undefined,
    secret: true,
    meaning:
      "The callers' keys, `name:key` or `name:sha256:<hex>`, with `:read+write` where one may write, separated by commas (secret). Required with `AUTH_MODE=api-key`",
    ...apiKeys,
  },
  corsOrigins: {
    name: 'CORS_ORIGINS',
    fallback: undefined,
    meaning: 'Origins whose pages may ask from a browser, separated by commas. Unset: only pages of the service itself',
    ...origins,
  },
  clientRateLimit: {
    name: 'CLIENT_RATE_LIMIT',
    fallback: '60000',
    meaning: 'Requests a minute per API key, or per address with `AUTH_MODE=none`; 0 for no limit',
    ...whole(0, 1_000_000_000),
  },
  adminPort: {
    name: 'ADMIN_PORT',
    fallback: undefined,
    meaning: 'Where `/metrics` and `/status` answer, and nowhere else; 0 takes a free port. Unset: on `PORT`',
    ...whole(0, 65535),
  },
  trustProxy: {
    name: 'TRUST_PROXY',
    fallback: 'false',
    expected: 'true, false, a number of hops, or addresses',
    meaning: "Whose `X-Forwarded-*` headers are believed, as Fastify's `trustProxy`",
    parse: trustProxy,
  },
  shutdownGraceSeconds: {
    name: 'SHUTDOWN_GRACE_SECONDS',
    fallback: '10',
    meaning: 'How long what is in flight at a stop signal may take',
    ...seconds(0, 3600),
  },
} as const satisfies Record<string, Variable<unknown>>
