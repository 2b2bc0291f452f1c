import compress from '@fastify/compress'
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

/** One stock of a SKU is smaller, and within a packet or two: compressing it would cost more than it saves. */
const thresholdBytes = 4096

/**
 * Compresses answers from 4 KiB on, for who accepts brotli or gzip; streams of events are never held up by it. Bodies of
 * requests are not decompressed, because a small one could become any size: 415 (RFC 9110, 15.5.16). An answer to HEAD
 * does not say how long it would be where that might be compressed (RFC 9110, 8.6: a wrong length is worse than none).
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRoute', (route) => {
      // Large, the same for everybody and rarely asked for, by whom nobody asks for a key: not worth anew each time.
      if (route.url.startsWith('/docs/static')) route.compress = false
    })
    await app.register(compress, {
      threshold: thresholdBytes,
      encodings: ['br', 'gzip'],
      globalDecompression: false,
    })
    // Registered last, so that it comes after what Fastify itself says of a length.
    app.addHook('onRoute', (route) => {
      if (route.method === 'HEAD') route.onSend = [route.onSend ?? [], forgetLength].flat()
    })
    app.addHook('preParsing', (request, reply, _payload, done) => {
      done(isEncoded(request) ? refusal(reply) : undefined)
    })
  },
  { name: 'compression', dependencies: ['problems', 'access'] },
)

const forgetLength: onSendHookHandler = (_request, reply, payload, done) => {
  if (Number(reply.getHeader('content-length')) >= thresholdBytes) reply.removeHeader('content-length')
  done(null, payload)
}

function isEncoded({ method, headers, is404 }: FastifyRequest): boolean {
  const { 'content-encoding': encoding = 'identity' } = headers
  return encoding.toLowerCase() !== 'identity' && method !== 'GET' && method !== 'HEAD' && !is404
}

function refusal(reply: FastifyReply) {
  // What would do (RFC 9110, 12.5.3).
  reply.header('accept-encoding', 'identity')
  return problem('unsupported_media_type', 'Expected a body as it is, but its Content-Encoding says otherwise')
}
