/** Runs the load generator and measures the CPU time of the server under load. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { IdleMode, LoadOptions, LoadResult, Until } from './loadgen-process.js'

/** A server process, and the bytes of the request that it gets, or of several, of which each is as likely as the others. */
export interface Target {
  readonly origin: string
  readonly pid: number
  readonly request: string | readonly string[]
  /** Default: 200. */
  readonly expectedStatus?: number
}

/** The result of one run. */
export interface Measurement {
  readonly perSecond: number
  /** CPU time of the server for each request, in µs: all threads, user and system. */
  readonly cpuMicros: number
  /** The share of a core that the load generator used. At 1 it is polling, or it is the bottleneck. */
  readonly generatorBusy: number
  readonly failures: number
  /** Between a request and its whole response, in ms. */
  readonly medianMs: number
}

export interface Loadgen {
  /** @param idleMode default: `polling` */
  run(target: Target, until: Until, idleMode?: IdleMode): Promise<Measurement>
  close(): void
}

/** Enough that the server never waits for a request. */
const manyConnections = 50

/** @param connections that send at a time; default: so many that the server never waits for a request */
export function startLoadgen(connections = manyConnections): Loadgen {
  const loadgen = fork(fileURLToPath(new URL('./loadgen-process.js', import.meta.url)))
  return {
    async run({ origin, pid, request, expectedStatus = 200 }, until, idleMode = 'polling') {
      const before = await cpuSecondsOf(pid)
      const requests = [request].flat()
      loadgen.send({ origin, requests, expectedStatus, connections, until, idleMode } satisfies LoadOptions)
      const [result] = (await once(loadgen, 'message')) as [LoadResult]
      const spent = (await cpuSecondsOf(pid)) - before
      return {
        perSecond: result.responses / result.seconds,
        cpuMicros: (spent / result.responses) * 1e6,
        generatorBusy: result.cpuSeconds / result.seconds,
        failures: result.failures,
        medianMs: result.medianMs,
      }
    },
    close: () => loadgen.disconnect(),
  }
}

/** CPU time of all threads of a process since its start. `schedstat` has nanoseconds, `stat` only hundredths of a second. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const spent = threads.map(async (thread) => {
    const [nanoseconds] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ')
    return Number(nanoseconds) / 1e9
  })
  return (await Promise.all(spent)).reduce((sum, seconds) => sum + seconds, 0)
}
