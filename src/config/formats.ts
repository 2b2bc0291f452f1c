import { hash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'

/** How a variable is read: what is expected of it, in words, and its value; undefined for what is not as expected. */
export interface Format<T> {
  readonly expected: string
  readonly parse: (given: string) => T | undefined
  /** Of a list whose entries are not to be shown: the place of the first that is wrong, from 1 on. */
  readonly wrongEntry?: (given: string) => number | undefined
}

/** What callers are called where none is asked for a key; no key can have the name. */
export const anonymous = 'anonymous'

/** What a key allows: `write` is to change stock. */
export type Scope = 'read' | 'write'

/** A caller's key, which is known by its hash alone. Several may have one name, while one replaces another. */
export interface ApiKey {
  readonly name: string
  /** SHA-256 of the key, in hex. */
  readonly sha256: string
  readonly scopes: readonly Scope[]
}

export const asGiven = (given: string) => given
export const oneOf = <const T extends string>(...allowed: T[]) => ({
  expected: allowed.length === 1 ? `\`${allowed[0]}\`` : `one of ${allowed.join(', ')}`,
  parse: (given: string) => allowed.find((value) => value === given),
})
export const number = (min: number, max: number, unit: string, pattern: RegExp) => ({
  expected: `a${pattern === wholeNumber ? ' whole' : ''} number${unit && ` of ${unit}`} from ${min} to ${max}`,
  parse: (given: string) => {
    const value = pattern.test(given) ? Number(given) : Number.NaN
    return value >= min && value <= max ? value : undefined
  },
})
const wholeNumber = /^\d+$/
export const anyNumber = /^\d+(\.\d+)?$/
export const whole = (min: number, max: number, unit = '') => number(min, max, unit, wholeNumber)
export const seconds = (min: number, max: number) => number(min, max, 'seconds', anyNumber)
/** A header value must not be able to end its line: visible ASCII only. */
export const token = {
  expected: 'visible ASCII characters without spaces',
  parse: (given: string) => (/^[\x21-\x7e]+$/.test(given) ? given : undefined),
}

/** The base64 part must decode to a key, so that a typing error shows now and not with the first delivery. */
export const webhookSecrets = {
  expected: 'whsec_ and base64, several separated by commas',
  parse: (given: string): readonly string[] | undefined => {
    const secrets = given.split(',').map((secret) => secret.trim())
    return secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{4,}={0,2}$/.test(secret)) ? secrets : undefined
  },
}

export function baseUrl(given: string): string | undefined {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username && !url.password
  return isPlain ? url.href.replace(/\/$/, '') : undefined
}

export function trustProxy(given: string): boolean | number | string | undefined {
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

/** `name:key`, `name:sha256:<hex>`, each with `:read+write` where it may write; what a key is never stays in memory. */
export const apiKeys: Format<readonly ApiKey[]> = {
  expected:
    'name:key or name:sha256:<64 hex digits>, with :read+write where the key may write, several separated by commas, no key twice',
  parse: (given) => keysIn(given).keys,
  wrongEntry: (given) => keysIn(given).wrongEntry,
}

function keysIn(given: string): { keys?: readonly ApiKey[]; wrongEntry?: number } {
  const keys = new Map<string, ApiKey>()
  for (const [index, entry] of given.split(',').entries()) {
    const key = apiKey(entry.trim())
    // One key under two names would be logged as either.
    if (key === undefined || keys.has(key.sha256)) return { wrongEntry: index + 1 }
    keys.set(key.sha256, key)
  }
  return { keys: [...keys.values()] }
}

function apiKey(entry: string): ApiKey | undefined {
  const [name = '', ...rest] = entry.split(':')
  const isHashed = rest[0] === 'sha256'
  const [key = '', scopes = 'read', ...more] = isHashed ? rest.slice(1) : rest
  if (
    !/^[\w.-]{1,64}$/.test(name) ||
    name === anonymous ||
    more.length > 0 ||
    !(scopes === 'read' || scopes === 'read+write')
  )
    return undefined
  if (!(isHashed ? /^[\da-f]{64}$/i : /^[\x21-\x7e]+$/).test(key)) return undefined
  return {
    name,
    sha256: isHashed ? key.toLowerCase() : hash('sha256', key),
    scopes: scopes === 'read' ? ['read'] : ['read', 'write'],
  }
}

/** As a browser writes an origin (RFC 6454, 6.2): no path, no trailing slash, lower case. `*` and `null` are none. */
export const origins: Format<readonly string[]> = {
  expected: 'origins such as https://shop.example, without a path, several separated by commas',
  parse(given) {
    const all = given.split(',').map((origin) => origin.trim())
    return all.every((origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin)
      ? all
      : undefined
  },
}
