import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { problem } from '../errors.js'
import { WeakETag } from '../etag.js'
import type { Steps } from '../steps.js'

/** A serialised body in parts, with its ETag. */
export interface LargeBody {
  readonly parts: readonly string[]
  /** In UTF-8. */
  readonly bytes: number
  readonly etag: string
  /** What only this response holds in memory: other parts are shared. */
  readonly ownBytes: number
}

/** About as much as one write to a socket takes. */
const pieceLength = 64 * 1024
/** Pieces that are written in one turn of the event loop: about a millisecond. */
const piecesPerTurn = 8
/** No client needs more at once. */
const maxBytes = 64 * 1024 * 1024

/** A part of a body, whose size and ETag may be known already. */
export interface BodyPart {
  readonly text: string
  readonly bytes: number
  /** What the ETag of the body is made of. */
  readonly mark: string
  readonly isShared: boolean
}

/** A part that is made for one response. The ETag ignores its read times. */
export const ownPart = (text: string): BodyPart => ({
  text,
  bytes: Buffer.byteLength(text),
  mark: text,
  isShared: false,
})

/**
 * Puts an array within a JSON object together, element by element.
 * @param open what comes before the first element
 * @param close what comes after the last one
 * @param partsOf returns one element as JSON
 * @throws `validation_failed` if the body would exceed 64 MiB
 */
export function* arrayBody<T>(
  open: string,
  elements: Iterable<T>,
  close: string,
  partsOf: (element: T) => readonly BodyPart[],
): Steps<LargeBody> {
  const etag = new WeakETag(true)
  const parts: string[] = []
  const sizes = { bytes: 0, ownBytes: 0 }
  let marks = ''
  const add = ({ text, bytes, mark, isShared }: BodyPart) => {
    parts.push(text)
    sizes.bytes += bytes
    if (!isShared) sizes.ownBytes += bytes
    marks += mark
  }
  add(ownPart(open))
  let isFirst = true
  for (const element of elements) {
    if (!isFirst) {
      add(comma)
      yield
    }
    isFirst = false
    for (const part of partsOf(element)) add(part)
    if (marks.length >= pieceLength) {
      etag.update(marks)
      marks = ''
    }
    if (sizes.bytes > maxBytes) {
      throw problem('validation_failed', `The response would exceed ${maxBytes} bytes; ask for less at a time`)
    }
  }
  add(ownPart(close))
  return { parts, ...sizes, etag: etag.update(marks).toString() }
}

const comma = ownPart(',')

/** Sends a body of JSON: a small one at once, a large one piece by piece, as fast as the client reads it. */
export function sendLargeBody(reply: FastifyReply, body: LargeBody): FastifyReply {
  reply.type('application/json; charset=utf-8')
  if (body.bytes <= pieceLength) return reply.send(body.parts.join(''))
  return reply.header('content-length', body.bytes).send(new BodyStream(body))
}

/** Makes a piece when the one before is taken, so that a client that reads slowly makes no copies wait in memory. */
class BodyStream extends Readable {
  readonly #parts: Iterator<string>
  /** What is held in memory until the client has read it, in bytes. */
  readonly heldBytes: number
  #pieces = 0

  constructor({ parts, ownBytes }: LargeBody) {
    super({ highWaterMark: pieceLength })
    this.#parts = parts.values()
    this.heldBytes = ownBytes + pieceLength
  }

  override _read(): void {
    if (++this.#pieces % piecesPerTurn === 0) setImmediate(() => this.#pushPiece())
    else this.#pushPiece()
  }

  #pushPiece(): void {
    let text = ''
    while (text.length < pieceLength) {
      const { done, value } = this.#parts.next()
      if (done) break
      text += value
    }
    this.push(text === '' ? null : Buffer.from(text))
  }
}
