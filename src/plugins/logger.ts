import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from '../config.js'

const secretHeaders = ['authorization', 'cookie', 'x-api-key', 'x-trackstar-api-key', 'x-trackstar-access-token']

/** What is shorter stands in any line by chance, and is no secret. */
const shortestSecret = 6

/**
 * A logger that writes no secret. Fields of the known names are censored wherever they stand up to two levels deep, and
 * as a last line the configured secrets themselves are cut out of every line, whatever they got into.
 * @param destination default: standard output, in JSON
 * @param fields what each line has beside its own, at the moment it is written
 */
export function createLogger(
  config: Pick<Config, 'logLevel' | 'trackstarApiKey' | 'trackstarAccessToken'>,
  destination?: DestinationStream,
  fields?: () => object,
): Logger {
  const secrets = [config.trackstarApiKey, config.trackstarAccessToken]
    .filter((secret) => secret.length >= shortestSecret)
    .map((secret) => JSON.stringify(secret).slice(1, -1))
  const options = {
    level: config.logLevel,
    ...(fields && { mixin: fields }),
    redact: {
      paths: secretHeaders.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: '[redacted]',
    },
    hooks: {
      streamWrite: (line: string) => secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), line),
    },
  }
  return destination ? pino(options, destination) : pino(options)
}
