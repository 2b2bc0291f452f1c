import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { setFreshness } from './cached-reads.js'
import { ConnectionQuery, connectionOf } from './chosen-connection.js'
import { addListRoute } from './lists.js'
import { CachedReadHeaders, cachedReadResponses, Envelope, Key, passThrough } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** `GET /inventory` and `GET /inventory/:id`. */
export const inventoryRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { readContextOf } = options
  addListRoute(app, options, {
    resource: 'inventory',
    operationId: 'listInventory',
    summary: 'List inventory items',
    record: 'InventoryItem',
  })
  app.get(
    '/inventory/:id',
    {
      config: { produces: 'json', connectionIn: 'query' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'getInventoryItem',
        tags: ['inventory'],
        summary: 'Get an inventory item',
        description: 'Returns the whole record from Trackstar, including fields that this service does not use.',
        params: Type.Object({ id: Key("Trackstar's id of the item", 'inv_sencha') }),
        querystring: ConnectionQuery,
        headers: CachedReadHeaders,
        response: cachedReadResponses(
          { description: 'The item', schema: Envelope('InventoryItem') },
          'inventory_item_not_found',
        ),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { catalog } = connectionOf(request)
      const context = readContextOf(request)
      const found = (await catalog.itemsById([id], context)).get(id)
      if (found === undefined || found instanceof Error) throw found ?? new Error('the catalog gave nothing')
      if (found.value === undefined) {
        throw problem('inventory_item_not_found', `Trackstar has no inventory item with the id ${JSON.stringify(id)}`)
      }
      setFreshness(reply, context, found.readAt)
      return reply.send({ data: found.value })
    },
  )
}
