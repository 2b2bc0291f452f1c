import type { InventoryItem } from '../records/inventory-item.js'
import { AccessControl } from './access-control.js'
import { type SandboxCall, worstReadsPerSecond } from './call-log.js'
import { type Fault, Faults } from './faults.js'
import type { ItemsPerProduct } from './generated-catalog.js'
import { findRoute } from './handlers.js'
import { createHttpServer, IdempotencyKeys } from './http-server.js'
import { type ChangedAttributes, type RecordChange, RecordChanges } from './record-changes.js'
import { ConnectionChanges } from './sandbox-connection.js'
import { createData, type Records, type Resource, type SandboxData } from './sandbox-data.js'
import { type StockMove, StockMover, Ticker } from './stock-mover.js'
import { systemTimer, type Timer } from './timer.js'
import { type Delivery, type WebhookFaults, WebhookSender } from './webhook-sender.js'

export type { SandboxCall } from './call-log.js'
export type { Fault } from './faults.js'
export type { ChangedAttributes, RecordChange } from './record-changes.js'
export type { ConnectionChanges, SandboxConnection } from './sandbox-connection.js'
export type { Records, Resource, SandboxData } from './sandbox-data.js'
export type { StockMove } from './stock-mover.js'
export type { Timer } from './timer.js'
export type { Delivery, WebhookFaults } from './webhook-sender.js'
export { sandboxWebhookSecret, signWebhook } from './webhook-sender.js'

/** What a sandbox can be told at its start. */
export interface SandboxOptions {
  /** Size of the catalogue, the fixed products included; default 1000. */
  products?: number
  /** Items of each invented product that is no kit; default 2. With 1, a large catalogue has as many items as products. */
  itemsPerProduct?: ItemsPerProduct
  /** The same seed and size give the same data; default 1. */
  seed?: number
  /** Default `sandbox-api-key`. */
  apiKey?: string
  /** Default `sandbox-access-token`. */
  accessToken?: string
  /** Default `conn_sandbox`. */
  connectionId?: string
  /** GETs in any one-second span per token; default 10, 0 is no limit. */
  readRate?: number
  /** Other calls in any one-second span per token; default 50, 0 is no limit. */
  writeRate?: number
  /** Added to every answer, ms; default 0. */
  latencyMs?: number
  /** How often stock moves by itself while the sandbox listens; default 0, never. The fixed SKUs stay, but for `LIVE-…`. */
  movesPerSecond?: number
  /** Where webhooks are sent, and the `whsec_…` secrets they are signed with; default nowhere. */
  webhooks?: { url: string; secrets: readonly string[] }
  /** The clock, ms since 1970; default `Date.now`. */
  now?: () => number
  /** What moves and webhooks are timed by; default the machine's, which keeps no process running. */
  timer?: Timer
}

/** A stand-in upstream. */
export interface Sandbox {
  /** What it serves; may be changed at any time. */
  readonly data: SandboxData
  /** Every call that arrived, in order, refused and faulted ones included: the last 100,000 at least. */
  readonly calls: SandboxCall[]
  readonly credentials: { apiKey: string; accessToken: string; connectionId: string }
  /** May be changed while it runs. */
  readonly options: { latencyMs: number; readRate: number; writeRate: number; movesPerSecond: number }
  /**
   * Sets a {@link Fault} for a path as it comes over the wire (percent-encoded, without the query), or for all paths
   * with a prefix that ends in `*`. Bad credentials and calls over the rate are refused before any fault.
   *
   * @returns how to take it away
   */
  fault(path: string, fault: Fault): () => void
  clearFaults(): void
  /** The most GETs that arrived in any one-second span. */
  worstReadsPerSecond(): number
  /** Makes upstream refuse, with a 422, every page token that it has given so far. */
  expirePageTokens(): void

  /** Moves stock once, now: of the item and as it is told, of what it picks otherwise. Any item may be named. */
  move(itemId?: string, move?: StockMove): RecordChange<InventoryItem>
  /** Puts some fields of a record in place of the old ones, dates it later than before and announces it. */
  change<K extends Resource>(resource: K, id: string, patch: Partial<Records[K]>): RecordChange<Records[K]>
  /** Adds a record, dates it and announces it. */
  add<K extends Resource>(resource: K, record: Records[K]): Records[K]
  /** Deletes a record. Upstream announces no deletion, nor does this. Says whether there was one. */
  remove(resource: Resource, id: string): boolean
  /** First copies and errors of the connection. */
  readonly connection: ConnectionChanges

