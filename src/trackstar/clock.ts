/** The two clocks of the service, injected so that tests control the time. */
export interface Clock {
  /** Wall time in epoch ms. It may be set ahead or back at any moment, so it is only for times that are shown or sent. */
  readonly now: () => number
  /**
   * Monotonic time in ms since a fixed point, for ages, intervals, deadlines and pauses. On Linux it stands still while
   * the machine is suspended: records are as fresh afterwards as they were before, and `as_of` has the time before.
   */
  readonly elapsed: () => number
}

/** The wall time of a moment of the monotonic clock, epoch ms. */
export const wallTimeAt = (clock: Clock, elapsedMs: number): number =>
  Math.floor(clock.now() - (clock.elapsed() - elapsedMs))

export const systemClock: Clock = { now: Date.now, elapsed: () => performance.now() }
