import type { ReadContext } from '../cache/read-context.js'
import type { ReadThrough } from '../cache/read-through.js'
import type { Steps } from '../steps.js'
import type { RunSteps } from './work-turns.js'

/** Keys that are looked up without an interruption: a few milliseconds. As many as five calls upstream take. */
const keysPerPart = 500

/**
 * Reads many keys, with interruptions in between. All reads begin before the first is awaited, so that keys that need
 * upstream still share calls.
 */
export async function readInParts<T>(
  read: ReadThrough<T>,
  keys: ReadonlySet<string>,
  context: ReadContext,
  run: RunSteps,
): ReturnType<ReadThrough<T>> {
  if (keys.size <= keysPerPart) return read(keys, context)
  const parts = await Promise.all(await run(begin(read, keys, context)))
  return run(merge(parts))
}

function* begin<T>(
  read: ReadThrough<T>,
  keys: ReadonlySet<string>,
  context: ReadContext,
): Steps<ReturnType<ReadThrough<T>>[]> {
  const all = Array.from(keys)
  const reads: ReturnType<ReadThrough<T>>[] = []
  for (let from = 0; from < all.length; from += keysPerPart) {
    if (from > 0) yield
    const part = read(all.slice(from, from + keysPerPart), context)
    // If the work is dropped before all reads have begun, this one is never awaited.
    part.catch(() => {})
    reads.push(part)
  }
  return reads
}

function* merge<K, V>(parts: readonly ReadonlyMap<K, V>[]): Steps<ReadonlyMap<K, V>> {
  const merged = new Map<K, V>()
  for (const part of parts) {
    for (const [key, value] of part) merged.set(key, value)
    yield
  }
  return merged
}
