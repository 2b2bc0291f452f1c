import { type Variable, variables } from './variables.js'

type Variables = typeof variables
type Value<V extends Variable<unknown>> = Exclude<ReturnType<V['parse']>, undefined>

type Values = {
  readonly [K in keyof Variables]: Variables[K]['fallback'] extends string
    ? Value<Variables[K]>
    : Variables[K] extends { required: true }
      ? Value<Variables[K]>
      : Value<Variables[K]> | undefined
}

/** What distinguishes one connection from another: a customer's warehouse system at Trackstar, with a token of its own. */
export interface ConnectionConfig {
  /** The name by which callers and operators know it. */
  readonly name: string
  /** Secret. */
  readonly accessToken: string
  /** Its id at Trackstar; undefined if it is not configured. */
  readonly connectionId: string | undefined
  /** Reads in any one second. */
  readonly readRate: number
  /** Writes in any one second. */
  readonly writeRate: number
  readonly catalogMode: Values['catalogMode']
}

/** The configuration of the service, typed and frozen. Units are in the names. */
export type Config = Omit<Values, 'trackstarAccessToken' | 'trackstarConnectionId'> & {
  readonly connections: readonly ConnectionConfig[]
}

/** The name of the only connection, unless there is a file that names several. */
export const onlyConnection = 'default'

/** The environment cannot be used. `problems` has one line for each variable that is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

/**
 * Reads the configuration from `environment`. An empty variable counts as unset.
 * @throws {ConfigError} with one line for each problem: the variable, what was expected and, unless it is a secret, what was given
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const entries = Object.entries<Variable<unknown>>(variables).map(([key, variable]) => {
    const text = environment[variable.name] || variable.fallback
    if (text === undefined) {
      if (variable.required) problems.push(`${variable.name} is missing: expected ${variable.expected}`)
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
  if (config.trackstarWebhookSecrets && !trackstarConnectionId) {
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
  if (problems.length > 0) throw new ConfigError(problems)
  const only = Object.freeze({
    name: onlyConnection,
    accessToken: trackstarAccessToken,
    connectionId: trackstarConnectionId,
    readRate: config.trackstarReadRate,
    writeRate: config.trackstarWriteRate,
    catalogMode: config.catalogMode,
  })
  return Object.freeze({ ...config, connections: Object.freeze([only]) })
}

/** What was given, quoted, without the credentials that a URL may carry. */
const withoutCredentials = (text: string) => JSON.stringify(text.replace(/^.*@/s, '…@'))

/**
 * Whether the text, one of its entries (`a,b`) or a part of one (`name:key`) is in quotes. A shell removes them, but
 * `docker --env-file` and many tools keep them, so that a quoted credential would be sent with its quotes.
 */
const isQuoted = (text: string) =>
  [text, ...text.split(','), ...text.split(/[,:]/)].some((part) => /^(["'`]).*\1$|^[“‘„«].*[”’“»]$/s.test(part.trim()))
