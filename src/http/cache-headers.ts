import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Config } from '../config/config.js'

/** How an answer from the cache came to be: what its headers tell. */
export interface Freshness {
  /** When the oldest record in it was read, epoch ms. */
  readonly readAt: number
  readonly outcome: 'hit' | 'stale' | 'fwd=stale' | 'fwd=miss'
  /** Whether the body is ours, so that its ETag leaves out what says nothing of the stock: `as_of` and `request_id`. */
  readonly saysAsOf: boolean
  /** Whether something is missing that may be there in a moment: then nobody is to keep the answer. */
  readonly isPartial: boolean
  /** Of a body that is sent again and again: where its tag stays from one answer to the next. */
  readonly body?: { etag?: string } | undefined
}

export interface FreshnessOptions {
  readonly config: Pick<Config, 'cacheTtlSeconds' | 'cacheRevalidateSeconds'>
  /** Epoch ms. */
  readonly now: () => number
}

/** RFC 9211. */
const cacheStatus: Record<Freshness['outcome'], string> = {
  hit: 'trackstar-bff; hit',
  stale: 'trackstar-bff; hit; detail=stale',
  'fwd=stale': 'trackstar-bff; fwd=stale',
  'fwd=miss': 'trackstar-bff; fwd=miss',
}

/**
 * `Age`, `ETag`, `Cache-Control`, `Vary` and `Cache-Status` on every answer whose handler has set `reply.freshness`, and
 * 304 for what the caller has already (RFC 9110, 13.1.2). The tag is weak: it leaves out when the stock was read.
 */
export default fastifyPlugin<FreshnessOptions>(
  async (app: FastifyInstance, { config, now }) => {
    const maxAge = Math.floor(config.cacheTtlSeconds)
    const staleWhileRevalidate = Math.floor(config.cacheRevalidateSeconds)
    const cacheControl = `private, max-age=${maxAge}, stale-while-revalidate=${staleWhileRevalidate}`
    app.decorateReply('freshness', null)
    app.addHook('onSend', (request, reply, payload, done) => {
      const { freshness } = reply
      if (freshness === null || !isBody(payload) || reply.statusCode !== 200) {
        done(null, payload)
        return
      }
      const etag = freshness.body?.etag ?? tagOf(payload, freshness)
      if (freshness.body) freshness.body.etag = etag
      reply
        .header('age', Math.max(0, Math.floor((now() - freshness.readAt) / 1000)))
        .header('etag', etag)
        .header('cache-control', freshness.isPartial ? 'no-store' : cacheControl)
        .header('vary', 'Authorization, X-API-Key, Origin, Accept-Encoding')
        .header('cache-status', cacheStatus[freshness.outcome])
      if (!isKnown(request, etag)) {
        done(null, payload)
        return
      }
      notModified(reply)
      // Fastify takes the body off an answer to HEAD itself, and fails where there is none.
      done(null, request.method === 'HEAD' ? payload : null)
    })
  },
  { name: 'freshness' },
)

const isBody = (payload: unknown): payload is string | Buffer => typeof payload === 'string' || Buffer.isBuffer(payload)

const tagOf = (payload: string | Buffer, { saysAsOf }: Freshness) =>
  `W/"${hash('sha1', saysAsOf ? stockAlone(String(payload)) : payload, 'base64url')}"`

/** The same stock read again is the same stock. Exact on serialised JSON: inside a string the quotes would be escaped. */
const stockAlone = (json: string) => json.replaceAll(/"(?:as_of|request_id)":"[^"]*"/g, '')

/** Whether `If-None-Match` names this tag. Weak comparison: `W/` does not matter. */
function isKnown(request: FastifyRequest, etag: string): boolean {
  const given = request.headers['if-none-match']
  if (given === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false
  const opaque = etag.slice(2)
  return given.split(',').some((tag) => {
    const trimmed = tag.trim()
    return trimmed === '*' || trimmed === opaque || trimmed === etag
  })
}

/** Without a body, and so without the headers that describe one (RFC 9110, 15.4.5). */
function notModified(reply: FastifyReply): void {
  reply.code(304).removeHeader('content-type').removeHeader('content-length')
}

declare module 'fastify' {
  interface FastifyReply {
    /** Set by handlers of cached reads. */
    freshness: Freshness | null
  }
}
