/** What a benchmark runs on: the sandbox and the built service in their own processes, and a client pool in this one. */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { nodeOptions } from './everything-on.js'
import type { LoopDelay } from './loop-delay.js'
import type { Command, Report } from './sandbox-process.js'

export interface Harness {
  readonly origin: string
  readonly client: Pool
  readonly plainSku: string
  /** The process id of the service. */
  readonly pid: number
  command(command: Command): Promise<Report>
  /** Resident memory of the service in MB. */
  residentMb(): Promise<number>
  metrics(): Promise<string>
  /** How long the service's event loop was held since the last call. */
  loopDelay(): Promise<LoopDelay>
  /** Sends SIGTERM to the service and returns its exit code. */
  stop(): Promise<number | null>
  close(): Promise<void>
}

export interface HarnessOptions {
  readonly sandbox?: Readonly<Record<string, string>>
  readonly service?: Readonly<Record<string, string>>
  /** Options of Node for the service. */
  readonly flags?: readonly string[]
  readonly connections?: number
  /** The folder of a built checkout whose service is measured; default: this one. */
  readonly checkout?: string | undefined
}

const ownCheckout = fileURLToPath(new URL('../..', import.meta.url))

/** Starts both and waits until the service answers. */
export async function startHarness({
  sandbox = {},
  service = {},
  flags = [],
  connections = 64,
  checkout = ownCheckout,
}: HarnessOptions = {}): Promise<Harness> {
  const upstream = fork(fileURLToPath(new URL('./sandbox-process.js', import.meta.url)), {
    env: { ...process.env, ...sandbox },
  })
  const first = (await once(upstream, 'message'))[0] as Report
  const probe = `--import=${new URL('./loop-delay.js', import.meta.url).href}`
  const main = join(checkout, 'dist/main.js')
  const server = spawn(process.execPath, [...nodeOptions, probe, ...flags, main], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...process.env,
      PORT: '0',
      LOG_LEVEL: 'info',
      AUTH_MODE: 'none',
      // The whole load comes from one client.
      CLIENT_RATE_LIMIT: '0',
      CATALOG_MODE: 'on-demand',
      TRACKSTAR_BASE_URL: first.address,
      TRACKSTAR_API_KEY: first.apiKey,
      TRACKSTAR_ACCESS_TOKEN: first.accessToken,
      ...service,
    },
  })
  const log = server.stdout as Readable
  const origin = await listening(log)
  log.resume()
  async function stop(): Promise<number | null> {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    return (await ended)[0]
  }
  const client = new Pool(origin, { connections, pipelining: 1 })
  return {
    origin,
    client,
    plainSku: first.plainSku,
    pid: server.pid ?? 0,
    async command(command) {
      upstream.send(command)
      return (await once(upstream, 'message'))[0] as Report
    },
    residentMb: async () => {
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
    },
    metrics: async () => (await client.request({ path: '/metrics', method: 'GET' })).body.text(),
    async loopDelay() {
      server.send('report')
      return (await once(server, 'message'))[0] as LoopDelay
    },
    stop,
    async close() {
      await client.destroy()
      if (server.exitCode === null && server.signalCode === null) await stop()
      const ended = once(upstream, 'exit')
      upstream.disconnect()
      await ended
    },
  }
}

/** Waits for the address that the service logs. */
async function listening(log: Readable): Promise<string> {
  let text = ''
  for await (const chunk of log.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const address = /listening at (http:\/\/[\d.:]+)/.exec(text)?.[1]
    if (address) return address
  }
  throw new Error(`the service did not start: ${text}`)
}
