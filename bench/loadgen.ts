/** The load generator seen from the bench, and what the server that it strikes has computed meanwhile. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Blow, Impact, Rest, Until } from './loadgen-process.js'

/** A server in a process of its own, and what it is asked, byte for byte. */
export interface Target {
  readonly origin: string
  readonly pid: number
  readonly request: string
}

/** What came of one round. */
export interface Round {
  readonly perSecond: number
  /** What the server has computed for one request, in µs: all of its threads, in and outside of the kernel. */
  readonly cpuMicros: number
  /** How much of its core the load generator needed; at 1 it is awake, or it, and not the server, is what is measured. */
  readonly generatorBusy: number
  readonly others: number
}

export interface Hammer {
  /** @param rest default: awake */
  strike(target: Target, until: Until, rest?: Rest): Promise<Round>
  close(): void
}

/** Enough for the server never to wait for a request. */
const connections = 50

export function takeHammer(): Hammer {
  const hammer = fork(fileURLToPath(new URL('./hammer-process.js', import.meta.url)))
  return {
    async strike({ origin, pid, request }, until, rest = 'awake') {
      const before = await cpuSecondsOf(pid)
      hammer.send({ origin, request, connections, until, rest } satisfies Blow)
      const [impact] = (await once(hammer, 'message')) as [Impact]
      const spent = (await cpuSecondsOf(pid)) - before
      return {
        perSecond: impact.answers / impact.seconds,
        cpuMicros: (spent / impact.answers) * 1e6,
        generatorBusy: impact.cpuSeconds / impact.seconds,
        others: impact.others,
      }
    },
    close: () => hammer.disconnect(),
  }
}

/** What all threads of a process have computed since its start; to the ns, where `stat` counts in hundredths of a second. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const spent = threads.map(async (thread) => {
    const [nanoseconds] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ')
    return Number(nanoseconds) / 1e9
  })
  return (await Promise.all(spent)).reduce((sum, seconds) => sum + seconds, 0)
}
