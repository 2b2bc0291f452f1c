import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { parseExactKeys } from '../records/long-numbers.js'
import { inTurns, type Steps } from '../steps.js'

/** The content codings that are accepted, as `Accept-Encoding`. */
export const acceptedCodings = 'gzip, deflate, br'
/** Most bytes of a body: as received, after each coding, and in the end. */
export const maxBodyBytes = 32 * 1024 * 1024
/** More codings than this, one on top of the other, are not decoded. */
const maxCodings = 4
/** Most objects and arrays in a body. Real records need far more than 32 bytes for each. */
const maxContainers = 1_000_000
/** Most levels of nesting that are parsed at all. */
const maxLevels = 20_000
/** More levels of nesting overflow the stack of whatever walks through the value by recursion. */
export const maxSafeLevels = 100

/** A body that was received and is of no use. `message` says what it should have been, as in "must be JSON". */
export class UnusableBody extends Error {}

/** A parsed body. */
export interface JsonBody {
  readonly value: unknown
  /** Whether the value has more than {@link maxSafeLevels} levels of nesting. */
  readonly isDeep: boolean
  /** The size of each element of `data` as compact JSON, in bytes; undefined if `data` is no list. */
  readonly dataBytes?: readonly number[] | undefined
}

type Chunks = AsyncIterable<Uint8Array>

/**
 * Reads a body as UTF-8 text. It is decoded while it is received, and abandoned as soon as it exceeds {@link maxBodyBytes}:
 * the connection is closed then.
 *
 * Not undici's interceptor for this: it is experimental, and it leaves error responses and unknown codings as they are.
 * @param contentEncoding the header (RFC 9110, 8.4); `x-gzip`, several members of gzip, and `deflate` without the frame
 * of zlib are understood as well
 * @throws {@link UnusableBody} for a body that is too large or cannot be decoded; what `body` throws otherwise
 */
export async function readText(body: Readable, contentEncoding: string | readonly string[] = []): Promise<string> {
  // A stream that is destroyed early emits an error, besides what its reader is told.
  body.on('error', () => {})
  const codings = [contentEncoding]
    .flat()
    .flatMap((line) => line.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length > maxCodings || codings.some((coding) => !decoders.has(coding))) {
    body.destroy()
    throw new UnusableBody(`must have a content coding that was requested (${acceptedCodings})`)
  }
  let failure: unknown
  async function* received() {
    try {
      yield* bounded(body)
    } catch (error) {
      failure = error
      throw error
    }
  }
  const chunks: Uint8Array[] = []
  try {
    const decoded = codings.reduceRight<Chunks>((source, coding) => bounded(decode(source, coding)), received())
    for await (const chunk of decoded) chunks.push(chunk)
  } catch (error) {
    if (failure !== undefined) throw failure
    if (error instanceof UnusableBody) throw error
    throw Object.assign(new UnusableBody('must be encoded as Content-Encoding says'), { cause: error })
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

async function* bounded(source: Chunks): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.byteLength
    if (bytes > maxBodyBytes) throw new UnusableBody('must not be larger than 32 MiB')
    yield chunk
  }
}

/** Creates the decoder of a coding, by the first bytes that it will decode. */
const decoders = new Map<string, (first: Uint8Array) => Transform>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['br', () => createBrotliDecompress()],
  // Some servers leave out the frame of zlib (RFC 1950), whose first byte names the method 8.
  ['deflate', (first) => (((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw())],
])

/** Decodes one coding. An empty body needs no decoding. */
async function* decode(source: Chunks, coding: string): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  let first = await chunks.next()
  while (!first.done && first.value.byteLength === 0) first = await chunks.next()
  if (first.done) return
  const { value } = first
  async function* all() {
    yield value
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  const decoder = decoders.get(coding)?.(value)
  if (decoder === undefined) return
  // An error of the source destroys the decoder, and the consumer of the decoder gets it from there.
  pipeline(Readable.from(all()), decoder, () => {})
  yield* decoder
}

/**
 * Parses a body as JSON. V8 parses any nesting, but whatever walks through the value by recursion would overflow the
 * stack; and a few bytes of text for each object would be many in memory.
 *
 * The elements of `data`, of which a page has a thousand, are parsed one by one, so that the event loop is not held for
 * all of them.
 * @throws {@link UnusableBody} if the text is not JSON, or has too many objects and arrays or levels of them
 */
