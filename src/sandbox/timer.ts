/** Does some work once, after a while. Gives how to call it off. */
export type Timer = (ms: number, work: () => void) => () => void

/** A timer by the machine's clock, for which no process is kept running. */
export const systemTimer: Timer = (ms, work) => {
  const timeout = setTimeout(work, ms).unref()
  return () => clearTimeout(timeout)
}
