/** The two clocks of the service, injected so that tests control the time. */
export interface Clock {
  /** Wall time in epoch ms, for the age of records: it also counts while the machine is suspended. */
  readonly now: () => number
  /** Monotonic time in ms since a fixed point, for rate limits, deadlines and pauses. */
  readonly elapsed: () => number
}

export const systemClock: Clock = { now: Date.now, elapsed: () => performance.now() }