export async function parseJson(text: string): Promise<JsonBody> {
  const { levels, containers, data } = await inTurns(scan(text))
  if (levels > maxLevels) throw new UnusableBody(`must not have more than ${maxLevels} levels of nesting`)
  if (containers > maxContainers) throw new UnusableBody(`must not have more than ${maxContainers} objects and arrays`)
  const isDeep = levels > maxSafeLevels
  try {
    const page = data && (await inTurns(parsePage(text, data)))
    return { isDeep, ...(page ?? { value: parseExactKeys(text) }) }
  } catch (cause) {
    throw Object.assign(new UnusableBody('must be JSON'), { cause })
  }
}

/** Where an element of a list is in the text, and its size without the whitespace between its tokens. */
interface Element {
  readonly from: number
  readonly to: number
  readonly bytes: number
}

/** A list in a text. */
interface List {
  /** Behind the opening bracket. */
  readonly from: number
  /** At the closing bracket. */
  to: number
  readonly elements: Element[]
}

interface Structure {
  /** The most levels of objects and arrays within each other. */
  readonly levels: number
  readonly containers: number
  /** The list `data` of the object that the text is; undefined if there is none, or more than one. */
  readonly data: List | undefined
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const space = 0x20
const scannedAtOnce = 64 * 1024

/** Finds the structure of a JSON text. Of a text that is not JSON, it finds anything. */
function* scan(text: string): Steps<Structure> {
  let level = 0
  let levels = 0
  let containers = 0
  let string = { from: 0, to: 0 }
  const lists: List[] = []
  let list: List | undefined
  let elementFrom = 0
  let whitespace = 0
  const isObject = /^\s*\{/.test(text)
  const endElement = (to: number) => {
    const bytes = Buffer.byteLength(text.slice(elementFrom, to)) - whitespace
    list?.elements.push({ from: elementFrom, to, bytes })
  }
  const beginElement = (from: number) => {
    elementFrom = from
    whitespace = 0
  }
  let pauseAt = scannedAtOnce
  for (let at = 0; at < text.length; at++) {
    if (at >= pauseAt) {
      yield
      pauseAt = at + scannedAtOnce
    }
    const character = text.charCodeAt(at)
    if (character <= space) whitespace++
    else if (character === quote) {
      const from = at
      at = endOfString(text, at)
      if (level === 1) string = { from, to: at + 1 }
    } else if (character === openBrace || character === openBracket) {
      containers++
      if (++level > levels) levels = level
      const isData =
        level === 2 && isObject && character === openBracket && text.slice(string.from, string.to) === '"data"'
      if (isData) {
        list = { from: at + 1, to: at, elements: [] }
        lists.push(list)
        beginElement(at + 1)
      }
    } else if (character === closeBrace || character === closeBracket) {
      if (level === 2 && list !== undefined) {
        if (list.elements.length > 0 || text.slice(elementFrom, at).trim() !== '') endElement(at)
        list.to = at
        list = undefined
      }
      level--
    } else if (character === comma && level === 2 && list !== undefined) {
      endElement(at)
      beginElement(at + 1)
    }
  }
  return { levels, containers, data: lists.length === 1 && list === undefined ? lists[0] : undefined }
}

/** The place of the quote that ends a string, or the end of the text. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === quote) return at
    if (character === backslash) at++
  }
  return text.length
}

/** Stands for the elements of `data` while the text around them is parsed. */
const placeholder = 'the elements of data'

/**
 * Parses an object whose `data` is this list. Undefined if it is not, because another field, written differently, is
 * `data` as well.
 */
function* parsePage(
  text: string,
  { from, to, elements }: List,
): Steps<{ value: unknown; dataBytes: readonly number[] } | undefined> {
  const rest = text.slice(0, from) + JSON.stringify(placeholder) + text.slice(to)
  const page = JSON.parse(rest) as { data?: unknown }
  if (!Array.isArray(page.data) || page.data.length !== 1 || page.data[0] !== placeholder) return undefined
  const data: unknown[] = []
  for (const element of elements) {
    data.push(parseExactKeys(text.slice(element.from, element.to)))
    yield
  }
  page.data = data
  return { value: page, dataBytes: elements.map(({ bytes }) => bytes) }
}
