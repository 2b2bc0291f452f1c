import { createHash, randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import { ConnectionQuery, connectionOf } from './chosen-connection.js'
import { Key, passThrough, writeResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** Trackstar's response to an adjustment. */
export const Adjusted = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'The id of the item' })),
    data: Type.Optional(ref('InventoryItem')),
    unused_fields: Type.Optional(
      Type.Array(Type.String(), { description: 'Fields of the request that the warehouse system ignored' }),
    ),
  },
  { $id: 'Adjusted', description: "Trackstar's response to an adjustment", additionalProperties: true },
)

/** `PUT /inventory/:id/adjust`: a write that goes through to the warehouse system. */
export const adjustRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { readContextOf }) => {
  app.put(
    '/inventory/:id/adjust',
    {
      config: { produces: 'json', access: 'write', connectionIn: 'query' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'adjustInventoryItem',
        tags: ['inventory'],
        summary: 'Adjust an inventory item',
        description:
          'Adds units to an item in the warehouse system behind Trackstar, or removes them. The change is immediate; to undo it, send the opposite adjustment. Returns the item after the change. The next stock reflects it, and `/stock/events` reports it. Send an `Idempotency-Key` of your own: if you get no response, or an error that leaves open whether the adjustment was made, repeat the request with the same key and it is not made twice. A repeated response has `Idempotent-Replayed: true`. Without a key the service generates one and returns it, but a client that gets no response cannot know it.',
        params: Type.Object({ id: Key("Trackstar's id of the item", 'inv_tray') }),
        querystring: ConnectionQuery,
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 255,
              pattern: '^[\\x21-\\x7e]+$',
              description: 'Identifies this adjustment. Trackstar remembers it for 24 hours',
              examples: ['stocktake-17-tray'],
            }),
          ),
        }),
        body: Type.Object(
          {
            quantity: Type.Integer({ minimum: 1, maximum: 1e9, description: 'Units to add or remove', examples: [5] }),
            adjustment_type: enumOf(['increase', 'decrease'], {
              description: 'Whether to add or to remove the units',
              examples: ['increase'],
            }),
            warehouse_id: Type.Optional(Key('The warehouse whose stock changes', 'wh_oslo')),
            location_id: Type.Optional(
              Key('The location in the warehouse, if the warehouse system has locations', 'A-01'),
            ),
          },
          {
            title: 'Adjustment',
            description: 'The change to make. Omit fields that do not apply: none may be null or empty',
            additionalProperties: false,
            examples: [{ quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' }],
          },
        ),
        response: writeResponses(
          { description: 'The adjustment was made', schema: ref('Adjusted') },
          'inventory_item_not_found',
          'idempotency_conflict',
          'forbidden',
        ),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (id === '.' || id === '..') {
        const message = 'expected an id other than . and ..'
        throw problem('validation_failed', `The path id: ${message}`, { errors: [{ field: 'id', message }] })
      }
      const key = request.headers['idempotency-key'] ?? randomUUID()
      // On failures too: a client that does not know whether the adjustment was made repeats it with the same key.
      reply.header('idempotency-key', key).header('cache-control', 'no-store')
      const adjusted = await connectionOf(request).catalog.adjust(
        id,
        request.body,
        upstreamKey(request.caller?.name ?? '', key),
        readContextOf(request),
      )
      if (adjusted.isReplay) reply.header('idempotent-replayed', 'true')
      return reply.send(adjusted.body)
    },
  )
}

/** Trackstar scopes keys to the connection. The caller's name in the hash keeps equal keys of two callers apart. */
const upstreamKey = (caller: string, key: string) => createHash('sha256').update(`${caller}\0${key}`).digest('hex')
