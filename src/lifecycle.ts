import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { AppOptions } from './app.js'
import { type Config, ConfigError } from './config/config.js'
import { type ConfigWarning, connectionWarnings } from './config/warnings.js'
import { startTracing, type Tracing } from './http/tracing.js'
import { version } from './version.js'

/**
 * How long connections are still accepted after a stop signal, in ms. Load balancers learn from `/readyz` to send
 * requests elsewhere, and connections that the kernel has already accepted are served instead of reset.
 */
const drainMs = 1000

/** The process cannot start, for a reason that one line explains. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/**
 * Runs `command` as the work of this process. SIGTERM and SIGINT stop it in order and exit with 0; a second signal, an
 * uncaught error and a failed start exit with 1.
 */
export function run(command: (lifecycle: Lifecycle) => Promise<unknown>): void {
  const lifecycle = new Lifecycle()
  command(lifecycle).catch((error: unknown) => {
    reportFailedStart(error)
    process.exit(1)
  })
}

/** What this process runs, and how it ends. */
export class Lifecycle {
  readonly #resources: { close(): Promise<unknown> }[] = []
  #log: Pick<FastifyInstance['log'], 'info' | 'warn' | 'fatal'> = pino()
  #graceMs = 1000
  #app: FastifyInstance | undefined
  #tracing: Tracing | undefined
  #isStopping = false

  constructor() {
    // First of all: process 1 of a container ignores a signal that has no handler.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => void this.#stop(signal).catch((error: unknown) => this.#exitOn(error)))
    }
    process.on('uncaughtException', (error) => this.#exitOn(error))
  }

  /** Closes `resource` when the process stops. Resources are closed in reverse order. */
  closeOnStop(resource: { close(): Promise<unknown> }): void {
    this.#resources.push(resource)
  }

  /**
   * Builds the service, listens on the configured ports, and logs what it runs with: one line, and one for each warning.
   * Returns the address of the service.
   * @throws {StartError} when an address cannot be listened on
   */
  async startService(config: Config, warnings: readonly ConfigWarning[], options: AppOptions = {}): Promise<string> {
    const tracing = await startTracing(process.env)
    if (tracing) {
      this.#tracing = tracing
      this.closeOnStop(tracing)
    }
    // Loading the service takes most of the start. A faulty configuration and the sandbox alone do without it.
    const { buildApp } = await import('./app.js')
    const app = await buildApp(config, { ...options, ...(tracing && { tracing }), preparesDocuments: true })
    this.closeOnStop(app)
    this.#log = app.log
    this.#graceMs = config.shutdownGraceSeconds * 1000
    // Set before listening: once the log says that the service listens, a stop has to be orderly.
    this.#app = app
    if (config.connectionsFile !== undefined) process.on('SIGHUP', () => app.reloadConnections())
    const { host, port, adminPort } = config
    const address = await listen(app, host, port, 'PORT', 'Server')
    const admin = app.admin && { admin: await listen(app.admin, host, adminPort ?? 0, 'ADMIN_PORT', 'Admin server') }
    app.log.info({ ...factsOf(config), addresses: { service: address, docs: `${address}/docs`, ...admin } }, 'started')
    for (const { message, ...fields } of [...warnings, ...connectionWarnings(config)]) app.log.warn(fields, message)
    return address
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#isStopping) process.exit(1)
    this.#isStopping = true
    setTimeout(() => void this.#cutOff(), this.#graceMs).unref()
    if (this.#app) {
      this.#log.info({ signal }, 'stopping')
      this.#app.drain()
      await sleep(Math.min(drainMs, this.#graceMs / 4))
    }
    for (const resource of this.#resources.toReversed()) await resource.close()
    process.exit(0)
  }

  async #cutOff(): Promise<never> {
    this.#log.warn('grace time over, closing open connections')
    this.#app?.server.closeAllConnections()
    // Spans that were not exported yet; takes two seconds at most.
    await this.#tracing?.close()
    process.exit(0)
  }

  /** After an uncaught error the state of the process is unknown: the supervisor has to start a new one. */
  #exitOn(error: unknown): never {
    this.#log.fatal({ err: error }, 'uncaught exception, exiting')
    process.exit(1)
  }
}

const factsOf = (config: Config) => ({
  version,
  mode: config.catalogMode,
  connections: config.connections.length,
  auth: config.authMode,
  keys: config.apiKeys?.length ?? 0,
  webhooks: config.trackstarWebhookSecrets !== undefined,
  upstream: config.trackstarBaseUrl,
})

async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  variable: string,
  label: string,
): Promise<string> {
  try {
    await app.listen({ host, port, listenTextResolver: (address) => `${label} listening at ${address}` })
  } catch (error) {
    throw listenError(error, host, port, variable)
  }
  const { address, port: boundPort } = app.server.address() as AddressInfo
  return `http://${address.includes(':') ? `[${address}]` : address}:${boundPort}`
}

/**
 * Turns an error of `listen` into a {@link StartError} that names the variable to change. Gives other errors back as they
 * are.
 */
export function listenError(error: unknown, host: string, port: number, variable: string): unknown {
  switch (Object(error).code) {
    case 'EADDRINUSE':
      return new StartError(`port ${port} on ${host} is already in use: set ${variable} to another port`)
    case 'EACCES':
      return new StartError(`port ${port} on ${host} needs privileges: set ${variable} to a port above 1023`)
    default:
      return error
  }
}

function reportFailedStart(error: unknown): void {
  if (error instanceof StartError) process.stderr.write(`trackstar-bff cannot start: ${error.message}\n`)
  else if (error instanceof ConfigError) {
    const problems = error.problems.map((problem) => `  ${problem}`)
    const hint = 'No Trackstar account? `npm run demo` starts the service with invented data.'
    process.stderr.write(`${['trackstar-bff cannot start:', ...problems, hint].join('\n')}\n`)
  } else pino().fatal(error, 'cannot start')
}
