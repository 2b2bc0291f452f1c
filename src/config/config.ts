import { ConfigError } from './config-error.js'
import { type ConnectionConfig, type ConnectionGroup, readConnectionsFile } from './connections-file.js'
import { type Variable, variables } from './variables.js'

export { ConfigError }

type Variables = typeof variables
type Value<V extends Variable<unknown>> = Exclude<ReturnType<V['parse']>, undefined>

type Values = {
  readonly [K in keyof Variables]: Variables[K]['fallback'] extends string
    ? Value<Variables[K]>
    : Variables[K] extends { required: true }
      ? Value<Variables[K]>
      : Value<Variables[K]> | undefined
}

/** The configuration of the service, typed and frozen. Units are in the names. */
export type Config = Omit<Values, 'trackstarAccessToken' | 'trackstarConnectionId'> & {
  readonly connections: readonly ConnectionConfig[]
  readonly groups: readonly ConnectionGroup[]
}

/** The name of the only connection, unless there is a file that names several. */
export const onlyConnection = 'default'

/**
 * Reads the configuration from `environment`, and from `CONNECTIONS_FILE` if it is set. An empty variable counts as unset.
 * @throws {ConfigError} with one line for each problem: the variable or place in the file, what was expected and, unless it is a
 * secret, what was given
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const hasFile = Boolean(environment[variables.connectionsFile.name])
  const entries = Object.entries<Variable<unknown>>(variables).map(([key, variable]) => {
    const text = environment[variable.name] || variable.fallback
    if (text === undefined) {
      const isInFile = hasFile && variable === variables.trackstarAccessToken
      if (variable.required && !isInFile) problems.push(`${variable.name} is missing: expected ${variable.expected}`)
      return [key, undefined]
    }
    const hasQuotes = isQuoted(text)
    const value = hasQuotes ? undefined : variable.parse(text)
    if (value === undefined) {
      const entry = hasQuotes ? undefined : variable.wrongEntry?.(text)
      const secret = `${hasQuotes ? 'quotes' : 'something else'}${entry ? ` in entry ${entry}` : ''} (not shown: it is a secret)`
      const shown = variable.secret ? secret : withoutCredentials(text)
      const expected = hasQuotes ? `${variable.expected}, without quotes around it` : variable.expected
      problems.push(`${variable.name} is wrong: expected ${expected}, but got ${shown}`)
    }
    return [key, value]
  })
  const { trackstarAccessToken, trackstarConnectionId, ...config } = Object.fromEntries(entries) as Values
  if (config.trackstarWebhookSecrets && !trackstarConnectionId && !hasFile) {
    problems.push(
      'TRACKSTAR_CONNECTION_ID is missing: TRACKSTAR_WEBHOOK_SECRET needs it, to ignore webhooks of other connections',
    )
  }
  // An API_KEYS that is set but wrong has been reported above.
  if (config.authMode === 'api-key' && !environment[variables.apiKeys.name]) {
    problems.push(
      `API_KEYS is missing: expected ${variables.apiKeys.expected}; or AUTH_MODE=none, to let every caller in`,
    )
  }
  if (config.adminPort !== undefined && config.adminPort !== 0 && config.adminPort === config.port) {
    problems.push(`ADMIN_PORT is wrong: expected a port other than PORT, but got ${config.adminPort} for both`)
  }
  const { trackstarReadRate: readRate, trackstarWriteRate: writeRate, catalogMode } = config
  const defaults = { readRate, writeRate, catalogMode }
  const file = { connections: [] as readonly ConnectionConfig[], groups: [] as readonly ConnectionGroup[] }
  if (config.connectionsFile) {
    for (const { name } of [variables.trackstarAccessToken, variables.trackstarConnectionId]) {
      if (environment[name])
        problems.push(`${name} is wrong: expected it to be unset beside CONNECTIONS_FILE, but it is set`)
    }
    try {
      Object.assign(file, readConnectionsFile(config.connectionsFile, defaults))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  } else {
    const only = { name: onlyConnection, accessToken: trackstarAccessToken, connectionId: trackstarConnectionId }
    file.connections = [Object.freeze({ ...only, ...defaults })]
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...config, ...file })
}

/** What was given, quoted, without the credentials that a URL may carry. */
const withoutCredentials = (text: string) => JSON.stringify(text.replace(/^.*@/s, '…@'))

/**
 * Whether the text, one of its entries (`a,b`) or a part of one (`name:key`) is in quotes. A shell removes them, but
 * `docker --env-file` and many tools keep them, so that a quoted credential would be sent with its quotes.
 */
const isQuoted = (text: string) =>
  [text, ...text.split(','), ...text.split(/[,:]/)].some((part) => /^(["'`]).*\1$|^[“‘„«].*[”’“»]$/s.test(part.trim()))
