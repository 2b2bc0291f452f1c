/** One media range of an `Accept` header (RFC 9110, 12.5.1). */
interface MediaRange {
  readonly type: string
  readonly subtype: string
  /** From 0 (not acceptable) to 1. */
  readonly weight: number
}

/**
 * Whether an `Accept` header (RFC 9110, 12.5.1) admits one of `mediaTypes`, which are lower-case and have no parameters.
 *
 * The most specific range that matches a type decides. Parameters other than the weight are ignored: JSON defines none,
 * so `application/json; charset=utf-8` asks for the same representation as `application/json`. A header without any
 * valid range, such as an empty one, admits everything.
 */
export function accepts(header: string, mediaTypes: readonly string[]): boolean {
  // Quoted values occur in parameters only, and may contain commas and semicolons.
  const ranges = header
    .replaceAll(/"[^"]*"/g, '')
    .split(',')
    .map(parseRange)
    .filter((range) => range !== undefined)
  return ranges.length === 0 || mediaTypes.some((mediaType) => weightOf(mediaType, ranges) > 0)
}

function parseRange(text: string): MediaRange | undefined {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  // `*` alone is not in the grammar, but Java's HttpURLConnection sends it.
  const [type, subtype, ...more] = name === '*' ? ['*', '*'] : name.split('/')
  if (!type || !subtype || more.length > 0) return undefined
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  return { type, subtype, weight: weight === undefined ? 1 : parseWeight(weight) }
}

/** An invalid weight is ignored: it does not say that the type is unacceptable. */
function parseWeight(parameter: string): number {
  const text = parameter.slice(parameter.indexOf('=') + 1).trim()
  return /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : 1
}

/** The greatest weight among the most specific ranges that match; 0 if none matches. */
function weightOf(mediaType: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = mediaType.split('/')
  const matching = [
    ranges.filter((range) => range.type === type && range.subtype === subtype),
    ranges.filter((range) => range.type === type && range.subtype === '*'),
    ranges.filter((range) => range.type === '*' && range.subtype === '*'),
  ].find((level) => level.length > 0)
  return Math.max(0, ...(matching ?? []).map(({ weight }) => weight))
}
