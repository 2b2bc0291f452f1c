import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { problem } from '../errors.js'
import { WeakETag } from '../etag.js'
import type { JsonPart } from '../services/stock-json.js'
import type { Steps } from '../steps.js'

/** A text and its length in UTF-8. */
type Part = Pick<JsonPart, 'text' | 'bytes'>

/** A serialised body in parts, with its ETag. */
export interface LargeBody {
  readonly parts: readonly Part[]
  /** In UTF-8. */
  readonly bytes: number
  readonly etag: string
  /** What only this response holds in memory: other parts are shared. */
  readonly ownBytes: number
}

/** What is written to a socket at once. */
const pieceBytes = 64 * 1024
/** Pieces that are written in one turn of the event loop: a few milliseconds. */
const piecesPerTurn = 8
/** No client needs more at once. */
const maxBytes = 64 * 1024 * 1024
/** A shorter part is copied: that takes less than to hold it. */
const minSharedBytes = 256

/** A body that is being put together. */
export type BodyDraft = Pick<Draft, 'add' | 'addPart'>

class Draft {
  readonly #parts: Part[] = []
  readonly #etag = new WeakETag(true)
  #bytes = 0
  #ownBytes = 0
  /** The last part, while it grows. */
  #text = ''
  #marks = ''

  get bytes(): number {
    return this.#bytes + this.#text.length
  }

  /**
   * Adds a text that is made for this response.
   * @param mark what the ETag is made of, without read times; default: the text
   */
  add(text: string, mark = text): void {
    this.#append(text)
    this.#mark(mark)
  }

  /** Adds a part of which the ETag takes the hash. */
  addPart(part: JsonPart, isShared: boolean): void {
    this.#mark(part.hash)
    if (!isShared || part.bytes < minSharedBytes) {
      this.#append(part.text)
      return
    }
    this.#flush()
    this.#parts.push(part)
    this.#bytes += part.bytes
  }

  finish(): LargeBody {
    this.#flush()
    const etag = this.#etag.update(this.#marks).toString()
    return { parts: this.#parts, bytes: this.#bytes, ownBytes: this.#ownBytes, etag }
  }

  #append(text: string): void {
    this.#text += text
    if (this.#text.length >= pieceBytes) this.#flush()
  }

  #flush(): void {
    const text = this.#text
    if (text === '') return
    const bytes = Buffer.byteLength(text)
    this.#parts.push({ text, bytes })
    this.#bytes += bytes
    this.#ownBytes += bytes
    this.#text = ''
  }

  #mark(text: string): void {
    this.#marks += text
    if (this.#marks.length < pieceBytes) return
    this.#etag.update(this.#marks)
    this.#marks = ''
  }
}

/**
 * Puts an array within a JSON object together, element by element.
 * @param open what comes before the first element
 * @param close what comes after the last one
 * @param write adds the parts of one element
 * @throws `validation_failed` if the body would exceed 64 MiB
 */
export function* arrayBody<T>(
  open: string,
  elements: Iterable<T>,
  close: string,
  write: (element: T, draft: BodyDraft) => void,
): Steps<LargeBody> {
  const draft = new Draft()
  draft.add(open)
  let isFirst = true
  for (const element of elements) {
    if (!isFirst) {
      draft.add(',')
      yield
    }
    isFirst = false
    write(element, draft)
    if (draft.bytes > maxBytes) {
      throw problem('validation_failed', `The response would exceed ${maxBytes} bytes; ask for less at a time`)
    }
  }
  draft.add(close)
  return draft.finish()
}

/** Sends a body of JSON: a small one at once, a large one piece by piece, as fast as the client reads it. */
export function sendLargeBody(reply: FastifyReply, body: LargeBody): FastifyReply {
  reply.type('application/json; charset=utf-8')
  if (body.bytes <= pieceBytes) return reply.send(body.parts.map(({ text }) => text).join(''))
  return reply.header('content-length', body.bytes).send(new BodyStream(body))
}

/**
 * Makes a piece when the one before is taken, so that a client that reads slowly makes no copies wait in memory. Pieces are
 * text: buffers of that size would be outside of V8's heap, and have it collect garbage over and over.
 */
class BodyStream extends Readable {
  readonly #parts: readonly Part[]
  /** What is held in memory until the client has read it, in bytes. */
  readonly heldBytes: number
  #next = 0
  #pieces = 0

  constructor({ parts, ownBytes }: LargeBody) {
    super({ highWaterMark: pieceBytes, encoding: 'utf8' })
    this.#parts = parts
    this.heldBytes = ownBytes + pieceBytes
  }

  override _read(): void {
    if (++this.#pieces % piecesPerTurn === 0) setImmediate(() => this.#pushPiece())
    else this.#pushPiece()
  }

  #pushPiece(): void {
    let text = ''
    for (let part = this.#parts[this.#next]; part !== undefined && text.length < pieceBytes; ) {
      text += part.text
      part = this.#parts[++this.#next]
    }
    this.push(text === '' ? null : text, 'utf8')
  }
}
