import compress from '@fastify/compress'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** One stock of a SKU is smaller, and within a packet or two: compressing it would cost more than it saves. */
const thresholdBytes = 4096

/**
 * Compresses answers from 4 KiB on, for who accepts brotli or gzip; streams of events are never held up by it. Bodies of
 * requests are not decompressed: a small one could become any size.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    await app.register(compress, {
      threshold: thresholdBytes,
      encodings: ['br', 'gzip'],
      globalDecompression: false,
    })
  },
  { name: 'compression' },
)
