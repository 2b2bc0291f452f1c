import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildApp } from '../src/app.js'
import { readConfig } from '../src/config.js'
import { createSandbox, type Sandbox, type SandboxOptions } from '../src/sandbox/sandbox.js'
import type { Clock } from '../src/trackstar/clock.js'

/** A clock that stands still until it is moved. It starts well above 0, which some caches take for "never". */
export class TestClock implements Clock {
  #ms = 1_700_000_000_000
  readonly now = () => this.#ms
  readonly elapsed = () => this.#ms

  advance(ms: number): void {
    this.#ms += ms
  }
}

/** What a test of the whole service may want otherwise. */
export interface ServiceOptions {
  /** The sandbox has no rate limit and 100 products, unless told otherwise. */
  readonly sandbox?: SandboxOptions
  /** Variables of the environment, beside those that are required. */
  readonly environment?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly logger?: Logger
}

export interface Service {
  readonly app: FastifyInstance
  readonly sandbox: Sandbox
  /** Asks the service without a socket. */
  readonly get: (url: string, headers?: Record<string, string>) => ReturnType<FastifyInstance['inject']>
  /** The calls that reached upstream since the last look, as `GET /path?query`; the list of warehouses apart. */
  readonly newCalls: () => string[]
}

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** The whole service against a sandbox on a loopback port; both end with the test. */
export async function startService(t: Teardown, options: ServiceOptions = {}): Promise<Service> {
  const { clock, logger } = options
  const sandbox = createSandbox({ products: 100, readRate: 0, ...options.sandbox })
  const config = readConfig({
    TRACKSTAR_BASE_URL: await sandbox.listen(),
    TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
    TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
    TRACKSTAR_READ_RATE: '1000',
    AUTH_MODE: 'none',
    LOG_LEVEL: 'silent',
    ...options.environment,
  })
  const app = await buildApp(config, { ...(clock && { clock }), ...(logger && { logger }) })
  t.teardown(async () => {
    await app.close()
    await sandbox.close()
  })
  let seen = 0
  return {
    app,
    sandbox,
    get: (url, headers = {}) => app.inject({ method: 'GET', url, headers }),
    newCalls() {
      const calls = sandbox.calls.slice(seen).filter(({ path }) => path !== '/wms/warehouses')
      seen = sandbox.calls.length
      return calls.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`)
    },
  }
}
