/**
 * Which process follows a connection's catalog upstream. Of several replicas one leads at a time; the others take over what
 * it publishes.
 */
export interface Leadership {
  readonly isLeader: boolean
  /** Grows with each change of the leader (a fencing token): what an earlier leader still writes is refused. */
  readonly term: number
  /** Calls `listener` whenever this process begins or ceases to lead. */
  onChange(listener: () => void): void
  /** Takes part from now on. */
  start(): void
  /** Lets another process lead at once. */
  stop(): void
}

/** The leadership of a process that has no others beside it. */
export const soleLeadership: Leadership = { isLeader: true, term: 0, onChange() {}, start() {}, stop() {} }
