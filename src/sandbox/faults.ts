/**
 * What the sandbox does instead of, or in addition to, its documented response. Fields combine: `delayMs` with `status`
 * sends that status late.
 */
export interface Fault {
  /** Responds with this status and does nothing else. */
  status?: number
  /** The JSON body of that status (of a 200 without `status`). A string is sent as it is, so it may be malformed JSON. */
  body?: unknown
  /** Added to the response; they replace the sandbox's own. */
  headers?: Record<string, string>
  /** Waits before responding, in ms. The body shows the state from before the wait. */
  delayMs?: number
  /** Resets the connection before the call takes effect. */
  reset?: boolean
  /** Announces the full body length, sends half, and closes the connection. The call has taken effect. */
  truncate?: boolean
  /** Number of calls that it applies to; default all. */
  times?: number
  /** Applies to this method only. */
  method?: string
  /** Restricts the fault to calls with a matching query. */
  matches?: (query: URLSearchParams) => boolean
}

interface FaultEntry {
  readonly path: string
  readonly fault: Fault
  timesLeft: number
}

/** The active faults. Of several that match a call, the one added last applies. */
export class Faults {
  #entries: FaultEntry[] = []

  /**
   * Adds a fault for a percent-encoded path, or for all paths with a prefix when `path` ends in `*`.
   * @returns a function that removes the fault
   */
  add(path: string, fault: Fault): () => void {
    const entry = { path, fault, timesLeft: fault.times ?? Number.POSITIVE_INFINITY }
    this.#entries.push(entry)
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry)
    }
  }

  /** Removes all faults. */
  clear(): void {
    this.#entries = []
  }

  /** Finds the fault that applies to a call, and uses up one of its `times`. */
  take(method: string, path: string, query = new URLSearchParams()): Fault | undefined {
    const entry = this.#entries.findLast(
      (candidate) =>
        candidate.timesLeft > 0 &&
        (candidate.fault.method ?? method) === method &&
        matchesPath(candidate.path, path) &&
        (candidate.fault.matches?.(query) ?? true),
    )
    if (entry) entry.timesLeft--
    return entry?.fault
  }
}

const matchesPath = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
