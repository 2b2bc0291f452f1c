import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createSandbox, type Sandbox, type SandboxOptions } from '../src/sandbox/sandbox.js'

const src = join(import.meta.dirname, '..', 'src')

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A script of the service in a process of its own. */
export interface SpawnedProcess {
  /** The log lines so far: lines of standard output that are JSON. */
  readonly log: readonly Record<string, unknown>[]
  /** Standard error so far. */
  readonly stderr: () => string
  /** Standard output and standard error so far. */
  readonly output: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  readonly exit: Promise<Exit>
  /** Waits until `condition` holds; checks it at each log line. Rejects if the process exits before. */
  readonly until: (condition: () => boolean) => Promise<void>
}

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

interface SpawnOptions {
  /** Default `main`. */
  readonly script?: 'main' | 'demo'
  readonly nodeArguments?: readonly string[]
}

/** Starts a script with no other environment than `environment`. Kills it when the test ends. */
export function spawnMain(
  t: Teardown,
  environment: Readonly<Record<string, string>>,
  { script = 'main', nodeArguments = [] }: SpawnOptions = {},
): SpawnedProcess {
  const child = spawn(process.execPath, [...nodeArguments, join(src, `${script}.js`)], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: Record<string, unknown>[] = []
  let stderr = ''
  let output = ''
  const read = createInterface(child.stdout).on('line', (line) => {
    output += `${line}\n`
    const entry = parseJson(line)
    if (entry) log.push(entry)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    output += text
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
  return { log, stderr: () => stderr, output: () => output, signal: (signal) => void child.kill(signal), exit, until }
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
  options: SpawnOptions & { readonly sandbox?: SandboxOptions } = {},
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
    options,
  )
  const addresses = () => Object(spawned.log.find(({ msg }) => msg === 'started'))['addresses']
  await spawned.until(() => addresses() !== undefined)
  const { service, admin } = addresses()
  return { ...spawned, sandbox, port: portOf(service), adminPort: admin ? portOf(admin) : 0 }
}

/** Undefined for a line that is not a JSON object. */
function parseJson(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const portOf = (address: string) => Number(new URL(address).port)
