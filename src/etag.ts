import { createHash } from 'node:crypto'

/**
 * A body without `as_of` and `request_id`, which ETags ignore. Exact on serialized JSON: inside a string the quotes would be
 * escaped.
 */
export const withoutReadTimes = (json: string) => json.replaceAll(/"(?:as_of|request_id)":"[^"]*"/g, '')

/** The weak ETag of a body that comes in pieces (RFC 9110, 8.8.3). Equal bodies have the same, however they are cut. */
export class WeakETag {
  readonly #hash = createHash('sha1')

  /** @param ignoresReadTimes whether `as_of` and `request_id` are left out, so that only a change of stock changes the ETag */
  constructor(private readonly ignoresReadTimes: boolean) {}

  /** Adds a piece of the body. With `ignoresReadTimes`, no piece may end within a field. */
  update(piece: string | Buffer): this {
    this.#hash.update(this.ignoresReadTimes ? withoutReadTimes(String(piece)) : piece)
    return this
  }

  toString(): string {
    return `W/"${this.#hash.digest('base64url')}"`
  }
}
