import { isIPv4, isIPv6 } from 'node:net'

/** One variable of the environment: how it is read, what stands in for it, and what the README says of it. */
export interface Variable<T> {
  readonly name: string
  /** As it would be written in the environment; undefined where the variable is required or simply unset. */
  readonly fallback: string | undefined
  readonly required?: boolean
  /** Never printed, not even when it is wrong. */
  readonly secret?: boolean
  readonly expected: string
  readonly meaning: string
  /** Gives undefined for what is not `expected`. */
  readonly parse: (given: string) => T | undefined
}

const asGiven = (given: string) => given
const oneOf = <const T extends string>(...allowed: T[]) => ({
  expected: allowed.length === 1 ? `\`${allowed[0]}\`` : `one of ${allowed.join(', ')}`,
  parse: (given: string) => allowed.find((value) => value === given),
})
const number = (min: number, max: number, unit: string, pattern: RegExp) => ({
  expected: `a${pattern === wholeNumber ? ' whole' : ''} number${unit && ` of ${unit}`} from ${min} to ${max}`,
  parse: (given: string) => {
    const value = pattern.test(given) ? Number(given) : Number.NaN
    return value >= min && value <= max ? value : undefined
  },
})
const wholeNumber = /^\d+$/
const anyNumber = /^\d+(\.\d+)?$/
const whole = (min: number, max: number, unit = '') => number(min, max, unit, wholeNumber)
const seconds = (min: number, max: number) => number(min, max, 'seconds', anyNumber)
/** A header value must not be able to end its line: visible ASCII only. */
const token = {
  expected: 'visible ASCII characters without spaces',
  parse: (given: string) => (/^[\x21-\x7e]+$/.test(given) ? given : undefined),
}

/** The base64 part must decode to a key, so that a typing error shows now and not with the first delivery. */
const webhookSecrets = {
  expected: 'whsec_ and base64, several separated by commas',
  parse: (given: string): readonly string[] | undefined => {
    const secrets = given.split(',').map((secret) => secret.trim())
    return secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{4,}={0,2}$/.test(secret)) ? secrets : undefined
  },
}

function baseUrl(given: string): string | undefined {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username && !url.password
  return isPlain ? url.href.replace(/\/$/, '') : undefined
}

function trustProxy(given: string): boolean | number | string | undefined {
  if (given === 'true' || given === 'false') return given === 'true'
  if (wholeNumber.test(given)) return Number(given)
  return given.split(',').every((part) => isTrustable(part.trim())) ? given : undefined
}

/** An address, a subnet as `10.0.0.0/8`, or one of the names that `@fastify/proxy-addr` knows. */
function isTrustable(part: string): boolean {
  const [, address = '', prefix = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? []
  const longest = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  return /^(loopback|linklocal|uniquelocal)$/.test(part) || (Number(prefix) >= 1 && Number(prefix) <= longest)
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
    fallback: undefined,
    required: true,
    meaning: 'Who may call: `none` lets everybody who reaches the port. It has to be said outright',
    ...oneOf('none'),
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
