import { createHash, randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { adjustExamples } from './mirror-examples.js'
import { untouched } from './records.js'
import { Key, Ref, writeResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** Upstream's reply to an adjustment. */
export const Adjusted = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'The id of the item' })),
    data: Type.Optional(Ref('InventoryItem')),
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
      config: { gives: 'json' },
      serializerCompiler: untouched,
      schema: {
        operationId: 'adjustInventoryItem',
        tags: ['inventory'],
        summary: 'Adjust the stock of an item',
        description:
          'Adds or takes away units in the warehouse system behind Trackstar. The reply holds the item as it is now, and the next stock shows it. With an `Idempotency-Key` the same request can be sent again without being done twice; one is made here where none is given, and comes back in the reply.',
        params: Type.Object({ id: Key("Trackstar's id of the item", 'inv_sencha') }),
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 255,
              pattern: '^[\\x21-\\x7e]+$',
              description: 'Names this one adjustment; kept for 24 hours',
              examples: ['9d1f7c1e-stocktake-17'],
            }),
          ),
        }),
        body: Type.Object(
          {
            quantity: Type.Integer({ minimum: 1, maximum: 1e9, description: 'Units', examples: [5] }),
            adjustment_type: Type.Unsafe<'increase' | 'decrease'>({
              type: 'string',
              enum: ['increase', 'decrease'],
              examples: ['increase'],
            }),
            warehouse_id: Type.Optional(Key('The warehouse', 'wh_oslo')),
            location_id: Type.Optional(Key('The place in it', 'A-01')),
          },
          { additionalProperties: false },
        ),
        response: writeResponses(
          { description: 'It is done', schema: Ref('Adjusted'), examples: adjustExamples },
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
      const adjusted = await catalog.adjust(id, request.body, upstreamKey('anonymous', key), readingOf(request))
      if (adjusted.isReplay) reply.header('idempotent-replayed', 'true')
      return reply.send(adjusted.body)
    },
  )
}

/** Upstream scopes keys to the connection: hashed with the caller's name, so that two callers using "1" do not meet. */
const upstreamKey = (caller: string, key: string) => createHash('sha256').update(`${caller}\0${key}`).digest('hex')
