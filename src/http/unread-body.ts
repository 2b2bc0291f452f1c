import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface LingerLimits {
  /** How long a client may go on sending, in ms. */
  readonly totalMs: number
  /** How long it may pause, in ms. */
  readonly idleMs: number
  /** How much of it is read, in bytes. */
  readonly bytes: number
}

const defaultLimits: LingerLimits = { totalMs: 10_000, idleMs: 1000, bytes: 128 * 1024 * 1024 }

/** A body of a known length up to this is read and thrown away by Node, and the connection is kept. */
const maxSkippedBytes = 1024 * 1024

/**
 * Makes error responses readable that are sent while the client still sends its body. Closing the connection at once
 * would reset it, and the client would see the reset in place of the response (RFC 9112, 9.6). So the response is sent
 * whole, and ends only when the client has sent its body, has stopped, or exceeds a limit; what it sends is thrown away.
 *
 * `Expect: 100-continue` is answered when the body is about to be read. Register it after all plugins that reject
 * requests before that.
 */
export default fastifyPlugin<{ limits?: LingerLimits }>(
  async (app: FastifyInstance, { limits = defaultLimits }) => {
    app.addHook('preParsing', (request, reply, _payload, done) => {
      const { bodyLimit } = request.routeOptions
      if (Number(request.headers['content-length']) > bodyLimit) {
        done(problem('content_too_large', `Expected a body of at most ${bodyLimit} bytes`))
        return
      }
      if (/^100-continue$/i.test(request.headers.expect ?? '') && request.raw.httpVersion === '1.1') {
        reply.raw.writeContinue()
      }
      done()
    })
    app.addHook('onSend', (request, reply, payload, done) => {
      const { raw } = request
      if (reply.statusCode < 400 || raw.complete || !isBody(payload)) {
        done(null, payload)
        return
      }
      // What has arrived with the head is parsed only after this turn.
      setImmediate(() => {
        if (raw.complete || raw.destroyed || isSkippable(raw)) {
          done(null, payload)
          return
        }
        reply.header('connection', 'close').header('content-length', Buffer.byteLength(payload))
        done(null, untilReceived(payload, raw, limits))
      })
    })
  },
  { name: 'unread-body' },
)

const isBody = (payload: unknown): payload is string | Buffer => typeof payload === 'string' || Buffer.isBuffer(payload)

/** Whether the rest of the body is short, and certain to come: behind `Expect` a client may leave it out. */
const isSkippable = ({ headers }: IncomingMessage) =>
  headers.expect === undefined && Number(headers['content-length'] ?? Number.NaN) <= maxSkippedBytes

/** The payload as a stream that ends when the request is received or lingering is over. */
function untilReceived(payload: string | Buffer, request: IncomingMessage, limits: LingerLimits): Readable {
  const ended = new AbortController()
  const stream = new Readable({
    read() {},
    destroy(error, done) {
      ended.abort()
      done(error)
    },
  })
  stream.push(payload)
  const end = () => {
    ended.abort()
    if (!stream.destroyed) stream.push(null)
  }
  once(request, 'end', { signal: ended.signal }).then(end, () => {})
  linger(request.socket, end, ended.signal, limits)
  request.resume()
  return stream
}

/** How often a lingering connection is looked at, in ms. */
const checkIntervalMs = 100

/**
 * Calls `over` once, when the client of `socket` has paused or sent for too long, or the connection is closed. It is for
 * the caller to throw away what comes. What the client sends beyond the limit is not read: with nowhere to send to, it has
 * time to read the response.
 */
export function linger(
  socket: Socket,
  over: () => void,
  cancelled?: AbortSignal,
  { totalMs, idleMs, bytes }: LingerLimits = defaultLimits,
): void {
  const startedAt = performance.now()
  const first = socket.bytesRead
  let received = first
  let receivedAt = startedAt
  const check = () => {
    const now = performance.now()
    if (socket.bytesRead !== received) {
      received = socket.bytesRead
      receivedAt = now
    }
    if (received - first > bytes) socket.pause()
    const isOver = now - startedAt >= totalMs || now - receivedAt >= idleMs
    if (!isOver && !socket.destroyed) return
    clearInterval(timer)
    over()
  }
  const timer = setInterval(check, checkIntervalMs)
  cancelled?.addEventListener('abort', () => clearInterval(timer), { once: true })
}
