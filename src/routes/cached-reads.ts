import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Directives, ReadContext } from '../cache/read-context.js'

/** How routes get the {@link ReadContext} of a request. */
export type ReadContextOf = (request: FastifyRequest) => ReadContext

/**
 * A reading on behalf of `request`, due within `timeoutMs`; its client takes turns with others.
 * @param elapsed ms on a clock that never steps back
 */
export const createReadContexts =
  (timeoutMs: number, elapsed: () => number): ReadContextOf =>
  (request) => {
    const reading = new ReadContext(request.client, elapsed() + timeoutMs, directives(request))
    request.reading = reading
    return reading
  }

/**
 * What `Cache-Control` asks for (RFC 9111, 5.2.1); unknown directives are ignored, as it says. `no-cache` beside
 * `If-None-Match` is ignored as well: a browser's `fetch` adds it to every conditional request, unasked.
 */
function directives({ headers }: FastifyRequest): Directives {
  const value = headers['cache-control']
  if (value === undefined) return {}
  const given = value
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  const maxAge = given.map((directive) => /^max-age="?(\d+)"?$/.exec(directive)?.[1]).find((age) => age !== undefined)
  return {
    noCache: given.includes('no-cache') && headers['if-none-match'] === undefined,
    onlyIfCached: given.includes('only-if-cached'),
    ...(maxAge !== undefined && { maxAgeMs: Number(maxAge) * 1000 }),
  }
}

/** A body that is sent again and again, in bytes, and its tag, once it has one. */
export interface Body {
  readonly json: Buffer
  etag?: string
}

/** Tells the freshness headers how the answer came to be. */
export function setFreshness(
  reply: FastifyReply,
  reading: ReadContext,
  readAt: number,
  { saysAsOf = false, isPartial = false, body }: { saysAsOf?: boolean; isPartial?: boolean; body?: Body } = {},
): void {
  reply.freshness = { readAt, outcome: reading.outcome ?? 'hit', saysAsOf, isPartial, body }
}
