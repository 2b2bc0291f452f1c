import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createSandbox, type Sandbox, type SandboxOptions } from '../src/sandbox/sandbox.js'

const main = join(import.meta.dirname, '..', 'src', 'main.js')

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The service in a process of its own. */
export interface SpawnedProcess {
  /** The log lines so far. */
  readonly log: readonly Record<string, unknown>[]
  /** Standard error so far. */
  readonly stderr: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  readonly exit: Promise<Exit>
  /** Waits until `condition` holds; checks it at each log line. Rejects if the process exits before. */
  readonly until: (condition: () => boolean) => Promise<void>
}

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** Starts `main.js` with no other environment than `environment`. Kills it when the test ends. */
export function spawnMain(
  t: Teardown,
  environment: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): SpawnedProcess {
  const child = spawn(process.execPath, [...nodeArguments, main], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: Record<string, unknown>[] = []
  let stderr = ''
  const read = createInterface(child.stdout).on('line', (line) => log.push(JSON.parse(line)))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exit = Promise.all([once(child, 'close'), once(read, 'close')]).then(([[code, signal]]) => ({ code, signal }))
  // Without a timeout but the test's own: a busy machine is slow to start a process.
  const until = async (condition: () => boolean) => {
    const exited = exit.then(() => 'exited' as const)
    while (!condition()) {
      if ((await Promise.race([once(read, 'line'), exited])) === 'exited' && !condition()) {
        throw new Error(`the process exited: ${stderr}${JSON.stringify(log)}`)
      }
    }
  }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return { log, stderr: () => stderr, signal: (signal) => void child.kill(signal), exit, until }
}

export interface SpawnedService extends SpawnedProcess {
  readonly sandbox: Sandbox
  readonly port: number
  /** 0 without `ADMIN_PORT`. */
  readonly adminPort: number
}

/** The service in a process of its own, on free ports, against a sandbox in this process. */
export async function spawnService(
  t: Teardown,
  environment: Readonly<Record<string, string>> = {},
  options: { readonly sandbox?: SandboxOptions; readonly nodeArguments?: readonly string[] } = {},
): Promise<SpawnedService> {
  const sandbox = createSandbox({ products: 200, readRate: 0, ...options.sandbox })
  t.teardown(() => sandbox.close())
  const spawned = spawnMain(
    t,
    {
      PORT: '0',
      TRACKSTAR_BASE_URL: await sandbox.listen(),
      TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
      TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
      TRACKSTAR_READ_RATE: '1000',
      AUTH_MODE: 'none',
      CATALOG_MODE: 'on-demand',
      ...environment,
    },
    options.nodeArguments,
  )
  const addresses = () => Object(spawned.log.find(({ msg }) => msg === 'started'))['addresses']
  await spawned.until(() => addresses() !== undefined)
  const { service, admin } = addresses()
  return { ...spawned, sandbox, port: portOf(service), adminPort: admin ? portOf(admin) : 0 }
}

const portOf = (address: string) => Number(new URL(address).port)
