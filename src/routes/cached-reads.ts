import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Directives, ReadContext } from '../cache/read-context.js'

/** Creates the {@link ReadContext} of a request. */
export type ReadContextOf = (request: FastifyRequest) => ReadContext

/**
 * Creates read contexts with a deadline `timeoutMs` from now, for the request's client, by its `Cache-Control`.
 * @param elapsed monotonic clock, ms
 */
export const createReadContexts =
  (timeoutMs: number, elapsed: () => number): ReadContextOf =>
  (request) => {
    const context = new ReadContext(request.client, elapsed() + timeoutMs, parseDirectives(request))
    request.readContext = context
    return context
  }

/**
 * Parses `Cache-Control` (RFC 9111, 5.2.1) and ignores unknown directives, as the RFC requires. Also ignores `no-cache`
 * beside `If-None-Match`, because browsers' `fetch` adds it to every conditional request.
 */
function parseDirectives({ headers }: FastifyRequest): Directives {
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

/**
 * Makes the response carry freshness headers.
 * @param readAt when the oldest record in the response was read, epoch ms
 */
export function setFreshness(
  reply: FastifyReply,
  context: ReadContext,
  readAt: number,
  {
    hasAsOf = false,
    isPartial = false,
    body,
  }: { hasAsOf?: boolean; isPartial?: boolean; body?: { etag?: string } } = {},
): void {
  reply.freshness = { readAt, outcome: context.outcome ?? 'hit', hasAsOf, isPartial, body }
}
