/**
 * Work that can be interrupted: it yields wherever other work may come between, at the latest after some tens of
 * microseconds, and returns its result. Whoever runs it decides when it goes on, or drops it.
 */
export type Steps<T> = Generator<undefined, T, undefined>

/** Runs steps to their end without a pause. */
export function runToEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
