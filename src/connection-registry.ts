import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import type { ConnectionConfig } from './config/config.js'
import { type Connection, type ConnectionSettings, createConnection } from './connection.js'
import type { Metrics } from './http/metrics.js'
import type { Clock } from './trackstar/clock.js'

export interface ConnectionRegistryOptions {
  readonly settings: ConnectionSettings
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  readonly metrics: Pick<Metrics, 'forConnection'>
}

/** The connections of the service, by name. Each is made, started and stopped as one. */
export class ConnectionRegistry {
  readonly #byName: ReadonlyMap<string, Connection>

  constructor(
    connections: readonly ConnectionConfig[],
    private readonly options: ConnectionRegistryOptions,
  ) {
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
    })
  }
}
