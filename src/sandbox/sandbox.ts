import type { DocumentedItem as InventoryItem } from '../records/inventory-item.js'
import { AccessControl } from './access-control.js'
import { type SandboxCall, worstReadsPerSecond } from './call-log.js'
import { type Fault, Faults } from './faults.js'
import type { ItemsPerProduct } from './generated-catalog.js'
import { findRoute } from './handlers.js'
import { type CallServer, createHttpServer, IdempotencyKeys } from './http-server.js'
import { type ChangedAttributes, type RecordChange, RecordChanges } from './record-changes.js'
import { ConnectionChanges } from './sandbox-connection.js'
import { createData, type Records, type Resource, type SandboxData } from './sandbox-data.js'
import { type StockMove, StockMover, Ticker } from './stock-mover.js'
import { type Delivery, type WebhookFaults, WebhookSender } from './webhook-sender.js'

export type { SandboxCall } from './call-log.js'
export type { Fault } from './faults.js'
export type { ChangedAttributes, RecordChange } from './record-changes.js'
export type { ConnectionChanges, SandboxConnection } from './sandbox-connection.js'
export type { Records, Resource, SandboxData } from './sandbox-data.js'
export type { StockMove } from './stock-mover.js'
export type { Delivery, WebhookFaults } from './webhook-sender.js'
export { sandboxWebhookSecret, signWebhook } from './webhook-sender.js'

/** Options of one connection of a sandbox; all have defaults. */
export interface SandboxOptions {
  /** Number of products, fixed ones included; default 1000. */
  products?: number
  /** Items of each generated product that is not a kit; default 2. With 1, a large catalog has as many items as products. */
  itemsPerProduct?: ItemsPerProduct
  /** The same seed and size give the same data; default 1. */
  seed?: number
  /** Which {@link fixedCatalogOf} edition of the fixed SKUs it has; default 1. */
  edition?: number
  /** Default `sandbox-api-key`. */
  apiKey?: string
  /** Default `sandbox-access-token`. */
  accessToken?: string
  /** Default `conn_sandbox`. */
  connectionId?: string
  /** GETs in any one-second span per token; default 10, 0 for no limit. */
  readRate?: number
  /** Other calls in any one-second span per token; default 50, 0 for no limit. */
  writeRate?: number
  /** Delay of every response in ms; default 0. */
  latencyMs?: number
  /** Stock movements per second while the sandbox listens; default 0. Of the fixed SKUs, only `LIVE-…` change. */
  movesPerSecond?: number
  /** Where webhooks are sent, and the `whsec_…` secrets that sign them; default none. */
  webhooks?: { url: string; secrets: readonly string[] }
  /** The clock in ms since 1970; default `Date.now`. */
  now?: () => number
  /** The timer of movements and webhooks; the default one does not keep the process alive. */
  timer?: Timer
}

/** One connection of a stand-in for Trackstar with generated data: everything that its access token reaches. */
export interface ServedConnection {
  /** The data that it serves; may be changed at any time. */
  readonly data: SandboxData
  /** All calls that arrived, in order, including refused and faulted ones; at least the last 100,000. */
  readonly calls: SandboxCall[]
  /** The access token may be changed while it runs. */
  readonly credentials: { readonly apiKey: string; accessToken: string; readonly connectionId: string }
  /** May be changed while it runs. */
  readonly options: { latencyMs: number; readRate: number; writeRate: number; movesPerSecond: number }
  /**
   * Adds a {@link Fault} for a path (percent-encoded, without the query), or for all paths with a prefix when `path` ends
   * in `*`. Bad credentials and calls over the rate limit are refused before faults apply.
   *
   * @returns a function that removes the fault
   */
  fault(path: string, fault: Fault): () => void
  clearFaults(): void
  /** The highest number of GETs that arrived in any one-second span. */
  worstReadsPerSecond(): number
  /** Invalidates all page tokens issued so far: they are refused with a 422. */
  expirePageTokens(): void

  /** Moves stock once. Without `itemId`, picks an item; what `move` leaves out is picked too. */
  move(itemId?: string, move?: StockMove): RecordChange<InventoryItem>
  /** Replaces some fields of a record, moves its update date forward and sends an event. */
  change<K extends Resource>(resource: K, id: string, patch: Partial<Records[K]>): RecordChange<Records[K]>
  /** Adds a record, dated now, and sends an event. */
  add<K extends Resource>(resource: K, record: Records[K]): Records[K]
  /** Deletes a record. As upstream, sends no event. Returns whether the record existed. */
  remove(resource: Resource, id: string): boolean
  /** Historical syncs, errors and schedules of the connection. */
  readonly connection: ConnectionChanges

  /** Sends webhooks to `url` from now on, or nowhere when undefined. `secrets` defaults to {@link sandboxWebhookSecret}. */
  sendWebhooksTo(url: string | undefined, secrets?: readonly string[]): void
  /** Sends any event, also of another connection. */
  announce(
    eventType: string,
    data: object,
    options?: { previousAttributes?: ChangedAttributes; connectionId?: string },
  ): void
  /** Faults of webhooks. Setting them restarts their counts. */
  webhookFaults: WebhookFaults
  /** The deliveries of webhooks; at least the last 10,000. */
  readonly deliveries: readonly Delivery[]
  /** Resolves when every webhook so far is delivered or failed. */
  flushWebhooks(): Promise<void>
}

interface Listening {
  /** Starts serving and moving stock. Resolves to the base address. Default: a free port on 127.0.0.1. */
  listen(options?: { host?: string; port?: number }): Promise<string>
  /** Closes open connections, stops movements and fails pending webhooks at once. It may listen again afterwards. */
  close(): Promise<void>
}

