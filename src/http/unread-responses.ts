import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** Bounds on what is held in memory of responses that clients have not read yet, in bytes. */
export interface UnreadResponsesOptions {
  /** Default: 128 MiB. */
  readonly maxBytes?: number
  /** Default: half of all. One response alone may exceed it. */
  readonly maxBytesOfClient?: number
}

/** Smaller responses fit into the buffers of the operating system, and into what a connection takes anyway. */
const minBytes = 16 * 1024

interface UnreadResponse {
  readonly bytes: number
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
 * A connection has one response at a time: pipelined requests wait for it.
 *
 * A response counts in full until it is sent. A stream counts with what it holds: `heldBytes` if it says so, or what it has ready.
 */
export default fastifyPlugin<UnreadResponsesOptions>(
  async (app: FastifyInstance, { maxBytes = 128 * 1024 * 1024, maxBytesOfClient = maxBytes / 2 }) => {
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

    function enforceBounds(client: string): void {
      const held = clients.get(client)
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
      const isShared = request.routeOptions.config.sharesBody === true
      if (bytes >= minBytes && request.method !== 'HEAD' && !isShared) {
        const { client } = request
        const response: UnreadResponse = {
          bytes,
          drop() {
            request.log.warn({ client, bytes }, 'unread response dropped')
            reply.raw.destroy()
          },
        }
        add(client, response)
        reply.raw.once('close', () => remove(client, response))
        enforceBounds(client)
      }
      done(null, payload)
    })
  },
  { name: 'unread-responses', dependencies: ['client-limit'] },
)

function bytesHeld(payload: unknown): number {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return payload.length
  const { heldBytes, readableLength } = (payload ?? {}) as { heldBytes?: unknown; readableLength?: unknown }
  const held = heldBytes ?? readableLength
  return typeof held === 'number' ? held : 0
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether all responses of the route send one buffer, which takes no memory for each. */
    sharesBody?: boolean
  }
}
