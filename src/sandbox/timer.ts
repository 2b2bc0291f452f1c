/** Calls `callback` once, after `ms`. Returns a function that cancels it. */
export type Timer = (ms: number, callback: () => void) => () => void

/** A timer that runs on `setTimeout` and does not keep the process alive. */
export const systemTimer: Timer = (ms, callback) => {
  const timeout = setTimeout(callback, ms).unref()
  return () => clearTimeout(timeout)
}
