import { hash, randomUUID } from 'node:crypto'
import type { Clock } from '../trackstar/clock.js'
import { RedisChanges } from './redis-changes.js'
import { RedisClientCounts } from './redis-client-counts.js'
import { RedisLeadership } from './redis-leadership.js'
import { RedisLink, type RedisLog } from './redis-link.js'
import { RedisRateLimiter } from './redis-rate-limiter.js'
import { RedisSeenIds } from './redis-seen-ids.js'
import { RedisStreamReader } from './redis-stream-reader.js'
import { RedisTickets } from './redis-tickets.js'
import type { SharedConnectionConfig, SharedState } from './shared-state.js'

export interface RedisStateOptions {
  readonly url: string
  /** Where Trackstar is. */
  readonly baseUrl: string
  /** What each client may use in a minute. */
  readonly clientRateLimit: number
  readonly clock: Clock
  readonly log: RedisLog
}

/** The state that replicas share in Redis. */
export function createRedisState({ url, baseUrl, clientRateLimit, clock, log }: RedisStateOptions): SharedState {
  const link = new RedisLink({ url, id: randomUUID().slice(0, 8), clock, log })
  const countsOf = (name: string) =>
    new RedisClientCounts({ link, name, limit: clientRateLimit, elapsed: clock.elapsed })
  const reader = new RedisStreamReader(link)
  const leaderships = new Set<RedisLeadership>()
  return {
    tickets: new RedisTickets(link, clock),
    seenIds: new RedisSeenIds(link),
    clientCounts: { keys: countsOf('key'), addresses: countsOf('address') },
    get replicas() {
      return {
        id: link.id,
        count: link.replicas,
        redis: link.isUp ? ('ok' as const) : ('down' as const),
        commands: link.roundTrips,
        refusedWrites: link.refusedWrites,
      }
    },
    forConnection(config) {
      const { readRate, writeRate } = config
      const name = nameOf(config, baseUrl)
      const reads = new RedisRateLimiter({ link, name: `${name}:reads`, rate: readRate, clock })
      const writes = new RedisRateLimiter({ link, name: `${name}:writes`, rate: writeRate, clock })
      const led = () => Array.from(leaderships).filter(({ isLeader }) => isLeader).length
      const leadership = new RedisLeadership({ link, name, clock, log, led })
      leaderships.add(leadership)
      const changes = new RedisChanges({ link, reader, name, leadership, log })
      return {
        limiters: { reads, writes },
        leadership,
        changes,
        copy: changes,
        close() {
          changes.close()
          leadership.stop()
          leaderships.delete(leadership)
          reads.close()
          writes.close()
        },
      }
    },
    start() {
      link.start()
      reader.start()
    },
    async close() {
      reader.close()
      await link.close()
    },
  }
}

/**
 * Names a connection in keys. Connections of other customers may have the same name, in another deployment or after a change of
 * the connections file, and must not share records. A token cannot be found from a part of its hash.
 */
function nameOf({ name, connectionId, accessToken }: SharedConnectionConfig, baseUrl: string): string {
  const identity = JSON.stringify([baseUrl, connectionId ?? accessToken])
  return `${name}:${hash('sha256', identity).slice(0, 12)}`
}
