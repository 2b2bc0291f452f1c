import { setTimeout as sleep } from 'node:timers/promises'
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js'
import { RedisServer } from '../shared-state/redis-server.js'
import { type SpawnedProcess, spawnMain } from '../spawned.js'

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** One replica, in a process of its own. */
export interface Replica extends SpawnedProcess {
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  readonly address: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what a body has is what a test is about
  readonly body: any
}

export interface ReplicatedService {
  readonly sandbox: Sandbox
  readonly redis: RedisServer
  readonly replicas: readonly Replica[]
  /** Starts one more replica. */
  readonly add: () => Promise<Replica>
}

/** Several replicas of the service in processes of their own, on one Redis server, against a sandbox in this process. */
export async function startReplicas(
  t: Teardown,
  count: number,
  environment: Readonly<Record<string, string>> = {},
  options: SandboxOptions = {},
): Promise<ReplicatedService> {
  const sandbox = createSandbox({ products: 200, ...options })
  t.teardown(() => sandbox.close())
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const baseUrl = await sandbox.listen()
  const add = async (): Promise<Replica> => {
    const spawned = spawnMain(t, {
      PORT: '0',
      TRACKSTAR_BASE_URL: baseUrl,
      TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
      TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
      TRACKSTAR_CONNECTION_ID: sandbox.credentials.connectionId,
      AUTH_MODE: 'none',
      CATALOG_MODE: 'on-demand',
      SHUTDOWN_GRACE_SECONDS: '1',
      REDIS_URL: redis.url,
      ...environment,
    })
    const started = () => spawned.log.find(({ msg }) => msg === 'started')
    await spawned.until(() => started() !== undefined)
    const address = Object(started())['addresses'].service
    const send = async (path: string, init: RequestInit): Promise<Answer> => {
      const reply = await fetch(address + path, init)
      const text = await reply.text()
      return { status: reply.status, headers: reply.headers, body: text === '' ? undefined : JSON.parse(text) }
    }
    return {
      ...spawned,
      address,
      get: (path, headers = {}) => send(path, { headers }),
      post: (path, body, headers = {}) =>
        send(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        }),
    }
  }
  const replicas = await Promise.all(Array.from({ length: count }, add))
  await eventually(async () => (await seen(replicas)).every((state) => state?.count === count && state.redis === 'ok'))
  return { sandbox, redis, replicas, add }
}

/** What each replica says of the replicas. */
export const seen = (
  replicas: readonly Replica[],
): Promise<({ id: string; count: number; redis: 'ok' | 'down' } | null)[]> =>
  Promise.all(replicas.map(async ({ get }) => (await get('/status')).body.replicas))

/** Waits until `isTrue` holds; the test's own timeout bounds it. */
export async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50)
}
