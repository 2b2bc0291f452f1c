import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { ConcurrencyLimit, SlotShare } from './cache/concurrency-limit.js'
import { createCacheMemory } from './cache/record-cache.js'
import { SharedMemory } from './cache/shared-memory.js'
import type { Config } from './config/config.js'
import type { ConnectionConfig, ConnectionsFile } from './config/connections-file.js'
import { type Connection, type ConnectionSettings, createConnection } from './connection.js'
import { formGroup, type Group } from './connection-group.js'
import type { ReaderCount } from './events/event-readers.js'
import { keepOutOfLog } from './http/logging.js'
import type { Metrics } from './http/metrics.js'
import { LoadTurns } from './mirror/load-turns.js'
import type { SharedState } from './shared-state/shared-state.js'
import type { Clock } from './trackstar/clock.js'

export interface ConnectionRegistryOptions {
  readonly settings: ConnectionSettings & Pick<Config, 'cacheMaxMb'>
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  readonly metrics: Pick<Metrics, 'forConnection' | 'forget'>
  readonly sharedState: Pick<SharedState, 'forConnection'>
}

/** Most requests that wait for upstream at a time. */
const maxWaitingRequests = 2000
/** Most first loads that run at a time. */
const maxFirstLoads = 4

/** What {@link ConnectionRegistry.apply} has changed, by name. */
export interface ConnectionChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Made anew, because more than the token has changed. */
  readonly replaced: readonly string[]
  /** Use another token. */
  readonly rekeyed: readonly string[]
  /** Groups that are gone, new, or of other connections than before. */
  readonly regrouped: readonly string[]
}

interface Registered {
  readonly config: ConnectionConfig
  readonly connection: Connection
}

/** The connections and groups of the service, by name. Each connection is made, started, replaced and stopped as one. */
export class ConnectionRegistry {
  #byName: ReadonlyMap<string, Registered> = new Map()
  #byId: ReadonlyMap<string, Connection> = new Map()
  #all: readonly Connection[] = []
  #groups: readonly Group[] = []
  #isStarted = false
  readonly #memory: ReturnType<typeof createCacheMemory>
  /** Limits the memory of serialised stocks. */
  readonly stockMemory: SharedMemory
  readonly #waiting = new ConcurrencyLimit(maxWaitingRequests)
  readonly #loadTurns = new LoadTurns(maxFirstLoads)
  readonly #readers: ReaderCount = { total: 0 }

  constructor(
    file: ConnectionsFile,
    private readonly options: ConnectionRegistryOptions,
  ) {
    const maxBytes = options.settings.cacheMaxMb * 1_000_000
    const memory = createCacheMemory(maxBytes)
    this.#memory = memory
    this.stockMemory = new SharedMemory(() => Math.min(maxBytes / 8, maxBytes - memory.records.bytes))
    this.apply(file)
  }

  /** The connections in the order of the configuration. */
  get all(): readonly Connection[] {
    return this.#all
  }

  /** The groups in the order of the configuration. */
  get groups(): readonly Group[] {
    return this.#groups
  }

  /**
   * Adds, removes, replaces and re-keys connections, so that they are these, and forms these groups. A connection of which
   * only the token has changed keeps what it has cached; the others that have changed are made anew.
   */
  apply({ connections, groups }: ConnectionsFile): ConnectionChanges {
    const changes = {
      added: [] as string[],
      removed: [] as string[],
      replaced: [] as string[],
      rekeyed: [] as string[],
      regrouped: [] as readonly string[],
    }
    const before = this.#byName
    const names = new Set(connections.map(({ name }) => name))
    for (const [name, { connection }] of before) {
      if (names.has(name)) continue
      this.#remove(connection)
      changes.removed.push(name)
    }
    const after = new Map<string, Registered>()
    const added: Connection[] = []
    for (const config of connections) {
      const { name } = config
      const known = before.get(name)
      if (known !== undefined && isSameButToken(known.config, config)) {
        after.set(name, { config, connection: known.connection })
        if (known.config.accessToken === config.accessToken) continue
        keepOutOfLog(this.options.log, [config.accessToken])
        known.connection.setAccessToken(config.accessToken)
        changes.rekeyed.push(name)
        continue
      }
      known?.connection.stop()
      const connection = this.#create(config)
      after.set(name, { config, connection })
      added.push(connection)
      changes[known === undefined ? 'added' : 'replaced'].push(name)
    }
    this.#byName = after
    this.#byId = new Map(
      Array.from(after.values()).flatMap(({ config, connection }) =>
        config.connectionId === undefined ? [] : [[config.connectionId, connection] as const],
      ),
    )
    this.#all = Array.from(after.values(), ({ connection }) => connection)
    changes.regrouped = this.#formGroups(groups)
    if (this.#isStarted) for (const connection of added) connection.start()
    return changes
  }

  /** The connection, if there is no other. */
  get only(): Connection | undefined {
    return this.#all.length === 1 ? this.#all[0] : undefined
  }

  /** The connection or group with this name. */
  find(name: string): Connection | Group | undefined {
    return this.#byName.get(name)?.connection ?? this.#groups.find((group) => group.name === name)
  }

  /** The connection with this id at Trackstar. */
  findById(connectionId: string): Connection | undefined {
    return this.#byId.get(connectionId)
  }

  start(): void {
    this.#isStarted = true
    for (const connection of this.all) connection.start()
  }

  stop(): void {
    for (const group of this.#groups) group.stop()
    for (const connection of this.all) connection.stop()
  }

  /**
   * A group that has the same connections as before goes on, and so do its event streams.
   * @returns the names of the others
   */
  #formGroups(groups: ConnectionsFile['groups']): readonly string[] {
    const changed = new Set<string>()
    const before = new Map(this.#groups.map((group) => [group.name, group]))
    this.#groups = groups.map(({ name, connections }) => {
      const members = connections.flatMap((member) => this.#byName.get(member)?.connection ?? [])
      const known = before.get(name)
      const isSame = known?.members.length === members.length && members.every((one, n) => one === known.members[n])
      if (known === undefined || !isSame) {
        changed.add(name)
        return formGroup(name, members, this.#readers)
      }
      before.delete(name)
      return known
    })
    for (const group of before.values()) {
      group.stop()
      changed.add(group.name)
    }
    return [...changed]
  }

  #create(config: ConnectionConfig): Connection {
    const { settings, dispatcher, clock, log, metrics, sharedState } = this.options
    keepOutOfLog(log, [config.accessToken])
    return createConnection(settings, config, {
      dispatcher,
      clock,
      log: log.child({ connection: config.name }),
      metrics: metrics.forConnection(config.name),
      sharedState: sharedState.forConnection(config),
      shared: {
        memory: this.#memory,
        stockMemory: this.stockMemory,
        // Requests that wait for one of several connections leave half of the slots to the others.
        waiting: new SlotShare(this.#waiting, () => (this.only ? maxWaitingRequests : maxWaitingRequests / 2)),
        loadTurns: this.#loadTurns,
        readers: this.#readers,
      },
    })
  }

  #remove(connection: Connection): void {
    connection.stop()
    this.options.metrics.forget(connection.name).catch((error: unknown) => {
      this.options.log.error({ err: error, connection: connection.name }, 'metrics of a removed connection remain')
    })
  }
}

const isSameButToken = (a: ConnectionConfig, b: ConnectionConfig): boolean =>
  a.connectionId === b.connectionId &&
  a.readRate === b.readRate &&
  a.writeRate === b.writeRate &&
  a.catalogMode === b.catalogMode
