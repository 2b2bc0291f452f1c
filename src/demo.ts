import type { AppOptions } from './app.js'
import { ConfigError, readConfig } from './config/config.js'
import { configWarnings, unknownVariables } from './config/warnings.js'
import { type Lifecycle, listenError, run } from './lifecycle.js'
import { fixedSkus } from './sandbox/fixed-catalog.js'
import { createSandbox, type Sandbox, sandboxWebhookSecret } from './sandbox/sandbox.js'

const usage = 'usage: node dist/demo.js [sandbox]'
const defaultPort = 3000

const sandboxVariables = [
  'SANDBOX_HOST',
  'SANDBOX_PORT',
  'SANDBOX_PRODUCTS',
  'SANDBOX_LATENCY_MS',
  'SANDBOX_MOVES_PER_SECOND',
  'SANDBOX_WEBHOOK_URL',
  'SANDBOX_WEBHOOK_SECRET',
] as const

/** The service and a sandbox behind it, in one process. */
async function demo(lifecycle: Lifecycle): Promise<void> {
  const sandbox = sandboxFromEnvironment(lifecycle, 1)
  const { apiKey, accessToken, connectionId } = sandbox.credentials
  const environment = {
    ...process.env,
    AUTH_MODE: 'none',
    LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
    TRACKSTAR_BASE_URL: await sandbox.listen(),
    TRACKSTAR_API_KEY: apiKey,
    TRACKSTAR_ACCESS_TOKEN: accessToken,
    TRACKSTAR_CONNECTION_ID: connectionId,
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
  }
  const warnings = configWarnings(environment, sandboxVariables)
  const address = await lifecycle.startService(readConfig(environment), warnings, await prettyLog())
  sandbox.sendWebhooksTo(`${address}/webhooks/trackstar`)
  const width = Math.max(...fixedSkus.map(({ sku }) => sku.length))
  print(
    '',
    'trackstar-bff is running against a sandbox with invented data. No Trackstar account is needed.',
    'No API key is needed either (AUTH_MODE=none).',
    '',
    `  Swagger UI    ${address}/docs`,
    `  Stock         ${address}/products/GONGFU-SET/stock`,
    `  Live changes  curl -N '${address}/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT'`,
    '',
    'SKUs to try, and what each one shows:',
    ...fixedSkus.map(({ sku, shows }) => `  ${sku.padEnd(width)}  ${shows}`),
    '',
    'Press Ctrl-C to stop.',
  )
}

/** A human-readable log; JSON if `pino-pretty`, a development dependency, is not installed. */
async function prettyLog(): Promise<AppOptions> {
  const pretty = await import('pino-pretty').catch(() => undefined)
  return pretty
    ? { logTo: pretty.default({ ignore: 'pid,hostname', singleLine: true, translateTime: 'SYS:HH:MM:ss' }) }
    : {}
}

/** The sandbox alone, and the command that starts the service against it. */
async function sandboxOnly(lifecycle: Lifecycle): Promise<void> {
  for (const { variable, nearest } of unknownVariables(process.env, sandboxVariables)) {
    process.stderr.write(`warning: unknown environment variable ${variable}, did you mean ${nearest}?\n`)
  }
  const sandbox = sandboxFromEnvironment(lifecycle, 0)
  const host = process.env.SANDBOX_HOST || '127.0.0.1'
  const port = wholeNumber('SANDBOX_PORT', 3001)
  const address = await sandbox.listen({ host, port }).catch((error: unknown) => {
    throw listenError(error, host, port, 'SANDBOX_PORT')
  })
  const webhookUrl = process.env.SANDBOX_WEBHOOK_URL
  const secret = process.env.SANDBOX_WEBHOOK_SECRET || sandboxWebhookSecret
  if (webhookUrl) sandbox.sendWebhooksTo(webhookUrl, [secret])
  const variables = {
    ...(webhookUrl && portVariable(webhookUrl)),
    TRACKSTAR_BASE_URL: address,
    TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
    TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
    TRACKSTAR_CONNECTION_ID: sandbox.credentials.connectionId,
    ...(webhookUrl && { TRACKSTAR_WEBHOOK_SECRET: secret }),
    AUTH_MODE: 'none',
  }
  print(
    `Sandbox upstream with invented data: ${address}`,
    webhookUrl
      ? `Webhooks go to ${webhookUrl}`
      : `Webhooks are off; SANDBOX_WEBHOOK_URL=http://127.0.0.1:${defaultPort}/webhooks/trackstar turns them on`,
    '',
    'To start the service against it, run in another terminal:',
    ...Object.entries(variables).map(([name, value]) => `  ${name}=${value} \\`),
    '  npm start',
  )
}

/** `PORT`, if the service would otherwise not listen where the webhooks go. */
function portVariable(webhookUrl: string): { PORT?: string } {
  const { port } = new URL(webhookUrl)
  return port === '' || Number(port) === defaultPort ? {} : { PORT: port }
}

function sandboxFromEnvironment(lifecycle: Lifecycle, movesPerSecond: number): Sandbox {
  const sandbox = createSandbox({
    products: wholeNumber('SANDBOX_PRODUCTS', 1000),
    latencyMs: wholeNumber('SANDBOX_LATENCY_MS', 0),
    movesPerSecond: wholeNumber('SANDBOX_MOVES_PER_SECOND', movesPerSecond),
  })
  lifecycle.closeOnStop(sandbox)
  return sandbox
}

function wholeNumber(name: (typeof sandboxVariables)[number], fallback: number): number {
  const text = process.env[name]
  if (!text) return fallback
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new ConfigError([`${name} is wrong: expected a whole number up to 9999999, but got ${JSON.stringify(text)}`])
}

const print = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`)

const commands: Readonly<Record<string, typeof demo>> = { demo, sandbox: sandboxOnly }
const command = commands[process.argv[2] ?? 'demo']
if (command === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exit(2)
}
run(command)
