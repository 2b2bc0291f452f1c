import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { onceClosed } from './response-close.js'

/** Bounds on what is held in memory of responses that clients have not read yet, in bytes. */
export interface UnreadResponsesOptions {
  /** Default: 128 MiB. */
  readonly maxBytes?: number
  /** Default: half of all. One response alone may exceed it. */
  readonly maxBytesOfClient?: number
  /** For requests that are pipelined on one connection; default: a quarter of all. One response alone may exceed it. */
  readonly maxBytesOfConnection?: number
}

/** Smaller responses fit into the buffers of the operating system, and into what a connection takes anyway. */
const minBytes = 16 * 1024

interface UnreadResponse {
  readonly bytes: number
  readonly connection: object
  readonly drop: () => void
}

/** The unread responses of one client, the oldest first. */
interface ClientResponses {
  readonly responses: Set<UnreadResponse>
  bytes: number
}

/**
 * Bounds the memory that responses take until clients have read them. Beyond a bound the oldest response is dropped, and
 * its connection closed: the one whose client has had most time to read it. Beyond the bound for all, it is that of the
 * client that holds most. A client that does not read at all loses its connection after the server's timeout in any case.
 *
 * A response counts in full until it is sent. A stream counts with what it holds: `heldBytes` if it says so, or what it has ready.
 */
export default fastifyPlugin<UnreadResponsesOptions>(
  async (app: FastifyInstance, { maxBytes = 128 * 1024 * 1024, ...options }) => {
    const { maxBytesOfClient = maxBytes / 2, maxBytesOfConnection = maxBytes / 4 } = options
    const clients = new Map<string, ClientResponses>()
    let total = 0

    function add(client: string, response: UnreadResponse): void {
      const held = clients.get(client) ?? { responses: new Set(), bytes: 0 }
      clients.set(client, held)
      held.responses.add(response)
      held.bytes += response.bytes
      total += response.bytes
    }

    function remove(client: string, response: UnreadResponse): void {
      const held = clients.get(client)
      if (!held?.responses.delete(response)) return
      held.bytes -= response.bytes
      total -= response.bytes
      if (held.responses.size === 0) clients.delete(client)
    }

    function enforceBounds(client: string, { connection }: UnreadResponse): void {
      const held = clients.get(client)
      const onConnection = Array.from(held?.responses ?? []).filter((response) => response.connection === connection)
      if (onConnection.length > 1 && sumOf(onConnection) > maxBytesOfConnection) dropOldest(client)
      const isClientBeyond = () => held !== undefined && held.responses.size > 1 && held.bytes > maxBytesOfClient
      while (isClientBeyond()) dropOldest(client)
      const areAllBeyond = () => total > maxBytes && clients.size > 0
      while (areAllBeyond()) {
        const [largest] = Array.from(clients).reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a))
        dropOldest(largest)
      }
    }

    function dropOldest(client: string): void {
      for (const oldest of clients.get(client)?.responses ?? []) {
        remove(client, oldest)
        oldest.drop()
        return
      }
    }

    app.addHook('onSend', (request, reply, payload, done) => {
      const bytes = bytesHeld(payload)
      if (bytes >= minBytes && request.method !== 'HEAD') {
        const { client } = request
        const { raw } = reply
        const response: UnreadResponse = {
          bytes,
          connection: request.raw.socket,
          drop() {
            request.log.warn({ client, bytes }, 'unread response dropped')
            destroy(raw, request.raw.socket)
          },
        }
        add(client, response)
        onceClosed(request, reply, () => remove(client, response))
        enforceBounds(client, response)
      }
      done(null, payload)
    })
  },
  { name: 'unread-responses', dependencies: ['client-limit'] },
)

/** A response that waits behind another one on its connection has no socket yet, and would not close it. */
function destroy(response: ServerResponse, socket: { destroy(): unknown }): void {
  response.destroy()
  socket.destroy()
}

const sumOf = (responses: readonly UnreadResponse[]) => responses.reduce((sum, { bytes }) => sum + bytes, 0)

function bytesHeld(payload: unknown): number {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return payload.length
  const { heldBytes, readableLength } = (payload ?? {}) as { heldBytes?: unknown; readableLength?: unknown }
  const held = heldBytes ?? readableLength
  return typeof held === 'number' ? held : 0
}
