import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { EventReaders } from './event-readers.js'
import { eventStreamResponses, StockEventData } from './event-stream.js'
import type { FeedRouteOptions } from './low-stock.js'
import { wholeCatalog } from './mirror-only.js'
import { Sku } from './schemas.js'

const description = `Server-sent events, for as long as the reader stays:

- \`stock\`, with JSON in \`data\`, for each SKU whose stock has changed, kits whose component has changed included.
- \`reset\`, first after a break, where what was missed can no longer be told: the stock has to be read again.
- A comment every 15 s, which keeps the line open and which clients skip.

In a browser, on a page of the same origin:

\`\`\`js
const events = new EventSource('/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT')
events.addEventListener('stock', (event) => {
  const { sku, available } = JSON.parse(event.data)
  show(sku, available)
})
events.addEventListener('open', readStock) // once it listens, so that nothing falls in between
events.addEventListener('reset', readStock)
\`\`\`

After a break \`EventSource\` comes back by itself, with \`Last-Event-ID\`, and is told what it missed: of the last 10,000
events. After an error status, such as the 503 while the catalog is being loaded, it does not: make a new one later.
A reader that does not keep up is dropped, and comes back in the same way.

Needs \`CATALOG_MODE=mirror\`. Swagger UI waits for the end of an answer and so shows nothing of a stream; use
\`curl -N\`.`

/** `GET /stock/events`: changes of stock as server-sent events. */
export const eventsRoute: FastifyPluginAsyncTypebox<FeedRouteOptions> = async (app, { catalog, feed }) => {
  app.addSchema(StockEventData)
  const readers = feed && new EventReaders(feed.log)
  // Before the server waits for open connections: these never end by themselves.
  app.addHook('preClose', async () => readers?.close())
  app.countEventReaders(() => readers?.count ?? 0)
  app.get(
    '/stock/events',
    {
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
      if (readers.isFull) throw problem('overloaded', 'As many read events as this process takes', { retryAfter: 10 })
      reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx would hold events back to fill a buffer.
        'x-accel-buffering': 'no',
      })
      if (request.method === 'HEAD') return reply.send()
      const { sku } = request.query
      reply.hijack()
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      readers.add(reply.raw, sku && new Set(sku), request.headers['last-event-id'])
      return reply
    },
  )
}
