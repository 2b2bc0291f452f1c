import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ConcurrencyLimit } from '../cache/concurrency-limit.js'
import { problem } from '../errors.js'
import { EventReaders } from '../events/event-readers.js'
import { eventStreamResponses, StockEventData } from './event-stream.js'
import type { FeedRouteOptions } from './low-stock.js'
import { wholeCatalog } from './mirror-only.js'
import { Sku } from './schemas.js'

const description = `Server-sent events, for as long as the reader stays:

- \`stock\`, with JSON in \`data\`, for each SKU whose stock has changed, kits whose component has changed included.
- \`reset\`, first after a break, where what was missed can no longer be told: the stock has to be read again.
- A comment every 15 s, which keeps the line open and which clients skip.

A reader who comes back with \`Last-Event-ID\` is told what he missed: of the last 10,000 events. Who does not keep up is
dropped, and comes back in the same way.

A browser's \`EventSource\` can send no key. It takes a ticket, which is good once: so when the line breaks, make a new
one with a new ticket.

\`\`\`js
async function follow() {
  const answer = await fetch('/stock/events/tickets', { method: 'POST', headers: { 'X-API-Key': key } })
  const { ticket } = await answer.json()
  const events = new EventSource('/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT&ticket=' + ticket)
  events.addEventListener('stock', (event) => {
    const { sku, available } = JSON.parse(event.data)
    show(sku, available)
  })
  events.addEventListener('open', readStock) // once it listens, so that nothing falls in between
  events.addEventListener('error', () => {
    events.close()
    setTimeout(follow, 2000)
  })
}
\`\`\`

Without keys (\`AUTH_MODE=none\`) no ticket is needed: then \`EventSource\` comes back by itself, with \`Last-Event-ID\`, and
an event \`reset\` may come.

Needs \`CATALOG_MODE=mirror\`. Swagger UI waits for the end of an answer and so shows nothing of a stream; use
\`curl -N\`.`

/** Most readers at a time: each holds a socket. */
const maxReaders = 10_000

export interface EventsRouteOptions extends FeedRouteOptions {
  /** Told once how to see how many are reading. */
  readonly watchReaders: (count: () => number) => void
}

/** `GET /stock/events`: changes of stock as server-sent events. */
export const eventsRoute: FastifyPluginAsyncTypebox<EventsRouteOptions> = async (app, options) => {
  const { catalog, feed, watchReaders } = options
  app.addSchema(StockEventData)
  const places = new ConcurrencyLimit(maxReaders)
  const readers = feed && new EventReaders(feed.log)
  // Before the server waits for open connections: these never end by themselves.
  app.addHook('preClose', async () => readers?.close())
  watchReaders(() => readers?.count ?? 0)
  app.get(
    '/stock/events',
    {
      config: { takesTicket: true },
      schema: {
        operationId: 'streamStockEvents',
        tags: ['stock'],
        summary: 'Changes of stock as they happen',
        description,
        querystring: Type.Object(
          {
            sku: Type.Optional(
              Type.Array(Sku, {
                maxItems: 500,
                description: 'Only these SKUs; repeat it for more. Without it: all',
                examples: [['LIVE-JASMINE', 'LIVE-GIFT']],
              }),
            ),
            ticket: Type.Optional(
              Type.String({
                maxLength: 100,
                description: 'Instead of a key, where none can be sent: of `POST /stock/events/tickets`, good once',
                examples: ['x2LC0R6yYbqvEw1bJ4mYd2m8h1uT0c7f'],
              }),
            ),
          },
          { additionalProperties: false },
        ),
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              maxLength: 100,
              description: '`id` of the last event that was seen; a browser sends it by itself',
              examples: ['4fe97695-2'],
            }),
          ),
        }),
        response: eventStreamResponses,
      },
    },
    async (request, reply) => {
      wholeCatalog(catalog)
      if (readers === undefined || !feed?.isLive) {
        throw problem('mirror_loading', 'The catalog is still being counted', { retryAfter: 1 })
      }
      reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx would hold events back to fill a buffer.
        'x-accel-buffering': 'no',
      })
      if (request.method === 'HEAD') return reply.send()
      // Behind another answer on the same connection it would take a place for something that may never begin.
      if (reply.raw.socket === null) {
        throw problem('validation_failed', 'Expected a stream of events to be asked for when nothing else is under way')
      }
      const { query, client } = request
      if (!places.tryAcquire(client)) {
        throw problem('overloaded', 'As many read events as this process takes, or as one client may', {
          retryAfter: 10,
        })
      }
      reply.raw.once('close', () => places.release(client))
      reply.hijack()
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      readers.add(reply.raw, query.sku && new Set(query.sku), request.headers['last-event-id'])
      return reply
    },
  )
}