/** A stand-in for Trackstar with one connection. */
export interface Sandbox extends ServedConnection, Listening {}

/** A stand-in for Trackstar with several connections behind one address. */
export interface SandboxServer extends Listening {
  readonly connections: readonly [ServedConnection, ...ServedConnection[]]
}

/** Creates a sandbox that does not listen yet. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { connection, ...parts } = createConnection(options)
  // Not a spread: the connection has accessors.
  return Object.assign(connection, serve([{ connection, ...parts }]))
}

/**
 * Creates a sandbox with several connections, each with data, a rate, faults, webhooks and a call log of its own. It does
 * not listen yet. Each needs an access token and a connection id of its own. A call with an unknown token is in no call log.
 */
export function createSandboxServer(options: readonly [SandboxOptions, ...SandboxOptions[]]): SandboxServer {
  const [first, ...others] = options
  const [created, ...more] = [createConnection(first), ...others.map(createConnection)] as const
  const connections = [created.connection, ...more.map(({ connection }) => connection)] as const
  return { connections, ...serve([created, ...more]) }
}

/** A connection, and what the server does with it. */
interface CreatedConnection {
  readonly connection: ServedConnection
  readonly callServer: CallServer
  readonly start: () => void
  readonly stop: () => Promise<void>
}

function serve(created: readonly [CreatedConnection, ...CreatedConnection[]]): Listening {
  const [first, ...others] = created
  const server = createHttpServer([first.callServer, ...others.map(({ callServer }) => callServer)])
  return {
    async listen(options) {
      const address = await server.listen(options)
      for (const { start } of created) start()
      return address
    },
    async close() {
      await Promise.all([server.close(), ...created.map(({ stop }) => stop())])
    },
  }
}

function createConnection(given: SandboxOptions): CreatedConnection {
  const { products = 1000, itemsPerProduct = 2, seed = 1, edition = 1, now = Date.now, timer = systemTimer } = given
  const { apiKey = 'sandbox-api-key', accessToken = 'sandbox-access-token', connectionId = 'conn_sandbox' } = given
  const { latencyMs = 0, readRate = 10, writeRate = 50, movesPerSecond = 0 } = given
  const data = createData({ products, itemsPerProduct, seed, edition, connectionId, now: now() })
  const calls: SandboxCall[] = []
  const credentials = { apiKey, accessToken, connectionId }
  const webhookSender = new WebhookSender(now, timer)
  if (given.webhooks) webhookSender.sendTo(given.webhooks.url, given.webhooks.secrets)
  const announce = (
    event_type: string,
    eventData: object,
    previous_attributes?: ChangedAttributes,
    connection = connectionId,
  ) =>
    webhookSender.announce({
      connection_id: connection,
      integration_name: data.connection.integration_name,
      event_type,
      data: eventData,
      ...(previous_attributes && { previous_attributes }),
    })
  const changes = new RecordChanges(data, now, announce)
  const mover = new StockMover(data.inventory, changes, seed, now)
  const moveTicker = new Ticker(movesPerSecond, () => mover.moveNext(), now, timer)
  const options = {
    latencyMs,
    readRate,
    writeRate,
    get movesPerSecond() {
      return moveTicker.perSecond
    },
    set movesPerSecond(perSecond) {
      moveTicker.perSecond = perSecond
    },
  }
  const accessControl = new AccessControl(credentials, options)
  const faults = new Faults()
  const callServer = {
    calls,
    credentials,
    accessControl,
    faults,
    idempotencyKeys: new IdempotencyKeys(),
    options,
    now,
    findRoute: (path: string) => findRoute(data, path, announce),
  }

  const connection: ServedConnection = {
    data,
    calls,
    credentials,
    options,
    fault: (path, fault) => faults.add(path, fault),
    clearFaults: () => faults.clear(),
    worstReadsPerSecond: () => worstReadsPerSecond(calls),
    expirePageTokens: () => data.pageTokens.expire(),
    move(itemId, move) {
      const change = itemId === undefined ? mover.moveNext(move) : mover.move(itemId, move)
      if (change === undefined) throw new Error('There is no item to move')
      return change
    },
    change: (resource, id, patch) => changes.patch(resource, id, patch),
    add: (resource, record) => changes.add(resource, record),
    remove: (resource, id) => changes.remove(resource, id),
    connection: new ConnectionChanges(data, now, announce),
    sendWebhooksTo: (url, secrets) => webhookSender.sendTo(url, secrets),
    announce: (eventType, eventData, { previousAttributes, connectionId: id } = {}) =>
      announce(eventType, eventData, previousAttributes, id),
    get webhookFaults() {
      return webhookSender.faults
    },
    set webhookFaults(webhookFaults) {
      webhookSender.faults = webhookFaults
    },
    deliveries: webhookSender.deliveries,
    flushWebhooks: () => webhookSender.flush(),
  }
  return {
    connection,
    callServer,
    start: () => moveTicker.start(),
    async stop() {
      moveTicker.stop()
      await webhookSender.stop()
    },
  }
}

/** Calls `callback` once, after `ms`. Returns a function that cancels it. */
export type Timer = (ms: number, callback: () => void) => () => void

/** A timer that runs on `setTimeout` and does not keep the process alive. */
export const systemTimer: Timer = (ms, callback) => {
  const timeout = setTimeout(callback, ms).unref()
  return () => clearTimeout(timeout)
}
