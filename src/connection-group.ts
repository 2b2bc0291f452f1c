import type { Connection } from './connection.js'
import { EventReaders, type ReaderCount } from './events/event-readers.js'
import { GroupEventLog } from './events/group-event-log.js'

/** Several connections whose stock is seen as one. */
export interface Group {
  readonly name: string
  /** In the order of the configuration. */
  readonly members: readonly Connection[]
  /** The open event streams; undefined if a connection has no mirror. */
  readonly readers: EventReaders | undefined
  /** Ends the open event streams. */
  stop(): void
}

/**
 * Forms a group of these connections, for as long as all of them exist.
 * @param openReaders the open event streams of the process
 */
export function formGroup(name: string, members: readonly Connection[], openReaders: ReaderCount): Group {
  const feeds = members.flatMap(({ feed }) => feed ?? [])
  // Nothing of a group is complete if one of its connections has no mirror.
  const log = feeds.length === members.length ? new GroupEventLog(feeds.map((feed) => feed.log)) : undefined
  const readers = log && new EventReaders(log, openReaders)
  return {
    name,
    members,
    readers,
    stop() {
      readers?.close()
      log?.close()
    },
  }
}
