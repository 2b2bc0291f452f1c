import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createSandbox, type Sandbox, type SandboxOptions } from '../src/sandbox/sandbox.js'

const main = join(import.meta.dirname, '..', 'src', 'main.js')

/** How a process has ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The service in a process of its own. */
export interface SpawnedProcess {
  /** The lines of its log so far. */
  readonly log: readonly Record<string, unknown>[]
  /** What it has said on standard error so far. */
  readonly complaint: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  readonly ended: Promise<End>
  /** Waits until the log shows that something is so. */
  readonly until: (isTold: () => boolean) => Promise<void>
}

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** Starts `main.js` with nothing but `environment`; killed with the test if it still runs then. */
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
  let complaint = ''
  const read = createInterface(child.stdout).on('line', (line) => log.push(JSON.parse(line)))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const ended = Promise.all([once(child, 'close'), once(read, 'close')]).then(([[code, signal]]) => ({ code, signal }))
  // As long as the test may take: a busy machine is slow to start a process.
  const until = async (isTold: () => boolean) => {
    const over = ended.then(() => 'over' as const)
    while (!isTold()) {
      if ((await Promise.race([once(read, 'line'), over])) === 'over' && !isTold()) {
        throw new Error(`it has ended: ${complaint}${JSON.stringify(log)}`)
      }
    }
  }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { log, complaint: () => complaint, signal: (signal) => void child.kill(signal), ended, until }
}

export interface SpawnedService extends SpawnedProcess {
  readonly sandbox: Sandbox
  readonly port: number
  /** 0 without `ADMIN_PORT`. */
  readonly adminPort: number
}

/** The service in a process of its own, listening on free ports, against a sandbox in this one. */
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
  const ports = () =>
    spawned.log.flatMap(({ msg }) => /^Server listening at .*:(\d+)$/.exec(String(msg))?.[1] ?? []).map(Number)
  await spawned.until(() => ports().length === (environment['ADMIN_PORT'] ? 2 : 1))
  const [port = 0, adminPort = 0] = ports()
  return { ...spawned, sandbox, port, adminPort }
}
