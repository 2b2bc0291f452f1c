/** Filters in upstream's spelling, `field` or `field[op]`, with their values. Undefined ones are omitted. */
export type Filters = Readonly<Record<string, string | undefined>>

/** Percent-encodes `text`. A lone surrogate becomes U+FFFD; `encodeURIComponent` would throw. */
export const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))

/** Appends `filters` to `path` as a query. Names and values are encoded, so a value cannot add another filter. */
export function withFilters(path: string, filters: Filters): string {
  const pairs = Object.entries(filters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encode(name)}=${encode(value)}`],
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/** Most values in one of upstream's `in` lists; upstream answers 422 to more. */
export const maxListValues = 100

/**
 * Most characters of an encoded URL that the keys of one list may take. Upstream documents no limit; common servers and
 * proxies refuse request lines of 8 KiB and more.
 */
export const maxListCharacters = 7000

/**
 * The keys of one call. A key with a comma is alone in its list: among others, upstream would read it as two keys.
 */
export class KeyList {
  readonly keys: string[] = []
  #characters = 0
  #isClosed = false

  /** Whether no further key fits. */
  get isFull(): boolean {
    return this.#isClosed || this.keys.length === maxListValues
  }

  /** Adds `key` if it fits, and returns whether it did. The first key always fits. */
  add(key: string): boolean {
    const isAlone = key.includes(',')
    const characters = encode(key).length + 3
    const isFirst = this.keys.length === 0
    if (this.isFull || (!isFirst && (isAlone || this.#characters + characters > maxListCharacters))) {
      this.#isClosed = true
      return false
    }
    this.keys.push(key)
    this.#characters += characters
    this.#isClosed = isAlone
    return true
  }
}

/** Splits keys into the lists of as few calls as possible, in order. */
export function* keyLists(keys: Iterable<string>): Generator<readonly string[]> {
  let list = new KeyList()
  for (const key of keys) {
    if (list.add(key)) continue
    yield list.keys
    list = new KeyList()
    list.add(key)
  }
  if (list.keys.length > 0) yield list.keys
}
