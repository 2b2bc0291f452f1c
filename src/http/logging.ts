import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from '../config/config.js'

/** A header that is a secret, as the name of a field. Inside of a string its quotes would be escaped. */
const secretField = /"(?:authorization|cookie|x-api-key|x-trackstar-api-key|x-trackstar-access-token)":/
const censored = '[redacted]'

/**
 * Lines are written some at a time: a call of the system for each would cost as much as all else of it. What waits is
 * written when the process ends, and at once with a fatal line; a process that is killed loses a quarter of a second. A
 * reader who has stopped reading costs 16 MB, and beyond that the lines.
 */
const toStandardOutput = { dest: 1, sync: false, minLength: 4096, periodicFlush: 250, maxLength: 16_000_000 } as const

/** Takes lines as bytes: of strings all that wait would be counted anew with each line. */
function standardOutput(): DestinationStream & { flushSync(): void } {
  const output = pino.destination({ ...toStandardOutput, contentMode: 'buffer' })
  // Its types know strings only.
  const ofBytes = output as unknown as { write(bytes: Uint8Array): boolean }
  return {
    write: (line) => void ofBytes.write(Buffer.from(line)),
    // What pino calls after a fatal line.
    flushSync: () => output.flushSync(),
  }
}

/** What is shorter stands in any line by chance, and is no secret. */
const shortestSecret = 6

/**
 * A logger that writes no secret. Fields of the known names are censored wherever they stand, and as a last line the
 * configured secrets themselves are cut out of every line, whatever they got into. Both look at the line as it is to be
 * written: pino's own `redact` walks every object for every path, which costs more than all else of a line.
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
    hooks: {
      streamWrite: (line: string) =>
        secrets.reduce(
          (text, secret) => text.replaceAll(secret, censored),
          secretField.test(line) ? withoutSecretFields(line) : line,
        ),
    },
  }
  return pino(options, destination ?? standardOutput())
}

function withoutSecretFields(line: string): string {
  const censor = (key: string, value: unknown) => (secretField.test(`"${key}":`) ? censored : value)
  return `${JSON.stringify(JSON.parse(line, censor))}\n`
}

/** What a request's reading has come to, for its log line. */
interface ReadingSummary {
  readonly outcome: string | undefined
  readonly calls: { readonly size: number }
}

/**
 * One log line for each request when its answer is out, or its caller gone before: the route's template, never the
 * address, which names SKUs.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.decorateRequest('reading', null)
    const told = (request: FastifyRequest, reply: FastifyReply) => ({
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      problem: reply.problem,
      caller: request.caller?.name ?? null,
      ms: Math.round(reply.elapsedTime * 100) / 100,
      cache: request.reading?.outcome ?? null,
      upstream_calls: request.reading?.calls.size ?? 0,
    })
    app.addHook('onRequest', (request, reply, done) => {
      const cutOff = () => request.log.info({ ...told(request, reply), status: null }, 'cut off')
      reply.raw.once('close', cutOff)
      reply.raw.once('finish', () => reply.raw.removeListener('close', cutOff))
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      request.log.info(told(request, reply), 'answered')
      done()
    })
  },
  { name: 'request-log', dependencies: ['problems', 'access'] },
)

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by routes that read. */
    reading: ReadingSummary | null
  }
}
