import { ApiError } from './refusal.js'

const keptMs = 24 * 3600 * 1000
const longestKey = 255

interface Attempt {
  /** Path and body: what a key stands for. */
  readonly request: string
  readonly at: number
  /** What the first success answered; undefined while it runs. */
  answer: string | undefined
}

/** The idempotency keys of one connection, each kept for 24 hours from its first use. */
export class IdempotencyKeys {
  readonly #attempts = new Map<string, Attempt>()

  /**
   * Begins an attempt. Gives the first success to replay where there was one, and undefined where the caller is to go
   * on and then {@link finish}. Refuses a key that is too long (422), one that stood for another request (400) and one
   * whose first attempt is still running (409).
   */
  begin(key: string, request: string, at: number): string | undefined {
    if (key.length > longestKey) {
      throw new ApiError(422, `Idempotency-Key: expected at most ${longestKey} characters, but got: ${key.length}`)
    }
    this.#forget(at)
    const earlier = this.#attempts.get(key)
    if (!earlier) {
      this.#attempts.set(key, { request, at, answer: undefined })
      return undefined
    }
    if (earlier.request !== request) throw new ApiError(400, 'Idempotency-Key was used with another body or path')
    if (earlier.answer === undefined) throw new ApiError(409, 'The first request with this Idempotency-Key still runs')
    return earlier.answer
  }

  /** Ends an attempt: remembers the success, or releases the key where there was none. */
  finish(key: string, answer: string | undefined): void {
    const attempt = this.#attempts.get(key)
    if (answer === undefined) this.#attempts.delete(key)
    else if (attempt) attempt.answer = answer
  }

  #forget(at: number): void {
    for (const [key, attempt] of this.#attempts) {
      if (at - attempt.at < keptMs) return
      this.#attempts.delete(key)
    }
  }
}
