import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { ReadContext } from '../cache/read-context.js'
import type { Config } from '../config/config.js'
import { WeakETag } from '../etag.js'

/** How a response was read from the cache, for its headers. */
export interface Freshness {
  /** When its oldest record was read from Trackstar, epoch ms. */
  readonly readAt: number
  readonly outcome: NonNullable<ReadContext['outcome']>
  /** Whether the body may contain `as_of` and `request_id`, which the ETag ignores. */
  readonly hasAsOf: boolean
  /** Whether a part is missing that may be available soon, so that the response must not be stored. */
  readonly isPartial: boolean
  /** For a body that is sent repeatedly, or in pieces: its ETag, once it is known. */
  readonly body?: { etag?: string } | undefined
}

export interface CacheHeadersOptions {
  readonly config: Pick<Config, 'cacheTtlSeconds' | 'cacheRevalidateSeconds'>
  /** Epoch ms. */
  readonly now: () => number
  /**
   * Whether stock events may be published. A client must then revalidate before every reuse: with a `max-age`, it would
   * read the old number from its own cache after an event with the new one.
   */
  readonly hasEvents: (request: FastifyRequest) => boolean
}

/** RFC 9211. */
const cacheStatus: Record<Freshness['outcome'], string> = {
  hit: 'trackstar-bff; hit',
  stale: 'trackstar-bff; hit; detail=stale',
  'fwd=stale': 'trackstar-bff; fwd=stale',
  'fwd=miss': 'trackstar-bff; fwd=miss',
}

/**
 * Sets `Age`, `ETag`, `Cache-Control`, `Vary` and `Cache-Status` on every response whose handler sets `reply.freshness`,
 * and answers a matching `If-None-Match` with 304 (RFC 9110, 13.1.2). ETags are weak: they ignore when the stock was read.
 * A route that sets an `ETag` itself gets the 304 as well.
 */
export default fastifyPlugin<CacheHeadersOptions>(
  async (app: FastifyInstance, { config, now, hasEvents }) => {
    const maxAge = Math.floor(config.cacheTtlSeconds)
    const staleWhileRevalidate = Math.floor(config.cacheRevalidateSeconds)
    const reusable = `private, max-age=${maxAge}, stale-while-revalidate=${staleWhileRevalidate}`
    app.decorateReply('freshness', null)
    app.addHook('onSend', (request, reply, payload, done) => {
      const { freshness } = reply
      const knownETag = freshness?.body?.etag
      if ((knownETag === undefined && !isBody(payload)) || reply.statusCode !== 200) {
        done(null, payload)
        return
      }
      if (freshness === null) {
        const ownETag = reply.getHeader('etag')
        const isKnown = typeof ownETag === 'string' && matchesIfNoneMatch(request, ownETag)
        if (isKnown) notModified(reply)
        done(null, isKnown && request.method !== 'HEAD' ? null : payload)
        return
      }
      const etag = knownETag ?? new WeakETag(freshness.hasAsOf).update(payload as string | Buffer).toString()
      if (freshness.body) freshness.body.etag = etag
      reply
        .header('age', Math.max(0, Math.floor((now() - freshness.readAt) / 1000)))
        .header('etag', etag)
        .header('cache-control', freshness.isPartial ? 'no-store' : hasEvents(request) ? 'private, no-cache' : reusable)
        .header('vary', 'Authorization, X-API-Key, Origin, Accept-Encoding')
        .header('cache-status', cacheStatus[freshness.outcome])
      if (!matchesIfNoneMatch(request, etag)) {
        done(null, payload)
        return
      }
      notModified(reply)
      // Fastify itself removes the body from a response to HEAD, and fails if there is none.
      done(null, request.method === 'HEAD' ? payload : null)
    })
  },
  { name: 'cache-headers' },
)

const isBody = (payload: unknown): payload is string | Buffer => typeof payload === 'string' || Buffer.isBuffer(payload)

/** What a proxy that compresses responses adds to an ETag, before the closing quote or, in old versions, behind it. */
const proxyMark = /(?:--?|;)(?:x-gzip|gzip|br|brotli|zstd|deflate|df)("?)$/i

/** Weak comparison, which ignores `W/` (RFC 9110, 8.8.3.2), and what a proxy added to the tag. */
function matchesIfNoneMatch(request: FastifyRequest, etag: string): boolean {
  const header = request.headers['if-none-match']
  if (header === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false
  const opaque = etag.slice(2)
  return header.split(',').some((tag) => {
    const given = tag.trim().replace(/^W\//, '')
    return given === '*' || given === opaque || given.replace(proxyMark, '$1') === opaque
  })
}

/** A 304 has no body, and so no headers that describe one (RFC 9110, 15.4.5). */
function notModified(reply: FastifyReply): void {
  reply.code(304)
  for (const name of ['content-type', 'content-length', 'content-encoding']) reply.removeHeader(name)
}

declare module 'fastify' {
  interface FastifyReply {
    /** Set by handlers that answer from the cache. */
    freshness: Freshness | null
  }
}
