import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import tap, { type Test } from 'tap'
import { createSandbox, sandboxWebhookSecret } from '../../../src/sandbox/sandbox.js'
import { severalConnections } from '../../../src/sandbox/several-connections.js'
import { version } from '../../../src/version.js'
import { getOverSocket } from '../../harness.js'
import { spawnMain, spawnService } from '../../spawned.js'

const required = { PORT: '0', TRACKSTAR_API_KEY: 'k3y-of-the-organisation', TRACKSTAR_ACCESS_TOKEN: 't0ken' }
const apiKey = 'a-key-long-enough-not-to-be-warned-of'

tap.jobs = 2

/** Runs beside the other tests: most of the time goes into starting processes. */
const concurrently = (name: string, test: (t: Test) => Promise<void>) => tap.test(name, { buffered: true }, test)

concurrently('refuses to start without keys, and says what to set', async (t) => {
  const { exit, stderr, output } = spawnMain(t, required)
  t.strictSame(await exit, { code: 1, signal: null })
  const lines = stderr().split('\n')
  t.equal(lines.filter((line) => line.includes('API_KEYS')).length, 1)
  t.match(stderr(), /^ {2}API_KEYS is missing: expected name:key .*; or AUTH_MODE=none, to let every caller in$/m)
  t.notMatch(stderr(), /k3y|t0ken|^ +at /m, 'neither secrets nor a stack')
  t.equal(output(), stderr(), 'nothing on standard output')
})

concurrently('logs its settings in one line, then warnings, and names PORT when the port is taken', async (t) => {
  const keys = { AUTH_MODE: '', API_KEYS: `shop:${apiKey},office:hunter2` }
  const environment = { ...keys, ADMIN_PORT: '0', CACHE_TTL: '5', TRACKSTAR_CONNECTION_ID: 'conn_sandbox' }
  const { port, adminPort, log, sandbox } = await spawnService(t, {
    ...environment,
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
  })
  t.equal((await getOverSocket(port, '/products/CUP/stock')).status, 401)
  t.equal((await getOverSocket(port, '/products/CUP/stock', `Authorization: Bearer ${apiKey}\r\n`)).status, 200)
  const service = `http://127.0.0.1:${port}`
  t.match(
    log.find(({ msg }) => msg === 'started'),
    {
      level: 30,
      version,
      mode: 'on-demand',
      connections: 1,
      auth: 'api-key',
      keys: 2,
      webhooks: true,
      upstream: `http://${sandbox.calls[0]?.headers.host}`,
      addresses: { service, docs: `${service}/docs`, admin: `http://127.0.0.1:${adminPort}` },
    },
  )
  t.match(
    log.filter(({ level }) => level === 40),
    [
      { msg: 'API key is shorter than 16 characters', caller: 'office', characters: 7 },
      { msg: 'unknown environment variable', variable: 'CACHE_TTL', nearest: 'CACHE_TTL_SECONDS' },
    ],
  )
  t.notMatch(JSON.stringify(log), /hunter2/)
  const second = spawnMain(t, { ...required, ...keys, PORT: String(port) })
  t.strictSame(await second.exit, { code: 1, signal: null })
  t.equal(
    second.stderr(),
    `trackstar-bff cannot start: port ${port} on 127.0.0.1 is already in use: set PORT to another port\n`,
  )
  t.strictSame(second.log, [])
})

/** Runs `dist/demo.js sandbox` until it has printed its command or exited. */
async function runSandbox(t: Test, environment: Readonly<Record<string, string>>) {
  const script = join(import.meta.dirname, '..', '..', '..', 'src', 'demo.js')
  const child = spawn(process.execPath, [script, 'sandbox'], {
    env: { SANDBOX_PORT: '0', SANDBOX_PRODUCTS: '20', ...environment },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const stderr = text(child.stderr)
  let stdout = ''
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    stdout += String(chunk)
    if (stdout.includes('npm start')) break
  }
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  const variables = Object.fromEntries(
    Array.from(stdout.matchAll(/^ {2}(\w+)=(.*) \\$/gm), ([, name, value]) => [name, value]),
  )
  return { code, variables, stdout, stderr: await stderr }
}

concurrently('the sandbox prints the command that starts the service against it', async (t) => {
  const url = 'http://127.0.0.1:8080/webhooks/trackstar'
  const [silent, sending] = await Promise.all([
    runSandbox(t, { SANDBOX_PORTT: '1' }),
    runSandbox(t, { SANDBOX_WEBHOOK_URL: url }),
  ])
  t.strictSame([silent.code, sending.code], [0, 0])
  const credentials = {
    TRACKSTAR_API_KEY: 'sandbox-api-key',
    TRACKSTAR_ACCESS_TOKEN: 'sandbox-access-token',
    TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
    AUTH_MODE: 'none',
  }
  t.match(silent.variables, { ...credentials, TRACKSTAR_BASE_URL: /^http:\/\/127\.0\.0\.1:\d+$/ })
  t.notOk(silent.variables['TRACKSTAR_WEBHOOK_SECRET'])
  t.match(silent.stderr, 'unknown environment variable SANDBOX_PORTT, did you mean SANDBOX_PORT?')
  t.match(sending.variables, { ...credentials, PORT: '8080', TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret })
  t.match(sending.stdout, `Webhooks go to ${url}`)
  t.equal(sending.stderr, '')
})

concurrently('the sandbox prints the connections file of several connections', async (t) => {
  const { code, variables, stdout } = await runSandbox(t, { SANDBOX_CONNECTIONS: '3' })
  t.equal(code, 0)
  const [, file = ''] = /into connections\.json:\n(.*?\n\}\n)/s.exec(stdout) ?? []
  const connections = severalConnections(3).map(({ name, options }) => {
    const { accessToken, connectionId } = createSandbox({ ...options, products: 0 }).credentials
    return { name, access_token: accessToken, connection_id: connectionId }
  })
  t.strictSame(JSON.parse(file), { connections, groups: [{ name: 'all', connections: ['one', 'two', 'three'] }] })
  t.match(variables, { CONNECTIONS_FILE: 'connections.json', TRACKSTAR_API_KEY: 'sandbox-api-key' })
  t.notOk('TRACKSTAR_ACCESS_TOKEN' in variables)
})
