/** The two clocks of the service, injected so that tests can move them. */
export interface Clock {
  /** Wall time in epoch ms: for how old a record is, which a suspended machine must not hide. */
  readonly now: () => number
  /** Ms since some fixed point, never stepping back: for budgets, deadlines and pauses. */
  readonly elapsed: () => number
}

export const systemClock: Clock = { now: Date.now, elapsed: () => performance.now() }
