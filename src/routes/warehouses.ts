import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { setFreshness } from './cached-reads.js'
import { addListRoute } from './lists.js'
import { CachedReadHeaders, cachedResponses, Envelope, Key, passThrough } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** `GET /warehouses` and `GET /warehouses/:id`. */
export const warehouseRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { catalog, readingOf } = options
  addListRoute(app, options, {
    resource: 'warehouses',
    operationId: 'listWarehouses',
    summary: "Trackstar's list of warehouses",
    record: 'Warehouse',
  })
  app.get(
    '/warehouses/:id',
    {
      config: { gives: 'json' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'getWarehouse',
        tags: ['warehouses'],
        summary: 'One warehouse by id',
        description:
          'The whole record as Trackstar has it, fields that this service does not know included. Warehouses are held for up to 12 hours: Trackstar itself copies them no more often.',
        params: Type.Object({ id: Key("Trackstar's id of the warehouse", 'wh_oslo') }),
        querystring: Type.Object({}, { additionalProperties: false }),
        headers: CachedReadHeaders,
        response: cachedResponses(
          { description: 'The warehouse', schema: Envelope('Warehouse') },
          'warehouse_not_found',
        ),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const reading = readingOf(request)
      const found = await catalog.warehouse(id, reading)
      if (found.value === undefined) {
        throw problem('warehouse_not_found', `Trackstar knows no warehouse with the id ${JSON.stringify(id)}`)
      }
      setFreshness(reply, reading, found.readAt)
      return reply.send({ data: found.value })
    },
  )
}
