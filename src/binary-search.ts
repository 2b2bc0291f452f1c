/** The index of the first value that is not `before`: all that are come first. */
export function firstNot<T>(values: readonly T[], before: (value: T) => boolean): number {
  let [from, to] = [0, values.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (before(values[middle] as T)) from = middle + 1
    else to = middle
  }
  return from
}
