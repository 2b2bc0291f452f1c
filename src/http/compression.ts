import compress from '@fastify/compress'
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

/** The stock of one SKU is smaller and fits into a packet or two, so compressing it would cost more than it saves. */
const thresholdBytes = 4096

/**
 * Compresses responses of 4 KiB and more with brotli or gzip, except event streams. Compressed request bodies are
 * rejected with 415 (RFC 9110, 15.5.16), because a small one could expand to any size. The response to a HEAD request
 * has no `Content-Length` if GET might compress it, because a wrong length is worse than none (RFC 9110, 8.6).
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRoute', (route) => {
      // Large static files on open routes: compressing them for each request would be an easy way to load the service.
      if (route.url.startsWith('/docs/static')) route.compress = false
    })
    await app.register(compress, {
      threshold: thresholdBytes,
      encodings: ['br', 'gzip'],
      globalDecompression: false,
    })
    // A route hook, so that it runs after Fastify's own, which sets the length.
    app.addHook('onRoute', (route) => {
      if (route.method === 'HEAD') route.onSend = [route.onSend ?? [], removeLength].flat()
    })
    app.addHook('preParsing', (request, reply, _payload, done) => {
      done(hasEncodedBody(request) ? rejectEncoding(request, reply) : undefined)
    })
  },
  { name: 'compression', dependencies: ['problems', 'auth'] },
)

const removeLength: onSendHookHandler = (_request, reply, payload, done) => {
  if (Number(reply.getHeader('content-length')) >= thresholdBytes) reply.removeHeader('content-length')
  done(null, payload)
}

function hasEncodedBody({ method, headers, is404 }: FastifyRequest): boolean {
  const { 'content-encoding': encoding = 'identity' } = headers
  return encoding.toLowerCase() !== 'identity' && method !== 'GET' && method !== 'HEAD' && !is404
}

function rejectEncoding({ headers }: FastifyRequest, reply: FastifyReply) {
  // The encodings that are supported (RFC 9110, 12.5.3).
  reply.header('accept-encoding', 'identity')
  const given = JSON.stringify(headers['content-encoding']?.slice(0, 100))
  return problem('unsupported_media_type', `Expected a body without Content-Encoding, but got ${given}`)
}
