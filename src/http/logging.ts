import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type DestinationStream, type Logger, pino } from 'pino'
import type { ReadContext } from '../cache/read-context.js'
import type { Config } from '../config/config.js'
import { isEndedStream } from './ended-stream.js'

/** The name of a header that holds a secret, as a JSON key. Inside a string its quotes would be escaped. */
const secretField = /"(?:authorization|cookie|x-api-key|x-trackstar-api-key|x-trackstar-access-token)":/
const censored = '[redacted]'

/**
 * Lines are buffered: a system call for each would cost as much as the rest of the line. The buffer is flushed every
 * 250 ms, with a fatal line and when the process exits; a process that is killed loses at most 250 ms of lines. If the
 * reader stalls, up to 16 MB are kept and further lines are dropped.
 */
const standardOutputOptions = {
  dest: 1,
  sync: false,
  minLength: 32 * 1024,
  maxWrite: 64 * 1024,
  periodicFlush: 250,
  maxLength: 16_000_000,
} as const

function standardOutput(): DestinationStream & { flushSync(): void } {
  const output = pino.destination({ ...standardOutputOptions, contentMode: 'buffer' })
  // In buffer mode it takes bytes, though its types only have strings. With strings, it would measure the whole buffer
  // again for every line.
  const bytes = output as unknown as { write(bytes: Uint8Array): boolean }
  return {
    write: (line) => void bytes.write(Buffer.from(line)),
    // pino calls this after a fatal line.
    flushSync: () => output.flushSync(),
  }
}

/** Shorter values may appear in any line by chance, and are no real secrets. */
const minSecretLength = 6

/**
 * Creates a logger that writes no secrets: values of known secret headers are censored at any depth, and the configured
 * secrets are removed from every line. Both work on the serialized line, because pino's `redact` visits every object for
 * every path, which costs more than the rest of the line.
 * @param destination default: standard output, as JSON
 * @param fields returns fields to add to each line, called when the line is written
 */
export function createLogger(
  config: Pick<Config, 'logLevel' | 'trackstarApiKey'> & {
    readonly connections: readonly { readonly accessToken: string }[]
  },
  destination?: DestinationStream,
  fields?: () => object,
): Logger {
  const secrets = shownSecrets([config.trackstarApiKey, ...config.connections.map(({ accessToken }) => accessToken)])
  const options = {
    level: config.logLevel,
    ...(fields && { mixin: fields }),
    hooks: {
      streamWrite: (line: string) =>
        secrets.reduce(
          (text, secret) => text.replaceAll(secret, censored),
          secretField.test(line) ? censorSecretFields(line) : line,
        ),
    },
  }
  const logger = pino(options, destination ?? standardOutput())
  secretsOf.set(logger, secrets)
  return logger
}

/** The secrets that each logger keeps out of its lines, as they would appear in JSON. */
const secretsOf = new WeakMap<object, string[]>()

const shownSecrets = (secrets: readonly string[]): string[] =>
  secrets.filter((secret) => secret.length >= minSecretLength).map((secret) => JSON.stringify(secret).slice(1, -1))

/** Keeps more secrets out of the lines of a logger that {@link createLogger} has made, and of its children. */
export function keepOutOfLog(logger: object, secrets: readonly string[]): void {
  const known = secretsOf.get(logger)
  for (const secret of shownSecrets(secrets)) if (known?.includes(secret) === false) known.push(secret)
}

function censorSecretFields(line: string): string {
  const censor = (key: string, value: unknown) => (secretField.test(`"${key}":`) ? censored : value)
  return `${JSON.stringify(JSON.parse(line, censor))}\n`
}

/**
 * Sends `X-Request-Id` with every response and logs one line per request: `request completed`, or `request aborted` if
 * the client disconnects first, unless the response is a stream. A line has the route's template, never the URL, which contains SKUs.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.decorateRequest('readContext', null)
    app.decorateRequest('connection', null)
    app.decorateReply('isLogged', false)
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id)
      reply.raw.on('close', () => {
        if (reply.isLogged) return
        if (isEndedStream(request, reply)) request.log.info(requestFields(request, reply), 'request completed')
        else request.log.info({ ...requestFields(request, reply), status: null }, 'request aborted')
      })
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      const { successLogLevel = 'info' } = request.routeOptions.config
      const level = reply.statusCode < 400 ? successLogLevel : 'info'
      request.log[level](requestFields(request, reply), 'request completed')
      reply.isLogged = true
      done()
    })
  },
  { name: 'request-log', dependencies: ['problems'] },
)

const requestFields = (request: FastifyRequest, reply: FastifyReply) => ({
  method: request.method,
  route: request.routeOptions.url ?? null,
  status: reply.statusCode,
  problem: reply.problem,
  caller: request.caller?.name ?? null,
  connection: request.connection?.name ?? null,
  ms: Math.round(reply.elapsedTime * 100) / 100,
  cache: request.readContext?.outcome ?? null,
  upstream_calls: request.readContext?.calls.size ?? 0,
})

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The level of the line of a request that succeeds; default: info. */
    successLogLevel?: 'debug'
  }
  interface FastifyRequest {
    /** Set by routes that read records, for the log. */
    readContext: Pick<ReadContext, 'outcome' | 'calls'> | null
    /** The connection that the request asks, once it is chosen, for the log. */
    connection: { readonly name: string } | null
  }
  interface FastifyReply {
    /** Whether the line of the request is written. */
    isLogged: boolean
  }
}