  /** Sends webhooks to an address from now on, or nowhere (undefined), signed with {@link sandboxWebhookSecret} if not told otherwise. */
  sendWebhooksTo(url: string | undefined, secrets?: readonly string[]): void
  /** Sends any event, of another connection if need be; for what nothing above brings about. */
  announce(
    eventType: string,
    data: object,
    also?: { previousAttributes?: ChangedAttributes; connectionId?: string },
  ): void
  /** What goes wrong with webhooks; set it anew to begin its counts anew. */
  webhookFaults: WebhookFaults
  /** What became of each webhook: the last 10,000 at least. */
  readonly deliveries: readonly Delivery[]
  /** Resolves when every webhook so far is delivered, or given up. */
  flushWebhooks(): Promise<void>

  /** Begins to serve, on a free loopback port unless told otherwise, and to move. Gives the base address. */
  listen(options?: { host?: string; port?: number }): Promise<string>
  /** Ends at once: open sockets, moves, and webhooks on their way. May listen again afterwards. */
  close(): Promise<void>
}

/** A sandbox with invented data, not yet listening. */
export function createSandbox(given: SandboxOptions = {}): Sandbox {
  const { products = 1000, itemsPerProduct = 2, seed = 1, now = Date.now, timer = systemTimer } = given
  const { apiKey = 'sandbox-api-key', accessToken = 'sandbox-access-token', connectionId = 'conn_sandbox' } = given
  const { latencyMs = 0, readRate = 10, writeRate = 50, movesPerSecond = 0 } = given
  const data = createData({ products, itemsPerProduct, seed, connectionId, now: now() })
  const calls: SandboxCall[] = []
  const credentials = { apiKey, accessToken, connectionId }
  const webhooks = new WebhookSender(now, timer)
  if (given.webhooks) webhooks.sendTo(given.webhooks.url, given.webhooks.secrets)
  const announce = (
    event_type: string,
    about: object,
    previous_attributes?: ChangedAttributes,
    connection = connectionId,
  ) =>
    webhooks.announce({
      connection_id: connection,
      integration_name: data.connection.integration_name,
      event_type,
      data: about,
      ...(previous_attributes && { previous_attributes }),
    })
  const changes = new RecordChanges(data, now, announce)
  const mover = new StockMover(data.inventory, changes, seed, now)
  const pace = new Ticker(movesPerSecond, () => mover.moveNext(), now, timer)
  const options = {
    latencyMs,
    readRate,
    writeRate,
    get movesPerSecond() {
      return pace.perSecond
    },
    set movesPerSecond(perSecond) {
      pace.perSecond = perSecond
    },
  }
  const gate = new AccessControl(credentials, options)
  const faults = new Faults()
  const route = (path: string) => findRoute(data, path, announce)
  const server = createHttpServer({
    calls,
    accessControl: gate,
    faults,
    idempotencyKeys: new IdempotencyKeys(),
    options,
    now,
    findRoute: route,
  })

  return {
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
      if (change === undefined) throw new Error('There is nothing to move')
      return change
    },
    change: (resource, id, patch) => changes.patch(resource, id, patch),
    add: (resource, record) => changes.add(resource, record),
    remove: (resource, id) => changes.remove(resource, id),
    connection: new ConnectionChanges(data, now, announce),
    sendWebhooksTo: (url, secrets) => webhooks.sendTo(url, secrets),
    announce: (eventType, about, also = {}) => announce(eventType, about, also.previousAttributes, also.connectionId),
    get webhookFaults() {
      return webhooks.faults
    },
    set webhookFaults(webhookFaults) {
      webhooks.faults = webhookFaults
    },
    deliveries: webhooks.deliveries,
    flushWebhooks: () => webhooks.flush(),
    async listen(at) {
      const address = await server.listen(at)
      pace.start()
      return address
    },
    async close() {
      pace.stop()
      await Promise.all([server.close(), webhooks.stop()])
    },
  }
}
