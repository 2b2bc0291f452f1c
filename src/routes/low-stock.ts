import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import { nullable, ref } from '../schema.js'
import { fromCursor, listLowStock, toCursor } from '../services/low-stock.js'
import type { Quantities } from '../stock/stock.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { requireFeed, requireMirror } from './require-mirror.js'
import { Key, mirrorResponses } from './schemas.js'
import { type CatalogRouteOptions, stockOptionFields } from './stock.js'

/** One page of products with low stock. */
export const LowStock = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          sku: Type.String({ description: 'The SKU' }),
          product_id: Type.String({ description: "Trackstar's id of the product" }),
          name: nullable(Type.String({ description: 'Name of the product' })),
          warehouse_customer_id: nullable(Type.String({ description: 'The merchant' })),
          available: Type.Integer({ description: 'As in the stock route, over the requested warehouses' }),
          quantities: ref<Quantities>('Quantities'),
        },
        { title: 'LowStockEntry', description: 'One product with low stock', additionalProperties: false },
      ),
      { description: 'Lowest first, then by product id' },
    ),
    next_token: nullable(
      Type.String({ description: 'Pass it as `page_token` with the same filters; null on the last page' }),
    ),
  },
  { $id: 'LowStock', description: 'A page of products with low stock', additionalProperties: false },
)

/** `GET /stock/low`: products with low stock. */
export const lowStockRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { inTurns }) => {
  app.get(
    '/stock/low',
    {
      config: { produces: 'json', connectionIn: 'query' },
      schema: {
        operationId: 'listLowStock',
        tags: ['stock'],
        summary: 'List low stock',
        description:
          'Returns every SKU with less than `below` available, lowest first, a page at a time. A kit counts as many as its scarcest component allows. An unknown quantity counts as 0; `complete` in the stock of the SKU tells whether one is involved. The page token marks a position in the order, so a SKU whose stock does not change between two pages is neither skipped nor repeated. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.',
        querystring: Type.Object(
          {
            below: Type.Number({
              minimum: 0,
              maximum: 1e9,
              description: 'Only SKUs with less than this available',
              examples: [10],
            }),
            limit: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'SKUs per page', examples: [10] }),
            ),
            page_token: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 2048,
                description: '`next_token` of the previous page',
                examples: ['WzAsInByb2RfcHVlcmgiXQ'],
              }),
            ),
            warehouse_customer_id: Type.Optional(
              Key("Only products of this merchant (Trackstar's `warehouse_customer_id`)", 'cust_borealis'),
            ),
            warehouse_id: stockOptionFields.warehouse_id,
            ...connectionField,
          },
          { additionalProperties: false },
        ),
        response: mirrorResponses({
          description: 'One page',
          schema: ref('LowStock'),
        }),
      },
    },
    async (request, reply) => {
      const { catalog, feed } = connectionOf(request)
      requireMirror(catalog)
      const { index } = requireFeed(feed)
      const { below, limit = 100, page_token, warehouse_customer_id, warehouse_id } = request.query
      const after = page_token === undefined ? undefined : fromCursor(page_token)
      if (page_token !== undefined && after === undefined) {
        const message = 'expected the next_token of the previous page'
        const errors = [{ field: 'page_token', message }]
        throw problem('validation_failed', `The query parameter page_token: ${message}`, { errors })
      }
      const query = { below, limit, after, warehouseCustomerId: warehouse_customer_id, warehouseIds: warehouse_id }
      const page = await inTurns(request, reply, {
        size: warehouse_id === undefined ? 1 : index.size,
        work: (run) => run(listLowStock(index, query)),
      })
      return reply.header('cache-control', 'private, no-cache').send({
        data: page.entries.map(({ sku, productId, name, warehouseCustomerId, available, quantities }) => ({
          sku,
          product_id: productId,
          name,
          warehouse_customer_id: warehouseCustomerId,
          available,
          quantities,
        })),
        next_token: page.next ? toCursor(page.next) : null,
      })
    },
  )
}
