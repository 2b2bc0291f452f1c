import { hash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'

/** How the text of a variable becomes a value. */
export interface Format<T> {
  /** What is expected, in words: the end of "expected …" in an error message. */
  readonly expected: string
  /** The value; undefined when the text is not as expected. */
  readonly parse: (text: string) => T | undefined
  /** For lists of secrets: the position of the first wrong entry, from 1. */
  readonly wrongEntry?: (text: string) => number | undefined
}

/** The caller's name in logs and limits when `AUTH_MODE=none`. No API key can have this name. */
export const anonymous = 'anonymous'

/** What an API key allows. `write` allows adjusting stock. */
export type Scope = 'read' | 'write'

/** A caller's API key. Only its hash is kept in memory. Several keys may share a name, for example during rotation. */
export interface ApiKey {
  readonly name: string
  /** SHA-256 of the key, in lower-case hex. */
  readonly sha256: string
  readonly scopes: readonly Scope[]
  /** Names of the connections and groups that the key may use; undefined: all. */
  readonly connections?: readonly string[]
}

/** A name of a connection or group. */
export const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/

export const anyText = (text: string) => text

export const oneOf = <const T extends string>(...allowed: T[]) => ({
  expected: allowed.length === 1 ? `\`${allowed[0]}\`` : `one of ${allowed.join(', ')}`,
  parse: (text: string) => allowed.find((value) => value === text),
})

const numberBetween = (kind: string, pattern: RegExp, min: number, max: number, unit: string) => ({
  expected: `${kind}${unit && ` of ${unit}`} from ${min} to ${max}`,
  parse: (text: string) => {
    const value = pattern.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  },
})
const digits = /^\d+$/

export const integer = (min: number, max: number, unit = '') => numberBetween('a whole number', digits, min, max, unit)
export const decimal = (min: number, max: number, unit: string) =>
  numberBetween('a number', /^\d+(\.\d+)?$/, min, max, unit)
export const seconds = (min: number, max: number) => decimal(min, max, 'seconds')

/** Visible ASCII only: the value becomes a header value, which must not be able to end its line. */
export const token = {
  expected: 'visible ASCII characters without spaces',
  parse: (text: string) => (/^[\x21-\x7e]+$/.test(text) ? text : undefined),
}

/** Rejects a base64 part that does not decode to a key, so that a typing error shows at the start. */
export const webhookSecrets = {
  expected: 'whsec_ and base64, several separated by commas',
  parse: (text: string): readonly string[] | undefined => {
    const secrets = entriesOf(text)
    return secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{4,}={0,2}$/.test(secret)) ? secrets : undefined
  },
}

/** An absolute http or https URL; the value has no trailing slash. */
export function baseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username && !url.password
  return isPlain ? url.href.replace(/\/$/, '') : undefined
}

/** The address of a Redis or Valkey server. */
export function redisUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && /^rediss?:$/.test(url.protocol) && url.hostname !== '' ? text : undefined
}

/** The values that Fastify's `trustProxy` takes. */
export function trustProxy(text: string): boolean | number | string | undefined {
  if (text === 'true' || text === 'false') return text === 'true'
  if (digits.test(text)) return Number(text)
  return entriesOf(text).every(isTrustable) ? text : undefined
}

/** An address, a subnet such as `10.0.0.0/8`, or one of the names that `@fastify/proxy-addr` knows. */
function isTrustable(entry: string): boolean {
  const [, address = '', prefix = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(entry) ?? []
  const longest = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  return /^(loopback|linklocal|uniquelocal)$/.test(entry) || (Number(prefix) >= 1 && Number(prefix) <= longest)
}

/**
 * Entries of the form `name:key` or `name:sha256:<hex>`, each followed by `:read` or `:read+write`, and that by the names of
 * connections and groups, joined by `+`.
 */
export const apiKeys: Format<readonly ApiKey[]> = {
  expected:
    'name:key or name:sha256:<64 hex digits>, with :read+write where the key may write, and :au+us behind the scopes where it may use only these connections, several separated by commas, no key twice',
  parse: (text) => parseApiKeys(text).keys,
  wrongEntry: (text) => parseApiKeys(text).wrongEntry,
}

/** The names and keys of those entries of `API_KEYS` that state the key itself and not its hash. */
export const plainApiKeys = (text: string): { readonly name: string; readonly key: string }[] =>
  entriesOf(text).flatMap((entry) => {
    const [name = '', key = ''] = entry.split(':')
    return key === '' || key === 'sha256' ? [] : [{ name, key }]
  })

function parseApiKeys(text: string): { keys?: readonly ApiKey[]; wrongEntry?: number } {
  const keys = new Map<string, ApiKey>()
  for (const [index, entry] of entriesOf(text).entries()) {
    const key = parseApiKey(entry)
    // A key with two names would be logged under either.
    if (key === undefined || keys.has(key.sha256)) return { wrongEntry: index + 1 }
    keys.set(key.sha256, key)
  }
  return { keys: [...keys.values()] }
}

function parseApiKey(entry: string): ApiKey | undefined {
  const [name = '', ...rest] = entry.split(':')
  const isHashed = rest[0] === 'sha256'
  const [key = '', scopes = 'read', connections, ...more] = isHashed ? rest.slice(1) : rest
  if (!/^[\w.-]{1,64}$/.test(name) || name === anonymous || more.length > 0) return undefined
  const names = connections?.split('+')
  if (names?.some((part) => !namePattern.test(part))) return undefined
  if (scopes !== 'read' && scopes !== 'read+write') return undefined
  if (!(isHashed ? /^[\da-f]{64}$/i : /^[\x21-\x7e]+$/).test(key)) return undefined
  return {
    name,
    sha256: isHashed ? key.toLowerCase() : hash('sha256', key),
    scopes: scopes === 'read' ? ['read'] : ['read', 'write'],
    ...(names && { connections: names }),
  }
}

/** Origins as a browser sends them (RFC 6454, 6.2): lower case, no path, no trailing slash. Rejects `*` and `null`. */
export const origins: Format<readonly string[]> = {
  expected: 'origins such as https://shop.example, without a path, several separated by commas',
  parse(text) {
    const all = entriesOf(text)
    return all.every((origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin)
      ? all
      : undefined
  },
}

const entriesOf = (text: string) => text.split(',').map((entry) => entry.trim())
