import { createHash, randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import { Key, passThrough, writeResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** Upstream's reply to an adjustment. */
export const Adjusted = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'The id of the item' })),
    data: Type.Optional(ref('InventoryItem')),
    unused_fields: Type.Optional(
      Type.Array(Type.String(), { description: 'Fields that the warehouse system has ignored' }),
    ),
  },
  { $id: 'Adjusted', description: 'What Trackstar says of an adjustment', additionalProperties: true },
)

/** `PUT /inventory/:id/adjust`: a write, straight through to the warehouse system. */
export const adjustRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { catalog, readingOf }) => {
  app.put(
    '/inventory/:id/adjust',
    {
      config: { gives: 'json', access: 'write' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'adjustInventoryItem',
        tags: ['inventory'],
        summary: 'Adjust the stock of an item',
        description:
          'Adds or takes away units in the warehouse system behind Trackstar, at once: there is no undoing but the opposite. The reply holds the item as it is now, the next stock shows it, and who reads `/stock/events` is told. Send an `Idempotency-Key` of your own: whoever then gets no answer, or an error that says nothing of whether it was done, sends the same request with the same key again, and it is not done twice. A reply that repeats an earlier one says `Idempotent-Replayed: true`. Where none is given one is made here and comes back in the reply; but whoever gets no reply does not know it.',
        params: Type.Object({ id: Key("Trackstar's id of the item", 'inv_tray') }),
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 255,
              pattern: '^[\\x21-\\x7e]+$',
              description: 'Names this one adjustment; Trackstar remembers it for 24 hours',
              examples: ['stocktake-17-tray'],
            }),
          ),
        }),
        body: Type.Object(
          {
            quantity: Type.Integer({ minimum: 1, maximum: 1e9, description: 'Units, above 0', examples: [5] }),
            adjustment_type: enumOf(['increase', 'decrease'], {
              description: 'Whether they have come or gone',
              examples: ['increase'],
            }),
            warehouse_id: Type.Optional(Key('The warehouse that they have come to or gone from', 'wh_oslo')),
            location_id: Type.Optional(Key('The place in it, where the warehouse system knows such', 'A-01')),
          },
          {
            title: 'Adjustment',
            description: 'What has come or gone. Leave out what does not apply: nothing may be null or empty',
            additionalProperties: false,
            examples: [{ quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' }],
          },
        ),
        response: writeResponses(
          { description: 'It is done', schema: ref('Adjusted') },
          'inventory_item_not_found',
          'idempotency_conflict',
          'forbidden',
        ),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (id === '.' || id === '..') {
        const message = 'expected an id that can stand in a path'
        throw problem('validation_failed', `The path id: ${message}`, { errors: [{ field: 'id', message }] })
      }
      const key = request.headers['idempotency-key'] ?? randomUUID()
      // On a failure too: whoever does not know whether it was done asks again with the same key.
      reply.header('idempotency-key', key).header('cache-control', 'no-store')
      const adjusted = await catalog.adjust(
        id,
        request.body,
        upstreamKey(request.caller?.name ?? '', key),
        readingOf(request),
      )
      if (adjusted.isReplay) reply.header('idempotent-replayed', 'true')
      return reply.send(adjusted.body)
    },
  )
}

/** Upstream scopes keys to the connection: hashed with the caller's name, so that two callers using "1" do not meet. */
const upstreamKey = (caller: string, key: string) => createHash('sha256').update(`${caller}\0${key}`).digest('hex')
