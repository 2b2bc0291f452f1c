import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppOptions } from './app.js'
import { ConfigError, readConfig } from './config/config.js'
import { integer } from './config/formats.js'
import { configWarnings, unknownVariables } from './config/warnings.js'
import { type Lifecycle, listenError, run } from './lifecycle.js'
import { partialSkus } from './sandbox/catalog-edition.js'
import { fixedSkus } from './sandbox/fixed-catalog.js'
import { createSandboxServer, type SandboxServer, sandboxWebhookSecret } from './sandbox/sandbox.js'
import { type SandboxVariable, sandboxVariables } from './sandbox/sandbox-variables.js'
import { severalConnections } from './sandbox/several-connections.js'

const usage = 'usage: node dist/demo.js [sandbox]'
const defaultPort = 3000
const sandboxNames = Object.values(sandboxVariables).map(({ name }) => name)
const group = 'all'

/** The service and a sandbox behind it, in one process. */
async function demo(lifecycle: Lifecycle): Promise<void> {
  const { server, names } = sandboxFromEnvironment(lifecycle, 1)
  const { apiKey, accessToken, connectionId } = server.connections[0].credentials
  const hasSeveral = names.length > 1
  const environment = {
    ...process.env,
    AUTH_MODE: 'none',
    LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
    TRACKSTAR_BASE_URL: await server.listen(),
    TRACKSTAR_API_KEY: apiKey,
    TRACKSTAR_ACCESS_TOKEN: hasSeveral ? undefined : accessToken,
    TRACKSTAR_CONNECTION_ID: hasSeveral ? undefined : connectionId,
    ...(hasSeveral && { CONNECTIONS_FILE: writeTemporary(connectionsFile(server, names)) }),
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
  }
  const warnings = configWarnings(environment, sandboxNames)
  const address = await lifecycle.startService(readConfig(environment), warnings, await prettyLog())
  for (const connection of server.connections) connection.sendWebhooksTo(`${address}/webhooks/trackstar`)
  const width = Math.max(...fixedSkus.map(({ sku }) => sku.length))
  print(
    '',
    'trackstar-bff is running against a sandbox with invented data. No Trackstar account is needed.',
    'No API key is needed either (AUTH_MODE=none).',
    '',
    `  Page          ${address}/ui`,
    `  Swagger UI    ${address}/docs`,
    ...(hasSeveral ? severalToTry(address, names) : oneToTry(address)),
    '',
    hasSeveral
      ? 'SKUs to try, and what each one shows in the connection one:'
      : 'SKUs to try, and what each one shows:',
    ...fixedSkus.map(({ sku, shows }) => `  ${sku.padEnd(width)}  ${shows}`),
    '',
    'Press Ctrl-C to stop.',
  )
}

const oneToTry = (address: string) => [
  `  Stock         ${address}/products/GONGFU-SET/stock`,
  `  Live changes  curl -N '${address}/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT'`,
]

const severalToTry = (address: string, names: readonly string[]) => [
  `  Stock         ${address}/products/GONGFU-SET/stock?connection=${names[0]}`,
  `  Combined      curl '${address}/products/GONGFU-SET/stock?connection=${group}'`,
  `  Live changes  curl -N '${address}/stock/events?sku=LIVE-JASMINE&connection=${group}'`,
  `  Connections   ${address}/connections`,
  '',
  `Connections: ${names.join(', ')}. The group ${group} is all of them. SKUs that not all of them have:`,
  ...partialSkus.map(({ sku, where }) => `  ${sku}: ${where.replaceAll('`', '')}`),
]

/** The content of `CONNECTIONS_FILE` for the connections of a sandbox. */
const connectionsFile = ({ connections }: SandboxServer, names: readonly string[]): string => {
  const entries = connections.map(({ credentials: { accessToken, connectionId } }, index) => ({
    name: names[index],
    access_token: accessToken,
    connection_id: connectionId,
  }))
  const lines = entries.map((entry) => `    ${JSON.stringify(entry)}`)
  return `{\n  "connections": [\n${lines.join(',\n')}\n  ],\n  "groups": [${JSON.stringify({ name: group, connections: names })}]\n}\n`
}

/** Writes a file that exists until the process ends, however it ends, and returns its path. */
function writeTemporary(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'trackstar-bff-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'connections.json')
  writeFileSync(path, content)
  return path
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
  for (const { variable, nearest } of unknownVariables(process.env, sandboxNames)) {
    process.stderr.write(`warning: unknown environment variable ${variable}, did you mean ${nearest}?\n`)
  }
  const { server, names } = sandboxFromEnvironment(lifecycle, 0)
  const host = textOf(sandboxVariables.host) || '127.0.0.1'
  const port = numberOf(sandboxVariables.port, 3001)
  const address = await server.listen({ host, port }).catch((error: unknown) => {
    throw listenError(error, host, port, sandboxVariables.port.name)
  })
  const webhookUrl = textOf(sandboxVariables.webhookUrl)
  const secret = textOf(sandboxVariables.webhookSecret) || sandboxWebhookSecret
  if (webhookUrl) for (const connection of server.connections) connection.sendWebhooksTo(webhookUrl, [secret])
  const { apiKey, accessToken, connectionId } = server.connections[0].credentials
  const hasSeveral = names.length > 1
  const variables = {
    ...(webhookUrl && portVariable(webhookUrl)),
    TRACKSTAR_BASE_URL: address,
    TRACKSTAR_API_KEY: apiKey,
    ...(hasSeveral
      ? { CONNECTIONS_FILE: 'connections.json' }
      : { TRACKSTAR_ACCESS_TOKEN: accessToken, TRACKSTAR_CONNECTION_ID: connectionId }),
    ...(webhookUrl && { TRACKSTAR_WEBHOOK_SECRET: secret }),
    AUTH_MODE: 'none',
  }
  print(
    `Sandbox upstream with invented data: ${address}`,
    webhookUrl
      ? `Webhooks go to ${webhookUrl}`
      : `Webhooks are off; SANDBOX_WEBHOOK_URL=http://127.0.0.1:${defaultPort}/webhooks/trackstar turns them on`,
    '',
    ...(hasSeveral ? ['Write this into connections.json:', connectionsFile(server, names)] : []),
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

/** A sandbox as the environment describes it, and the names of its connections. Throws if a variable is wrong. */
function sandboxFromEnvironment(lifecycle: Lifecycle, movesPerSecond: number) {
  const [first, ...others] = severalConnections(numberOf(sandboxVariables.connections, 1), {
    products: numberOf(sandboxVariables.products, 1000),
    latencyMs: numberOf(sandboxVariables.latencyMs, 0),
    movesPerSecond: numberOf(sandboxVariables.movesPerSecond, movesPerSecond),
  })
  const server = createSandboxServer([first.options, ...others.map(({ options }) => options)])
  lifecycle.closeOnStop(server)
  return { server, names: [first.name, ...others.map(({ name }) => name)] }
}

const textOf = ({ name }: SandboxVariable): string | undefined => process.env[name]

function numberOf(variable: SandboxVariable & Required<Pick<SandboxVariable, 'range'>>, fallback: number): number {
  const text = textOf(variable)
  if (!text) return fallback
  const { expected, parse } = integer(variable.range.min, variable.range.max)
  const value = parse(text)
  if (value !== undefined) return value
  throw new ConfigError([`${variable.name} is wrong: expected ${expected}, but got ${JSON.stringify(text)}`])
}

const print = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`)

const commands: Readonly<Record<string, typeof demo>> = { demo, sandbox: sandboxOnly }
const command = commands[process.argv[2] ?? 'demo']
if (command === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exit(2)
}
run(command)
