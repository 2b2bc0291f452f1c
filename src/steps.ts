import { setImmediate } from 'node:timers/promises'

/**
 * Work that can be interrupted: it yields wherever other work may run in between, at the latest after some tens of
 * microseconds, and returns its result. The code that runs it decides when to continue it, or drops it.
 */
export type Steps<T> = Generator<undefined, T, undefined>

/** Runs steps to their end without a pause. */
export function runToEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** How long work holds the event loop at a time if it runs {@link inTurns}. */
const maxTurnMs = 4

/** Works that run {@link inTurns} now. */
let running = 0
/** Settled when the last work that waits has its turn. */
let lastTurn: Promise<unknown> = Promise.resolve()

/** Waits for the next turn of the event loop that no other work has. */
function nextTurn(): Promise<unknown> {
  lastTurn = lastTurn.then(() => setImmediate())
  return lastTurn
}

/**
 * Runs steps to their end, and lets the event loop go round after every few milliseconds. Of all works that run so, one has
 * each turn, so that many connections hold the event loop for no longer than one.
 */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  running++
  try {
    if (running > 1) await nextTurn()
    let until = performance.now() + maxTurnMs
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (performance.now() < until) continue
      await nextTurn()
      until = performance.now() + maxTurnMs
    }
  } finally {
    running--
  }
}

/** Maps values one by one. */
export function* mapSteps<A, B>(values: Iterable<A>, map: (value: A) => B): Steps<B[]> {
  const mapped: B[] = []
  for (const value of values) {
    if (mapped.length > 0) yield
    mapped.push(map(value))
  }
  return mapped
}

/** Values that are sorted without an interruption: a fraction of a millisecond. */
const sortedAtOnce = 500

/** A sorted copy (merge sort, stable). */
export function* sorted<T>(values: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let runs: T[][] = []
  for (let from = 0; from < values.length; from += sortedAtOnce) {
    if (from > 0) yield
    runs.push(values.slice(from, from + sortedAtOnce).sort(compare))
  }
  while (runs.length > 1) {
    const merged: T[][] = []
    for (let pair = 0; pair < runs.length; pair += 2) {
      merged.push(yield* merge(runs[pair] ?? [], runs[pair + 1] ?? [], compare))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* merge<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const merged: T[] = []
  let [inA, inB] = [0, 0]
  while (inA < a.length && inB < b.length) {
    if (merged.length % sortedAtOnce === 0) yield
    merged.push(compare(a[inA] as T, b[inB] as T) <= 0 ? (a[inA++] as T) : (b[inB++] as T))
  }
  return merged.concat(a.slice(inA), b.slice(inB))
}
