import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { ConcurrencyLimit, SlotShare } from './cache/concurrency-limit.js'
import { createCacheMemory } from './cache/record-cache.js'
import { SharedMemory } from './cache/shared-memory.js'
import type { Config } from './config/config.js'
import type { ConnectionConfig } from './config/connections-file.js'
import { type Connection, type ConnectionSettings, createConnection } from './connection.js'
import type { Metrics } from './http/metrics.js'
import { LoadTurns } from './mirror/load-turns.js'
import type { Clock } from './trackstar/clock.js'

export interface ConnectionRegistryOptions {
  readonly settings: ConnectionSettings & Pick<Config, 'cacheMaxMb'>
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  readonly metrics: Pick<Metrics, 'forConnection'>
}

/** Most requests that wait for upstream at a time. */
const maxWaitingRequests = 2000
/** Most first loads that run at a time. */
const maxFirstLoads = 4

/** The connections of the service, by name. Each is made, started and stopped as one. */
export class ConnectionRegistry {
  readonly #byName: ReadonlyMap<string, Connection>
  readonly #memory: ReturnType<typeof createCacheMemory>
  readonly #stockMemory: SharedMemory
  readonly #waiting = new ConcurrencyLimit(maxWaitingRequests)
  readonly #loadTurns = new LoadTurns(maxFirstLoads)

  constructor(
    connections: readonly ConnectionConfig[],
    private readonly options: ConnectionRegistryOptions,
  ) {
    const maxBytes = options.settings.cacheMaxMb * 1_000_000
    const memory = createCacheMemory(maxBytes)
    this.#memory = memory
    this.#stockMemory = new SharedMemory(() => Math.min(maxBytes / 8, maxBytes - memory.records.bytes))
    this.#byName = new Map(connections.map((config) => [config.name, this.#create(config)]))
  }

  /** The connections in the order of the configuration. */
  get all(): readonly Connection[] {
    return [...this.#byName.values()]
  }

  /** The connection, if there is no other. */
  get only(): Connection | undefined {
    return this.#byName.size === 1 ? this.all[0] : undefined
  }

  find(name: string): Connection | undefined {
    return this.#byName.get(name)
  }

  /** The connection with this id at Trackstar. */
  findById(connectionId: string): Connection | undefined {
    return this.all.find(({ state }) => state.connectionId === connectionId)
  }

  start(): void {
    for (const connection of this.all) connection.start()
  }

  stop(): void {
    for (const connection of this.all) connection.stop()
  }

  #create(config: ConnectionConfig): Connection {
    const { settings, dispatcher, clock, log, metrics } = this.options
    return createConnection(settings, config, {
      dispatcher,
      clock,
      log: log.child({ connection: config.name }),
      metrics: metrics.forConnection(config.name),
      shared: {
        memory: this.#memory,
        stockMemory: this.#stockMemory,
        // Requests that wait for one of several connections leave half of the slots to the others.
        waiting: new SlotShare(this.#waiting, () => (this.only ? maxWaitingRequests : maxWaitingRequests / 2)),
        loadTurns: this.#loadTurns,
      },
    })
  }
}
