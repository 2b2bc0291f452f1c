import { ApiError } from './refusal.js'

/** The tokens that pages are walked by. Each is good until they are made to expire. */
export class PageTokens {
  #generation = 0

  /** Makes every token that was given so far be refused. */
  expire(): void {
    this.#generation++
  }

  /** The token of the page that goes on from a slot. */
  tokenOf(slot: number): string {
    return Buffer.from(`${this.#generation}:${slot}`).toString('base64url')
  }

  /** Where a token goes on from; 0 where there is none. Refuses one that was never given, or has expired, with a 422. */
  slotOf(token: string | null): number {
    if (token === null) return 0
    const [, generation, slot] = /^(\d+):(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
    if (slot === undefined) throw new ApiError(422, 'page_token: expected the next_token of an earlier page')
    if (Number(generation) !== this.#generation) throw new ApiError(422, 'page_token: has expired')
    return Number(slot)
  }
}
