import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import { buildApp } from '../src/app.js'
import { type Config, readConfig } from '../src/config/config.js'
import {
  createSandboxServer,
  type SandboxData,
  type SandboxOptions,
  type ServedConnection,
} from '../src/sandbox/sandbox.js'
import type { ServiceOptions } from './harness.js'

/** What a test says of one connection, besides its name. */
export interface GivenConnection {
  readonly sandbox?: SandboxOptions
  /** Fields of the file; `access_token` and `connection_id` are those with which its sandbox starts. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** What the names of all its records end with. */
  readonly mark?: string
}

/** The names of the connections of each group. */
export type Groups = Readonly<Record<string, readonly string[]>>

interface Teardown {
  readonly teardown: (fn: () => unknown) => unknown
}

/** Trackstar with one token for each connection. */
export interface ManyUpstreams {
  readonly url: string
  readonly sandboxes: ReadonlyMap<string, ServedConnection>
  readonly sandbox: (name: string) => ServedConnection
  /** From now on, the connection accepts this token, and no longer the one before. */
  readonly setToken: (name: string, token: string) => void
  /** Ends Trackstar, and every call in flight. */
  readonly close: () => Promise<void>
  /** Path of a file with the connections. */
  readonly file: string
  /** Writes the file. Default: all connections and groups as they were given. */
  readonly write: (content?: unknown) => Promise<void>
  /** An entry of the file. */
  readonly entry: (name: string) => Record<string, unknown>
}

export const apiKey = 'sandbox-api-key'

export async function startUpstreams(
  t: Teardown,
  given: Readonly<Record<string, GivenConnection>>,
  groups: Groups = {},
): Promise<ManyUpstreams> {
  const entries = Object.entries(given)
  const options = entries.map(([name, { sandbox }]) => ({
    products: 60,
    readRate: 0,
    apiKey,
    accessToken: `token-of-${name}`,
    connectionId: `conn_${name}`,
    ...sandbox,
  }))
  const server = createSandboxServer(options as [SandboxOptions, ...SandboxOptions[]])
  const sandboxes = new Map<string, ServedConnection>()
  for (const [index, [name, { mark }]] of entries.entries()) {
    const sandbox = server.connections[index] as ServedConnection
    const { products, inventory, warehouses } = sandbox.data
    for (const records of [products, inventory, warehouses]) {
      for (const record of records.values()) if (mark !== undefined) record.name = `${record.name} ${mark}`
    }
    sandboxes.set(name, sandbox)
  }
  const url = await server.listen()
  t.teardown(() => server.close())
  const folder = await mkdtemp(join(tmpdir(), 'connections-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'connections.json')
  const first = new Map(entries.map(([name], index) => [name, { ...server.connections[index]?.credentials }]))
  const entry = (name: string) => ({
    name,
    access_token: first.get(name)?.accessToken,
    connection_id: first.get(name)?.connectionId,
    ...given[name]?.fields,
  })
  const all = {
    connections: Object.keys(given).map(entry),
    groups: Object.entries(groups).map(([name, connections]) => ({ name, connections })),
  }
  const write = (content: unknown = all) =>
    writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  await write()
  const sandbox = (name: string) => {
    const found = sandboxes.get(name)
    if (found === undefined) throw new Error(`expected the name of a connection, but got ${name}`)
    return found
  }
  return {
    url,
    sandboxes,
    sandbox,
    setToken(name, token) {
      sandbox(name).credentials.accessToken = token
    },
    close: () => server.close(),
    file,
    write,
    entry,
  }
}

/** The environment of a service of these upstreams. */
export const environmentOf = (upstreams: ManyUpstreams): Record<string, string> => ({
  TRACKSTAR_BASE_URL: upstreams.url,
  TRACKSTAR_API_KEY: apiKey,
  TRACKSTAR_READ_RATE: '1000',
  CONNECTIONS_FILE: upstreams.file,
  AUTH_MODE: 'none',
  CATALOG_MODE: 'on-demand',
  LOG_LEVEL: 'silent',
})

type Headers = Readonly<Record<string, string>>

/** Starts a service with several connections; it and its upstreams stop with the test. */
export async function startConnections(
  t: Teardown,
  given: Readonly<Record<string, GivenConnection>>,
  {
    environment,
    clock,
    logger,
    groups,
  }: Pick<ServiceOptions, 'environment' | 'clock' | 'logger'> & { readonly groups?: Groups } = {},
) {
  const upstreams = await startUpstreams(t, given, groups)
  const config: Config = readConfig({ ...environmentOf(upstreams), ...environment })
  const log = typeof logger === 'function' ? logger(config) : logger
  const app = await buildApp(config, { ...(clock && { clock }), ...(log && { logger: log }) })
  await app.ready()
  t.teardown(() => app.close())
  const get = (url: string, headers: Headers = {}): Promise<LightMyRequestResponse> =>
    app.inject({ method: 'GET', url, headers })
  const post = (url: string, body: object, headers: Headers = {}): Promise<LightMyRequestResponse> =>
    app.inject({ method: 'POST', url, headers, payload: body })
  return { ...upstreams, app, get, post, keyed: (key: string) => ({ 'x-api-key': key }) }
}

/** Gives all warehouses other ids, so that no other connection has one of them. */
export function prefixWarehouses({ warehouses, inventory }: SandboxData, prefix: string): void {
  for (const [id, warehouse] of [...warehouses]) {
    warehouses.delete(id)
    warehouses.set(prefix + id, { ...warehouse, id: prefix + id })
  }
  for (const item of inventory.values()) {
    const breakdown = Object.entries(item.inventory_by_warehouse_id ?? {})
    item.inventory_by_warehouse_id = Object.fromEntries(breakdown.map(([id, numbers]) => [prefix + id, numbers]))
  }
}
