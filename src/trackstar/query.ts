/** Filters as upstream spells them, `field` or `field[op]`, with their values; undefined ones are left out. */
export type Filters = Readonly<Record<string, string | undefined>>

/** Encodes `text` whole. Half a surrogate pair, which no encoding knows, becomes U+FFFD instead of an exception. */
export const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))

/** Puts `filters` behind `path`. Names and values are encoded whole, so no value can add a filter or leave its own. */
export function withFilters(path: string, filters: Filters): string {
  const pairs = Object.entries(filters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encode(name)}=${encode(value)}`],
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/** Most values that upstream takes in one `in` list; more is a 422 there. */
export const maxListValues = 100

/**
 * Most characters that the keys of one list may take in an encoded address. Upstream documents no limit; common
 * servers and proxies refuse a request line of 8 KiB and over.
 */
export const maxListCharacters = 7000

/**
 * The keys of one call, as many as fit. A key with a comma cannot stand in a list, where it would be taken for two, so
 * it goes alone.
 */
export class KeyList {
  readonly keys: string[] = []
  #characters = 0
  #isClosed = false

  /** Whether nothing more fits, so that it is pointless to wait for more. */
  get isFull(): boolean {
    return this.#isClosed || this.keys.length === maxListValues
  }

  /** Adds `key` if it fits, and says whether it did. The first always fits. */
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

/** The keys of as many calls as it takes. */
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
