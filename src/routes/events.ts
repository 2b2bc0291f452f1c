import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { EventReaders } from './event-readers.js'
import type { FeedRouteOptions } from './low-stock.js'
import { wholeCatalog } from './mirror-only.js'
import { eventStreamResponses, Sku } from './schemas.js'

/** `GET /stock/events`: changes of stock as server-sent events. */
export const eventsRoute: FastifyPluginAsyncTypebox<FeedRouteOptions> = async (app, { catalog, feed }) => {
  const readers = feed && new EventReaders(feed.log)
  // Before the server waits for open connections: these never end by themselves.
  app.addHook('preClose', async () => readers?.close())
  app.get(
    '/stock/events',
    {
      schema: {
        operationId: 'streamStockEvents',
        tags: ['stock'],
        summary: 'Changes of stock as they happen',
        description:
          'Server-sent events: `stock` for each SKU whose stock has changed, kits whose component has changed included. After a break a browser sends `Last-Event-ID` by itself and gets what it missed; `reset` comes first where that can no longer be told, so that it reads its SKUs again. A comment every 15 s keeps the line open. Needs `CATALOG_MODE=mirror`.',
        querystring: Type.Object(
          {
            sku: Type.Optional(
              Type.Array(Sku, { maxItems: 500, description: 'Only these SKUs; repeat it for more. Without it: all' }),
            ),
          },
          { additionalProperties: false },
        ),
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({ maxLength: 100, description: '`id` of the last event that was seen', examples: ['4f1c-17'] }),
          ),
        }),
        response: eventStreamResponses,
      },
    },
    async (request, reply) => {
      wholeCatalog(catalog)
      if (readers === undefined || readers.isFull) {
        throw problem('overloaded', 'As many read events as this process takes', { retryAfter: 10 })
      }
      const { sku } = request.query
      reply.hijack()
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx would hold events back to fill a buffer.
        'x-accel-buffering': 'no',
        'x-request-id': request.id,
      })
      readers.add(reply.raw, sku && new Set(sku), request.headers['last-event-id'])
    },
  )
}
