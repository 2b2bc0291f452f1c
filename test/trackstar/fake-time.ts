import type { Test } from 'tap'
import { TestClock } from '../harness.js'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that also controls `setTimeout` during a test. */
export interface FakeTime {
  readonly clock: TestClock
  /** Ms since the test began. */
  readonly elapsed: () => number
  /** The number of timers that are set. */
  readonly timers: () => number
  /** Advances the clock by `ms`, and runs each timer at its time. */
  readonly pass: (ms: number) => Promise<void>
}

/** Waits for everything that does not wait for a timer. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Replaces `setTimeout` and `clearTimeout` until the end of the test. */
export function fakeTime(t: Test): FakeTime {
  const clock = new TestClock()
  const start = clock.elapsed()
  const timers = new Map<unknown, Timer>()
  const { clearTimeout } = globalThis
  const set = (run: () => void, ms = 0) => {
    const id = {}
    timers.set(id, { at: clock.elapsed() + Math.max(1, ms), run })
    return id
  }
  const clear = (id: unknown) => {
    if (!timers.delete(id)) clearTimeout(id as NodeJS.Timeout)
  }
  t.intercept(globalThis, 'setTimeout', { value: set })
  t.intercept(globalThis, 'clearTimeout', { value: clear })

  return {
    clock,
    elapsed: () => clock.elapsed() - start,
    timers: () => timers.size,
    async pass(ms) {
      const end = clock.elapsed() + ms
      await settled()
      for (;;) {
        const [next] = Array.from(timers).sort(([, a], [, b]) => a.at - b.at)
        if (next === undefined || next[1].at > end) break
        const [id, { at, run }] = next
        timers.delete(id)
        clock.advance(Math.max(0, at - clock.elapsed()))
        run()
        await settled()
      }
      clock.advance(end - clock.elapsed())
    },
  }
}
