import type { LookupOutcome } from '../cache/read-through.js'
import type { RecordCache } from '../cache/record-cache.js'
import type { ConnectionConfig } from '../config/connections-file.js'
import type { MirrorProgress } from '../mirror/mirror.js'
import type { SyncState } from '../records/sync-state.js'
import type { CircuitState } from '../trackstar/circuit-breaker.js'
import type { Resource } from '../trackstar/client.js'
import type { ConnectionFailure } from '../trackstar/last-failure.js'
import type { RateLimiterState } from '../trackstar/rate-limiter.js'
import type { CredentialsState } from '../trackstar/upstream.js'

/** The state of a connection. Metrics and `/status` read it when they are asked for. */
export interface ConnectionState {
  readonly name: string
  readonly connectionId: string | undefined
  readonly mode: ConnectionConfig['catalogMode']
  /** Whether this process follows the connection's catalog upstream. */
  readonly isLeader: boolean
  readonly credentials: CredentialsState
  /** The latest failure of a call or of the mirror; null if there was none since the start. */
  readonly lastError: ConnectionFailure | null
  /** Null if the service does not receive webhooks. */
  readonly webhooks: WebhookState | null
  readonly budget: Pick<RateLimiterState, 'readsPerSecond' | 'usedLastSecond' | 'waiting'>
  readonly circuit: CircuitState
  readonly stores: RecordCache['state']
  /** Lookups of records since the start, by outcome. */
  readonly lookups: Readonly<Record<LookupOutcome, number>>
  /** Keys that wait for a call. */
  readonly keysWaiting: number
  /** Requests that wait for upstream. */
  readonly requestsWaiting: number
  /** Open event streams. */
  readonly readers: number
  /** Null in `on-demand` mode. */
  readonly mirror: (MirrorProgress & Readonly<Record<Resource, number>>) | null
  /** Trackstar's own state of the connection, if it is known. */
  readonly source: SyncState | undefined
}

/** Signed webhook deliveries since the start. */
export interface WebhookState {
  /** Epoch ms; undefined before the first delivery. */
  readonly lastReceivedAt: number | undefined
  readonly received: number
  /** How many of them changed nothing. */
  readonly ignored: number
}

/** The replicas that share their state, as one of them sees it. */
export interface ReplicasState {
  /** The id of this replica, which differs with each start. */
  readonly id: string
  /** Replicas that were seen lately, this one included. */
  readonly count: number
  readonly redis: 'ok' | 'down'
  /** Commands sent to Redis since the start. */
  readonly commands: number
  /** Writes that were refused because another replica leads. */
  readonly refusedWrites: number
}
