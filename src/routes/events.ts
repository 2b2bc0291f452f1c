import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ConcurrencyLimit } from '../cache/concurrency-limit.js'
import type { Connection } from '../connection.js'
import { problem } from '../errors.js'
import type { EventReaders } from '../events/event-readers.js'
import { nullable, ref } from '../schema.js'
import type { Quantities } from '../stock/stock.js'
import { askedOf, connectionOrGroupField, isGroup } from './chosen-connection.js'
import { requireFeed, requireGroupFeed, requireMirror } from './require-mirror.js'
import { anyOperation, connectionProblems, problemResponses, Sku } from './schemas.js'

/** The JSON in `data` of a `stock` event. */
export const StockEventData = Type.Object(
  {
    sku: Type.String({ description: 'The SKU' }),
    connection: Type.String({ description: 'The connection whose stock changed, by its name', examples: ['default'] }),
    product_id: Type.String({ description: "Trackstar's id of the product" }),
    warehouse_customer_id: nullable(Type.String({ description: 'The merchant: several may share the SKU' })),
    available: Type.Integer({ description: 'As in the stock route; 0 for a product that was deleted' }),
    previous_available: nullable(
      Type.Integer({
        description:
          '`available` before the change: equal to it if only other quantities changed, null for a product that is new',
      }),
    ),
    quantities: ref<Quantities>('Quantities'),
    as_of: Type.String({ format: 'date-time', description: 'When this service noticed the change' }),
  },
  { $id: 'StockEventData', description: 'The stock of one SKU after a change', additionalProperties: false },
)

/** OpenAPI sees the stream as a string; these annotations describe its parts. */
const StockEventStream = Type.Unsafe<string>({
  title: 'StockEventStream',
  type: 'string',
  description: 'A stream of events in the server-sent events format',
  contentMediaType: 'text/event-stream',
  contentSchema: {
    type: 'array',
    items: {
      title: 'StockEvent',
      type: 'object',
      description: 'One event',
      required: ['event', 'id', 'data'],
      properties: {
        event: {
          type: 'string',
          enum: ['stock', 'reset'],
          description: 'reset: events were missed that are no longer buffered, so read the stock again',
        },
        id: { type: 'string', description: 'Sent back as `Last-Event-ID` when the client reconnects' },
        data: {
          type: 'string',
          description: 'JSON; an empty object for `reset`',
          contentMediaType: 'application/json',
          contentSchema: ref('StockEventData'),
        },
      },
    },
  },
})

const description = `Sends server-sent events until the client disconnects:

- \`stock\`, with JSON in \`data\`, for each SKU whose stock changed, including kits whose component changed.
- \`reset\`, first after a reconnect, if missed events are no longer buffered: read the stock again.
- A comment every 15 s, which keeps the connection open and which clients skip.

A client that reconnects with \`Last-Event-ID\` first gets the events it missed, out of the last 10,000. A client that
reads too slowly is disconnected and can resume in the same way.

With the name of a group as \`connection\`, the stream has the events of all of its connections. Each event names its
\`connection\` and has the numbers of that connection alone.

A browser's \`EventSource\` cannot send a key. Pass a ticket instead. A ticket works once, so after an error open a new
stream with a new ticket.

\`\`\`js
async function follow() {
  const answer = await fetch('/stock/events/tickets', { method: 'POST', headers: { 'X-API-Key': key } })
  const { ticket } = await answer.json()
  const events = new EventSource('/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT&ticket=' + ticket)
  events.addEventListener('stock', (event) => {
    const { sku, available } = JSON.parse(event.data)
    show(sku, available)
  })
  events.addEventListener('open', readStock) // once the stream is open, so that no change is missed
  events.addEventListener('error', () => {
    events.close()
    setTimeout(follow, 2000)
  })
}
\`\`\`

Without keys (\`AUTH_MODE=none\`) no ticket is needed. \`EventSource\` then reconnects by itself with \`Last-Event-ID\`, and
may receive \`reset\`.

Needs \`CATALOG_MODE=mirror\`, in a group for every connection. Swagger UI shows a response only when it has ended, so it cannot show a stream; use
\`curl -N\`.`

/** Each open stream holds a socket. */
const maxReaders = 10_000

/** `GET /stock/events`: stock changes as server-sent events. */
export const eventsRoute: FastifyPluginAsyncTypebox = async (app) => {
  app.addSchema(StockEventData)
  const limit = new ConcurrencyLimit(maxReaders)
  app.get(
    '/stock/events',
    {
      config: { acceptsTicket: true, connectionIn: 'query', servesGroups: true, isStream: true },
      schema: {
        operationId: 'streamStockEvents',
        tags: ['stock'],
        summary: 'Stream stock changes',
        description,
        querystring: Type.Object(
          {
            sku: Type.Optional(
              Type.Array(Sku, {
                maxItems: 500,
                description: 'Only events of these SKUs; repeat it for more. Default: all SKUs',
                examples: [['LIVE-JASMINE', 'LIVE-GIFT']],
              }),
            ),
            ...connectionOrGroupField,
            ticket: Type.Optional(
              Type.String({
                maxLength: 100,
                description: 'Replaces a key where none can be sent. From `POST /stock/events/tickets`; works once',
                examples: ['x2LC0R6yYbqvEw1bJ4mYd2m8h1uT0c7f'],
              }),
            ),
          },
          { additionalProperties: false },
        ),
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              // That of a group has a number for each of its connections.
              maxLength: 8192,
              description: '`id` of the last event received; browsers send it when they reconnect',
              examples: ['4fe97695-2'],
            }),
          ),
        }),
        response: {
          200: {
            description: 'Events, until the client disconnects',
            headers: {
              'Cache-Control': {
                type: 'string',
                description: 'Must not be stored, nor compressed by a proxy, which would delay events',
                examples: ['no-store, no-transform'],
              },
            },
            content: { 'text/event-stream': { schema: StockEventStream } },
          },
          ...problemResponses([...connectionProblems, 'requires_mirror', 'mirror_loading'], anyOperation),
        },
      },
    },
    async (request, reply) => {
      const asked = askedOf(request)
      const readers = isGroup(asked) ? requireGroupFeed(asked).readers : readersOf(asked)
      reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        // nginx would buffer the events.
        'x-accel-buffering': 'no',
      })
      if (request.method === 'HEAD') return reply.send()
      const { query, client } = request
      if (!limit.tryAcquire(client)) {
        throw problem('overloaded', 'Too many event streams are open, in total or by this client', { retryAfter: 10 })
      }
      reply.raw.once('close', () => limit.release(client))
      reply.hijack()
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      readers?.add(reply.raw, query.sku && new Set(query.sku), request.headers['last-event-id'])
      return reply
    },
  )
}

function readersOf({ catalog, feed, readers }: Connection): EventReaders | undefined {
  requireMirror(catalog)
  requireFeed(feed)
  return readers
}
