import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { setFreshness } from './cached-reads.js'
import { ConnectionQuery, connectionOf } from './chosen-connection.js'
import { addListRoute } from './lists.js'
import { CachedReadHeaders, cachedReadResponses, Envelope, Key, passThrough } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** `GET /warehouses` and `GET /warehouses/:id`. */
export const warehouseRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { readContextOf } = options
  addListRoute(app, options, {
    resource: 'warehouses',
    operationId: 'listWarehouses',
    summary: 'List warehouses',
    record: 'Warehouse',
  })
  app.get(
    '/warehouses/:id',
    {
      config: { produces: 'json', connectionIn: 'query' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'getWarehouse',
        tags: ['warehouses'],
        summary: 'Get a warehouse',
        description:
          'Returns the whole record from Trackstar, including fields that this service does not use. Warehouses are cached for up to 12 hours, because Trackstar copies them no more often than that.',
        params: Type.Object({ id: Key("Trackstar's id of the warehouse", 'wh_oslo') }),
        querystring: ConnectionQuery,
        headers: CachedReadHeaders,
        response: cachedReadResponses(
          { description: 'The warehouse', schema: Envelope('Warehouse') },
          'warehouse_not_found',
        ),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { catalog } = connectionOf(request)
      const context = readContextOf(request)
      const found = await catalog.warehouse(id, context)
      if (found.value === undefined) {
        throw problem('warehouse_not_found', `Trackstar has no warehouse with the id ${JSON.stringify(id)}`)
      }
      setFreshness(reply, context, found.readAt)
      return reply.send({ data: found.value })
    },
  )
}
