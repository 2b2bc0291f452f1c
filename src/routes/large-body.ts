import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { problem } from '../errors.js'
import { WeakETag } from '../etag.js'
import type { Steps } from '../steps.js'

/** A serialised body in pieces, with its ETag. */
export interface LargeBody {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  readonly etag: string
}

/** About as much as one write to a socket takes. */
const pieceLength = 64 * 1024
/** No client needs more at once, and each answer is held in memory until the client has read it. */
const maxBytes = 64 * 1024 * 1024

/**
 * Serialises an array within a JSON object, element by element.
 * @param open what comes before the first element
 * @param close what comes after the last one
 * @param serialise returns one element as JSON
 * @throws `validation_failed` if the body would exceed 64 MiB
 */
export function* serialiseArray<T>(
  open: string,
  elements: Iterable<T>,
  close: string,
  serialise: (element: T) => string,
): Steps<LargeBody> {
  const etag = new WeakETag(true)
  const pieces: Buffer[] = []
  let bytes = 0
  let text = open
  let isFirst = true
  const flush = () => {
    const piece = Buffer.from(text)
    etag.update(text)
    pieces.push(piece)
    bytes += piece.length
    text = ''
  }
  for (const element of elements) {
    if (!isFirst) {
      text += ','
      yield
    }
    isFirst = false
    text += serialise(element)
    if (text.length >= pieceLength) flush()
    if (bytes > maxBytes) {
      throw problem('validation_failed', `The response would exceed ${maxBytes} bytes; ask for less at a time`)
    }
  }
  text += close
  flush()
  return { pieces, bytes, etag: etag.toString() }
}

/** Sends a body of JSON: a small one at once, a large one as fast as the client reads it. */
export function sendLargeBody(reply: FastifyReply, { pieces, bytes }: LargeBody): FastifyReply {
  reply.type('application/json; charset=utf-8')
  const [only] = pieces
  if (pieces.length === 1) return reply.send(only)
  const stream = new Readable({ read() {} })
  for (const piece of pieces) stream.push(piece)
  stream.push(null)
  return reply.header('content-length', bytes).send(stream)
}
