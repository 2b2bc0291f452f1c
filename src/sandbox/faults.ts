/** What the sandbox does instead of, or before, answering as documented. Parts combine: a delay and then a 503, say. */
export interface Fault {
  /** Answers with this status, and does nothing else. */
  status?: number
  /** The JSON body of that status (of a 200 where there is none). A string is sent as it is, malformed JSON included. */
  body?: unknown
  /** Added to the answer, over the sandbox's own. */
  headers?: Record<string, string>
  /** Waits before the answer, ms. The answer tells what was so when the call came. */
  delayMs?: number
  /** Resets the connection. Nothing was done: a write did not happen. */
  reset?: boolean
  /** Promises the whole body, sends half and closes the connection. It was all done: a write did happen. */
  truncate?: boolean
  /** For how many calls; without it, for ever. */
  times?: number
  /** Only for this method. */
  method?: string
}

/** The faults that are set. Of several that fit a call the last set is taken. */
export class Faults {
  #set: { path: string; fault: Fault; left: number }[] = []

  /** Sets a fault for one path as it comes over the wire, or for all that begin with it if it ends in `*`. */
  add(path: string, fault: Fault): () => void {
    const entry = { path, fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.#set.push(entry)
    return () => {
      this.#set = this.#set.filter((other) => other !== entry)
    }
  }

  /** Takes all of them away. */
  clear(): void {
    this.#set = []
  }

  /** The fault of a call, if any, with one of its times used up. */
  take(method: string, path: string): Fault | undefined {
    const fits = (entry: { path: string; fault: Fault; left: number }) =>
      entry.left > 0 && (entry.fault.method ?? method) === method && pathFits(entry.path, path)
    const entry = this.#set.findLast(fits)
    if (entry) entry.left--
    return entry?.fault
  }
}

const pathFits = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
