import { Type } from 'typebox'
import { nullable, ref } from '../schema.js'
import type { Quantities } from '../stock/stock.js'
import { anyOperation, problemResponses } from './schemas.js'

/** What the `data` of an event `stock` holds, as JSON. */
export const StockEventData = Type.Object(
  {
    sku: Type.String({ description: 'The SKU' }),
    product_id: Type.String({ description: "Trackstar's id of the product" }),
    warehouse_customer_id: nullable(Type.String({ description: 'The merchant: several may share the SKU' })),
    available: Type.Integer({ description: 'As the stock route says it; 0 for a product that is gone' }),
    previous_available: nullable(
      Type.Integer({
        description:
          'What was available before: the same where only other quantities have changed, null for a product that is new',
      }),
    ),
    quantities: ref<Quantities>('Quantities'),
    as_of: Type.String({ format: 'date-time', description: 'When the change was noticed here' }),
  },
  { $id: 'StockEventData', description: 'The stock of one SKU has changed', additionalProperties: false },
)

/** The stream: for OpenAPI a text, whose parts only these annotations describe. */
const StockEventStream = Type.Unsafe<string>({
  title: 'StockEventStream',
  type: 'string',
  description: 'Events in the format of server-sent events, one after the other',
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
          description: 'reset: events were missed that can no longer be told, so read the stock again',
        },
        id: { type: 'string', description: 'Sent back as `Last-Event-ID` after a break' },
        data: {
          type: 'string',
          description: 'JSON; of a `reset` an empty object',
          contentMediaType: 'application/json',
          contentSchema: ref('StockEventData'),
        },
      },
    },
  },
})

/** The responses of a stream of events. */
export const eventStreamResponses = {
  200: {
    description: 'Events, for as long as the reader stays',
    headers: { 'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] } },
    content: { 'text/event-stream': { schema: StockEventStream } },
  },
  ...problemResponses(['requires_mirror', 'mirror_loading'], anyOperation),
}
