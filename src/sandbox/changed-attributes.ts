/** Old values by dotted path, as `lots.0.onhand`: what upstream calls `previous_attributes`. */
export type ChangedAttributes = Readonly<Record<string, unknown>>

/**
 * The old values of what differs between two states of a record, each under the path of the innermost thing that
 * changed. What was not there before had the value null.
 */
export function changedAttributes(before: object, after: object): ChangedAttributes {
  return Object.fromEntries(differences('', before, after))
}

function differences(path: string, before: unknown, after: unknown): [path: string, old: unknown][] {
  if (before === after) return []
  if (!isNested(before) || !isNested(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [[path, before ?? null]]
  }
  return Array.from(new Set([...Object.keys(before), ...Object.keys(after)])).flatMap((key) => {
    const below = path === '' ? key : `${path}.${key}`
    return differences(below, own(before, key), own(after, key))
  })
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Of its own, so that nothing is found of what every object has. */
const own = (value: object, key: string): unknown => (Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined)
