import { isIPv4 } from 'node:net'
import type { Config } from './config.js'
import { plainApiKeys } from './formats.js'
import { variables } from './variables.js'

/** Something about the environment that works but is probably not meant. A fixed phrase and the facts of the case. */
export interface ConfigWarning {
  readonly message: string
  readonly [fact: string]: unknown
}

/** A variable that is set but unknown, and the known variable that it resembles most. */
export interface UnknownVariable extends ConfigWarning {
  readonly variable: string
  readonly nearest: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** A shorter key can be guessed. */
const shortestKey = 16

const ownNames = Object.values(variables).map(({ name }) => name)

/**
 * Warns of an environment that {@link readConfig} has accepted: open access on an address that other machines reach,
 * API keys of fewer than 16 characters, and variables that look like ours but are not. Shows no secret.
 * @param moreNames variables that are read besides those of the service
 */
export function configWarnings(environment: Environment, moreNames: readonly string[] = []): ConfigWarning[] {
  const { host, authMode, apiKeys } = variables
  const warnings: ConfigWarning[] = []
  const listensOn = environment[host.name] || host.fallback
  if (environment[authMode.name] === 'none' && !isLoopback(listensOn)) {
    warnings.push({ message: 'AUTH_MODE=none on a non-loopback address lets every caller in', host: listensOn })
  }
  for (const { name, key } of plainApiKeys(environment[apiKeys.name] ?? '')) {
    if (key.length < shortestKey) {
      warnings.push({
        message: `API key is shorter than ${shortestKey} characters`,
        caller: name,
        characters: key.length,
      })
    }
  }
  return [...warnings, ...unknownVariables(environment, [...ownNames, ...moreNames])]
}

/** Warns of API keys that name connections which do not exist, and of connections whose webhooks cannot be told apart. */
export function connectionWarnings({
  connections,
  groups,
  apiKeys,
  trackstarWebhookSecrets: secrets,
}: Pick<Config, 'connections' | 'groups' | 'apiKeys' | 'trackstarWebhookSecrets'>): ConfigWarning[] {
  const known = new Set([...connections, ...groups].map(({ name }) => name))
  const unknown = (apiKeys ?? []).flatMap(({ name, connections: names = [] }) =>
    names
      .filter((connection) => !known.has(connection))
      .map((connection) => ({ message: 'API key names an unknown connection', caller: name, connection })),
  )
  const withoutWebhooks = connections.filter(({ connectionId }) => secrets !== undefined && connectionId === undefined)
  return [
    ...unknown,
    ...withoutWebhooks.map(({ name }) => ({
      message: 'webhooks of a connection without an id are ignored',
      connection: name,
    })),
  ]
}

/**
 * Warns of each variable that is set, begins with the first word of one of `names` (`CACHE_`, say) and is none of them:
 * probably a typing error. Variables that Kubernetes and Docker set for a service of such a name are ignored.
 */
export function unknownVariables(environment: Environment, names: readonly string[]): UnknownVariable[] {
  const prefixes = new Set(names.filter((name) => name.includes('_')).map(prefixOf))
  return Object.entries(environment)
    .filter(([name, value]) => value && name.includes('_') && prefixes.has(prefixOf(name)) && !names.includes(name))
    .filter(
      ([name, value = '']) =>
        !serviceLink.test(name) && !name.includes('_SERVICE_PORT_') && !/^(tcp|udp):\/\//.test(value),
    )
    .map(([variable]) => ({ message: 'unknown environment variable', variable, nearest: nearestTo(variable, names) }))
}

const prefixOf = (name: string) => name.slice(0, name.indexOf('_'))
const serviceLink = /_SERVICE_(?:HOST|PORT)$|_PORT_\d+_(?:TCP|UDP)_(?:PROTO|PORT|ADDR)$/

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** The name with the most leading words in common, and of those the one with the fewest edits. */
function nearestTo(name: string, names: readonly string[]): string {
  const [best] = names
    .map((candidate) => ({ candidate, words: commonWords(name, candidate), edits: editDistance(name, candidate) }))
    .toSorted((a, b) => b.words - a.words || a.edits - b.edits)
  return best?.candidate ?? name
}

function commonWords(name: string, candidate: string): number {
  const words = candidate.split('_')
  const differing = name.split('_').findIndex((word, index) => word !== words[index])
  return differing === -1 ? words.length : differing
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, character] of Array.from(from).entries()) {
    const next = [i + 1]
    for (let j = 1; j <= to.length; j++) {
      const replaced = Number(row[j - 1]) + (character === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, Number(row[j]) + 1, Number(next[j - 1]) + 1))
    }
    row = next
  }
  return Number(row[to.length])
}
