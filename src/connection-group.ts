import type { Connection } from './connection.js'
import { EventReaders, type ReaderCount } from './events/event-readers.js'
import { GroupEventLog } from './events/group-event-log.js'
import { GroupStockIndex } from './events/group-stock-index.js'

/** The stock of every SKU in a group, and its changes. */
export interface GroupFeed {
  readonly index: GroupStockIndex
  /** The open event streams. */
  readonly readers: EventReaders
}

/** Several connections whose stock is seen as one. */
export interface Group {
  readonly name: string
  /** In the order of the configuration. */
  readonly members: readonly Connection[]
  /** Undefined if a connection has no mirror: neither sums nor events would be complete. */
  readonly feed: GroupFeed | undefined
  /** Ends the open event streams, and the watch over the connections. */
  stop(): void
}

/**
 * Forms a group of these connections, for as long as all of them exist.
 * @param openReaders the open event streams of the process
 */
export function formGroup(name: string, members: readonly Connection[], openReaders: ReaderCount): Group {
  const feeds = members.flatMap(({ name: connection, feed }) =>
    feed ? { connection, index: feed.index, log: feed.log } : [],
  )
  if (feeds.length < members.length) return { name, members, feed: undefined, stop() {} }
  const index = new GroupStockIndex(feeds)
  const events = new GroupEventLog(feeds.map(({ log }) => log))
  const readers = new EventReaders(events, openReaders)
  return {
    name,
    members,
    feed: { index, readers },
    stop() {
      readers.close()
      events.close()
      index.close()
    },
  }
}
