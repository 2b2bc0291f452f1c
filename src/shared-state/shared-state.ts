import { type ChangeStream, noOtherReplicas } from '../cache/change-stream.js'
import type { ConnectionConfig } from '../config/connections-file.js'
import { type ClientCountsByKind, inProcessCountsByKind } from '../http/client-limit.js'
import type { ReplicasState } from '../http/connection-state.js'
import { InProcessSeenIds, type SeenIds } from '../http/seen-ids.js'
import { InProcessTickets, type Tickets } from '../http/tickets.js'
import { type Leadership, soleLeadership } from '../mirror/leadership.js'
import { type MirrorCopy, noCopy } from '../mirror/mirror-copy.js'
import type { Clock } from '../trackstar/clock.js'
import { inProcessLimiters, type UpstreamLimiters } from '../trackstar/upstream.js'

/** What the replicas of the service share. Each part is a small interface; without `REDIS_URL` it lives in this process. */
export interface SharedState {
  readonly tickets: Tickets
  readonly seenIds: SeenIds
  readonly clientCounts: ClientCountsByKind
  /** The replicas that share this state; null if there is only this process. */
  readonly replicas: ReplicasState | null
  /** What belongs to one connection. */
  forConnection(config: SharedConnectionConfig): ConnectionSharedState
  /** Takes part from now on. */
  start(): void
  /** Leaves the others. */
  close(): Promise<void>
}

/** The settings that decide what replicas share of a connection. */
export type SharedConnectionConfig = Pick<ConnectionConfig, 'name' | 'readRate' | 'writeRate'> &
  Partial<Pick<ConnectionConfig, 'connectionId' | 'accessToken'>>

/** What replicas share of one connection. */
export interface ConnectionSharedState {
  readonly limiters: UpstreamLimiters
  readonly leadership: Leadership
  readonly changes: ChangeStream
  readonly copy: MirrorCopy
  /** The connection is no longer used. */
  close(): void
}

/** The state of a process that has no others beside it. */
export const createInProcessState = (clock: Clock): SharedState => ({
  tickets: new InProcessTickets(clock),
  seenIds: new InProcessSeenIds(),
  clientCounts: inProcessCountsByKind(clock.elapsed),
  replicas: null,
  forConnection: (rates) => ({
    limiters: inProcessLimiters(rates, clock),
    leadership: soleLeadership,
    changes: noOtherReplicas,
    copy: noCopy,
    close() {},
  }),
  start() {},
  async close() {},
})
