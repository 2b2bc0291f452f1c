import { type Variable, variables } from './variables.js'

type Variables = typeof variables
type Value<V extends Variable<unknown>> = Exclude<ReturnType<V['parse']>, undefined>

/** What the environment says, typed and frozen. Units are in the names. */
export type Config = {
  readonly [K in keyof Variables]: Variables[K]['fallback'] extends string
    ? Value<Variables[K]>
    : Variables[K] extends { required: true }
      ? Value<Variables[K]>
      : Value<Variables[K]> | undefined
}

/** The environment is not usable. `problems` has one line per variable that is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

/**
 * Reads the configuration from `environment`. An empty variable counts as unset.
 * @throws {ConfigError} naming each variable that is missing or wrong, what was expected and (never of a secret) what was given
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const wrong: string[] = []
  const entries = Object.entries<Variable<unknown>>(variables).map(([key, variable]) => {
    const given = environment[variable.name] || variable.fallback
    if (given === undefined) {
      if (variable.required) wrong.push(`${variable.name} is missing: expected ${variable.expected}`)
      return [key, undefined]
    }
    const value = variable.parse(given)
    if (value === undefined) {
      const entry = variable.wrongEntry?.(given)
      const secret = `something else${entry ? ` in entry ${entry}` : ''} (not shown: it is a secret)`
      const shown = variable.secret ? secret : shownOf(given)
      wrong.push(`${variable.name} is wrong: expected ${variable.expected}, but got ${shown}`)
    }
    return [key, value]
  })
  const config = Object.freeze(Object.fromEntries(entries)) as Config
  if (config.trackstarWebhookSecrets && !config.trackstarConnectionId) {
    wrong.push(
      'TRACKSTAR_CONNECTION_ID is missing: TRACKSTAR_WEBHOOK_SECRET needs it, to refuse what is not of this connection',
    )
  }
  // Where API_KEYS is there but wrong, that has been said.
  if (config.authMode === 'api-key' && !environment[variables.apiKeys.name]) {
    wrong.push(
      `API_KEYS is missing: expected ${variables.apiKeys.expected}; or AUTH_MODE=none, to let everybody in who reaches the port`,
    )
  }
  if (config.adminPort !== undefined && config.adminPort !== 0 && config.adminPort === config.port) {
    wrong.push(`ADMIN_PORT is wrong: expected another port than PORT, but got ${config.adminPort} for both`)
  }
  if (wrong.length > 0) throw new ConfigError(wrong)
  return config
}

/** What was given, without the credentials that an address may carry. */
const shownOf = (given: string) => JSON.stringify(given.replace(/^.*@/s, '…@'))
