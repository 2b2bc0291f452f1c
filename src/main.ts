import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { type AppParts, buildApp } from './app.js'
import { type Config, ConfigError, readConfig } from './config/config.js'
import { startTracing, type Tracing } from './http/tracing.js'
import { fixedSkus } from './sandbox/fixed-catalog.js'
import { createSandbox, type Sandbox, sandboxWebhookSecret } from './sandbox/sandbox.js'

// V8 lets the heap of an idle machine double before it looks for garbage. What waited a second for upstream has been
// promoted by then, so under a flood that is 200 MB of the dead; collecting at a third costs little and keeps it at 60.
setFlagsFromString('--heap-growing-percent=30')

const usage = 'usage: node dist/main.js [demo | sandbox]'

/** What runs, and so is to be closed at a stop signal: the last opened first. */
const running: { close(): Promise<unknown> }[] = []
/** What is still to be sent when the grace time is over; it takes two seconds at most. */
let tracing: Tracing | undefined

/** Where the process itself says something: the service's own log, once there is one. */
let log: Pick<FastifyInstance['log'], 'info' | 'warn' | 'fatal'> = pino()

/**
 * How long connections are still taken after a stop signal, so that who sends requests can see at `/readyz` that they
 * are to go elsewhere, and so that what the kernel has taken but nobody has looked at yet is not reset.
 */
const drainMs = 1000

/** What a stop is to heed, once there is something to stop. Before, a signal just ends the process. */
let stopping: { readonly graceMs: number; readonly app?: FastifyInstance } = { graceMs: 1000 }
let isStopping = false

/** Ends the process in order; a second signal ends it at once, and so does the end of the grace time. */
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (isStopping) process.exit(1)
  isStopping = true
  const { graceMs, app } = stopping
  setTimeout(() => void cutOff(), graceMs).unref()
  if (app) {
    log.info({ signal }, 'stopping')
    app.drain()
    await sleep(Math.min(drainMs, graceMs / 4))
  }
  for (const part of running.toReversed()) await part.close()
  process.exit(0)
}

async function cutOff(): Promise<never> {
  log.warn('what is still open at the end of the grace time is cut off')
  stopping.app?.server.closeAllConnections()
  await tracing?.close()
  process.exit(0)
}

// At once: as process 1 of a container nothing would be heeded that came before.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(die))

/** After a fault that nobody caught nothing here can be relied on: who watches the process has to start another. */
function die(error: unknown): never {
  log.fatal({ err: error }, 'a fault that nobody caught ends the process')
  process.exit(1)
}
process.on('uncaughtException', die)

const addressOf = (app: FastifyInstance) => {
  const { address, port } = app.server.address() as AddressInfo
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}

async function startService(config: Config, parts: AppParts = {}): Promise<string> {
  tracing = await startTracing(process.env)
  if (tracing) running.push(tracing)
  const app = await buildApp(config, { ...parts, ...(tracing && { tracing }) })
  running.push(app)
  log = app.log
  // Before anybody can be told that it listens: from then on a stop is expected to be an orderly one.
  stopping = { graceMs: config.shutdownGraceSeconds * 1000, app }
  await app.listen({ host: config.host, port: config.port })
  await app.admin?.listen({ host: config.host, port: config.adminPort ?? 0 })
  return addressOf(app)
}

/**
 * The sandbox as the environment wants it: `SANDBOX_PRODUCTS` (1000), `SANDBOX_LATENCY_MS` (0) and
 * `SANDBOX_MOVES_PER_SECOND`, how often stock moves by itself.
 */
function newSandbox(movesPerSecond: number): Sandbox {
  const upstream = createSandbox({
    products: wholeNumber('SANDBOX_PRODUCTS', 1000),
    latencyMs: wholeNumber('SANDBOX_LATENCY_MS', 0),
    movesPerSecond: wholeNumber('SANDBOX_MOVES_PER_SECOND', movesPerSecond),
  })
  running.push(upstream)
  return upstream
}

function wholeNumber(name: string, fallback: number): number {
  const given = process.env[name]
  if (!given) return fallback
  if (/^\d{1,7}$/.test(given)) return Number(given)
  throw new ConfigError([`${name} is wrong: expected a whole number up to 9999999, but got ${JSON.stringify(given)}`])
}

async function sandbox(): Promise<void> {
  const upstream = newSandbox(0)
  const host = process.env.SANDBOX_HOST || '127.0.0.1'
  const address = await upstream.listen({ host, port: wholeNumber('SANDBOX_PORT', 3001) })
  const { SANDBOX_WEBHOOK_URL: webhookUrl, SANDBOX_WEBHOOK_SECRET: secret = sandboxWebhookSecret } = process.env
  if (webhookUrl) upstream.sendWebhooksTo(webhookUrl, [secret])
  say(
    `A stand-in for Trackstar, with invented data: ${address}`,
    'To run the service against it, in another terminal:',
    `  TRACKSTAR_BASE_URL=${address} TRACKSTAR_API_KEY=${upstream.credentials.apiKey} \\`,
    `  TRACKSTAR_ACCESS_TOKEN=${upstream.credentials.accessToken} AUTH_MODE=none npm start`,
    ...(webhookUrl ? [`Webhooks go to ${webhookUrl}, signed with ${secret}`] : []),
  )
}

async function demo(): Promise<void> {
  const upstream = newSandbox(1)
  const { apiKey, accessToken, connectionId } = upstream.credentials
  const config = readConfig({
    ...process.env,
    AUTH_MODE: 'none',
    LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
    TRACKSTAR_BASE_URL: await upstream.listen(),
    TRACKSTAR_API_KEY: apiKey,
    TRACKSTAR_ACCESS_TOKEN: accessToken,
    TRACKSTAR_CONNECTION_ID: connectionId,
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
  })
  const address = await startService(config, await prettyLog())
  upstream.sendWebhooksTo(`${address}/webhooks/trackstar`)
  const width = Math.max(...fixedSkus.map(({ sku }) => sku.length))
  say(
    '',
    'trackstar-bff runs against a sandbox with invented data; no account is needed.',
    'Anybody who reaches the port may ask (AUTH_MODE=none): this is a demo.',
    '',
    `  Swagger UI   ${address}/docs`,
    `  A stock      ${address}/products/GONGFU-SET/stock`,
    `  Changes      curl -N '${address}/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT'`,
    '',
    'More SKUs to try, and what they show:',
    ...fixedSkus.map(({ sku, shows }) => `  ${sku.padEnd(width)}  ${shows}`),
    '',
    'Ctrl-C ends it.',
  )
}

/** A log for people, where what writes it is installed. */
async function prettyLog(): Promise<AppParts> {
  const pretty = await import('pino-pretty').catch(() => undefined)
  return pretty
    ? { logTo: pretty.default({ ignore: 'pid,hostname', singleLine: true, translateTime: 'SYS:HH:MM:ss' }) }
    : {}
}

const say = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`)

/** The missing and wrong variables, a line each, and the way out for who only wants to look. */
function complain(error: ConfigError): void {
  process.stderr.write(
    `${[
      'trackstar-bff cannot start:',
      ...error.problems.map((line) => `  ${line}`),
      'No account at Trackstar? `npm run demo` shows the service with invented data.',
    ].join('\n')}\n`,
  )
}

const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  serve: async () => startService(readConfig(process.env)),
  demo,
  sandbox,
}

const command = commands[process.argv[2] ?? 'serve']
if (command === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exit(2)
}
command().catch((error: unknown) => {
  if (error instanceof ConfigError) complain(error)
  else pino().fatal(error, 'could not start')
  process.exit(1)
})
