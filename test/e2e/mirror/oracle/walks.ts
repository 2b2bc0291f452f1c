/**
 * The worker of {@link ../oracle.test.ts}: it runs one walk per seed and reports each. A thread has timers of its own
 * to replace, and none of the hooks with which tap follows every promise.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Walk, WrongAnswer } from './walk.js'
import { optionsOf } from './walk-options.js'

/** The result of a walk. */
export interface WalkReport {
  readonly seed: number
  readonly rounds: number
  /** What was wrong, and the log of that round; undefined if nothing was. */
  readonly failure: string | undefined
  readonly counts: Readonly<Record<string, number>>
  readonly ms: number
}

/** What to walk: `rounds` for each seed. */
export interface WalkOrders {
  readonly seeds: readonly number[]
  readonly rounds: number
}

const { seeds, rounds } = workerData as WalkOrders

for (const seed of seeds) {
  const begunAt = performance.now()
  const walk = new Walk(seed, optionsOf(seed))
  let done = 0
  let failure: string | undefined
  try {
    await walk.start()
    for (; done < rounds; done++) await walk.round()
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    const what = error instanceof WrongAnswer ? message : (stack ?? message)
    failure = [what, ...walk.story].join('\n')
  } finally {
    await walk.stop()
  }
  const ms = Math.round(performance.now() - begunAt)
  const report: WalkReport = { seed, rounds: done, failure, counts: walk.counts, ms }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  parentPort?.postMessage(report)
}
