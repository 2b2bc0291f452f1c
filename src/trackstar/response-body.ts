import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'

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
}

type Chunks = AsyncIterable<Uint8Array>

/**
 * Reads a body as UTF-8 text. It is decoded while it is received, and given up as soon as it passes {@link maxBodyBytes}:
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
 * @throws {@link UnusableBody} if the text is not JSON, or has too many objects and arrays or levels of them
 */
export function parseJson(text: string): JsonBody {
  const { levels, containers } = measure(text)
  if (levels > maxLevels) throw new UnusableBody(`must not have more than ${maxLevels} levels of nesting`)
  if (containers > maxContainers) throw new UnusableBody(`must not have more than ${maxContainers} objects and arrays`)
  try {
    return { value: JSON.parse(text), isDeep: levels > maxSafeLevels }
  } catch (cause) {
    throw Object.assign(new UnusableBody('must be JSON'), { cause })
  }
}

/** Counts the objects and arrays of a JSON text, and the most levels of them that lie within each other. */
function measure(text: string): { levels: number; containers: number } {
  let level = 0
  let levels = 0
  let containers = 0
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (isString) {
      if (character === 0x5c) at++
      else if (character === 0x22) isString = false
    } else if (character === 0x22) isString = true
    else if (character === 0x7b || character === 0x5b) {
      containers++
      if (++level > levels) levels = level
    } else if (character === 0x7d || character === 0x5d) level--
  }
  return { levels, containers }
}
