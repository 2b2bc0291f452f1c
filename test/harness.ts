import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Logger } from 'pino'
import { buildApp } from '../src/app.js'
import { type Config, readConfig } from '../src/config/config.js'
import { isProblem, type Problem } from '../src/errors.js'
import type { Tracing } from '../src/http/tracing.js'
import chosenConnection, { type Connections } from '../src/routes/chosen-connection.js'
import type { InTurns } from '../src/routes/long-work.js'
import { createSandbox, type Sandbox, type SandboxOptions } from '../src/sandbox/sandbox.js'
import { runToEnd } from '../src/steps.js'
import type { Clock } from '../src/trackstar/clock.js'

/** A clock that moves only when advanced. It starts well above 0, which lru-cache takes for "not set". */
export class TestClock implements Clock {
  #ms = 1_700_000_000_000
  #wallAheadMs = 0
  readonly now = () => this.#ms + this.#wallAheadMs
  readonly elapsed = () => this.#ms

  advance(ms: number): void {
    this.#ms += ms
  }

  /** Sets the wall clock ahead, or back by a negative number; no time passes. */
  setWallClock(byMs: number): void {
    this.#wallAheadMs += byMs
  }
}

/** The real time with an offset, for tests that wait for timers. */
export class RunningClock implements Clock {
  #ahead = 0
  #wallAheadMs = 0
  readonly now = () => Date.now() + this.#ahead + this.#wallAheadMs
  readonly elapsed = () => performance.now() + this.#ahead

  advance(ms: number): void {
    this.#ahead += ms
  }

  /** Sets the wall clock ahead, or back by a negative number; no time passes. */
  setWallClock(byMs: number): void {
    this.#wallAheadMs += byMs
  }
}

/** Options of a test of the whole service. */
export interface ServiceOptions {
  /** Default: no rate limit and 100 products. */
  readonly sandbox?: SandboxOptions
  /** Environment variables besides the required ones. */
  readonly environment?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly logger?: Logger | ((config: Config) => Logger)
  readonly tracing?: Tracing
  /** As in `AppOptions`. */
  readonly preparesDocuments?: boolean
}

type Headers = Readonly<Record<string, string>>

export interface Service {
  readonly app: FastifyInstance
  readonly sandbox: Sandbox
  /** Sends a GET without a socket. */
  readonly get: (url: string, headers?: Headers) => Promise<LightMyRequestResponse>
  readonly post: (url: string, body: unknown, headers?: Headers) => Promise<LightMyRequestResponse>
  /** The calls upstream since the last time, as `GET /path?query`, without those for warehouses. */
  readonly newCalls: () => string[]
  /** Listens on a free loopback port, if not yet listening, and returns it. */
  readonly listen: () => Promise<number>
}

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** Starts the whole service against a sandbox on a loopback port; both stop with the test. */
export async function startService(t: Teardown, options: ServiceOptions = {}): Promise<Service> {
  const { clock, tracing, preparesDocuments } = options
  const sandbox = createSandbox({ products: 100, readRate: 0, ...options.sandbox })
  const config = readConfig({
    TRACKSTAR_BASE_URL: await sandbox.listen(),
    TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
    TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
    TRACKSTAR_READ_RATE: '1000',
    AUTH_MODE: 'none',
    CATALOG_MODE: 'on-demand',
    LOG_LEVEL: 'silent',
    ...options.environment,
  })
  const logger = typeof options.logger === 'function' ? options.logger(config) : options.logger
  const app = await buildApp(config, {
    ...(clock && { clock }),
    ...(logger && { logger }),
    ...(tracing && { tracing }),
    ...(preparesDocuments && { preparesDocuments }),
  })
  t.teardown(async () => {
    await app.close()
    await sandbox.close()
  })
  let seen = 0
  return {
    app,
    sandbox,
    get: (url, headers = {}) => app.inject({ method: 'GET', url, headers }),
    post: (url, body, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        payload: JSON.stringify(body),
      }),
    newCalls() {
      const calls = sandbox.calls.slice(seen).filter(({ path }) => path !== '/wms/warehouses')
      seen = sandbox.calls.length
      return calls.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`)
    },
    async listen() {
      if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
      return (app.server.address() as AddressInfo).port
    },
  }
}

/** A response read from a socket. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Writes the bytes of `request` on a new connection and reads the response until the connection ends. */
export async function overSocket(port: number, request: string): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  const [head = '', ...rest] = (await text(socket)).split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map(
    (line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')] as const,
  )
  return { status: Number(first.split(' ')[1]), headers: new Map(headers), body: rest.join('\r\n\r\n') }
}

/** Sends a GET with the exact target: nothing resolves dot segments or decodes it. */
export const getOverSocket = (port: number, target: string, headers = ''): Promise<RawAnswer> =>
  overSocket(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`)

/** Waits until a condition holds. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isSo()); await sleep(1)) {
    if (Date.now() > end) throw new Error('the condition did not hold within 20 s')
  }
}

/** Runs everything that is pending and needs no I/O. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The problem that `work` rejects with; undefined if it resolves. Other errors are rethrown. */
export async function problemOf(work: Promise<unknown>): Promise<Problem | undefined> {
  try {
    await work
  } catch (error) {
    if (isProblem(error)) return error
    throw error
  }
  return undefined
}

/** Lets every request ask `connection`, for routes without an application around them. */
export async function withConnection(app: FastifyInstance, connection: object): Promise<void> {
  const all = [connection]
  await app.register(chosenConnection, {
    connections: { all, groups: [], find: () => connection } as unknown as Connections,
  })
}

/** Runs the work of a request immediately, for routes without an application around them. */
export const inTurns: InTurns = (_request, _reply, { work }) => work(async (steps) => runToEnd(steps))
