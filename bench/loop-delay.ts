/**
 * Loaded into the service with `--import`: measures how long its event loop is held, and answers each message with the
 * delays since the last one. The service itself does not know of it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface LoopDelay {
  readonly p99Ms: number
  readonly maxMs: number
}

const resolutionMs = 1
const delays = monitorEventLoopDelay({ resolution: resolutionMs })
delays.enable()

process.on('message', () => {
  const withoutTimer = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs)
  process.send?.({ p99Ms: withoutTimer(delays.percentile(99)), maxMs: withoutTimer(delays.max) } satisfies LoopDelay)
  delays.reset()
})
// A benchmark that is killed cannot stop the service.
process.on('disconnect', () => process.exit(0))
// The channel must not keep the service alive after a stop.
process.channel?.unref()
