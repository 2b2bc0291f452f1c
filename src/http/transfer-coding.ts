import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

/**
 * Refuses any transfer coding but `chunked`, and that in HTTP/1.1 (RFC 9112, 6.1): who reads such a request otherwise
 * might be a proxy in front of this service. At once, before any plugin that takes a turn of the event loop: in the next
 * one Node ends the connection itself where it cannot tell how long the body is.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, reply, done) => {
      const isRefused = !isTaken(request.raw)
      if (isRefused && !hasEnd(request.raw)) reply.header('connection', 'close')
      const detail = 'Expected no transfer coding but chunked, and that in HTTP/1.1'
      done(isRefused ? problem('validation_failed', detail) : undefined)
    })
  },
  { name: 'transfer-coding' },
)

const isTaken = ({ headers: { 'transfer-encoding': coding }, httpVersion }: IncomingMessage) =>
  coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion === '1.1')

/** Whether it can be told where the body ends, and so what comes behind it (RFC 9112, 6.3). */
const hasEnd = ({ headers }: IncomingMessage) =>
  /(?:^|,)[ \t]*chunked$/i.test(headers['transfer-encoding'] ?? 'chunked')
