import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.js'
import type { StockFeed } from '../events/stock-feed.js'
import { nullable, ref } from '../schema.js'
import { fromCursor, listLowStock, toCursor } from '../services/low-stock.js'
import type { Quantities } from '../stock/stock.js'
import { wholeCatalog } from './mirror-only.js'
import { Key, mirrorResponses } from './schemas.js'
import { type CatalogRouteOptions, stockOptionFields } from './stock.js'

export interface FeedRouteOptions extends CatalogRouteOptions {
  /** Undefined where nothing is mirrored. */
  readonly feed: StockFeed | undefined
}

/** One page of products that are running out. */
export const LowStock = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          sku: Type.String({ description: 'The SKU' }),
          product_id: Type.String({ description: "Trackstar's id of the product" }),
          name: nullable(Type.String({ description: 'Name of the product' })),
          warehouse_customer_id: nullable(Type.String({ description: 'The merchant' })),
          available: Type.Integer({ description: 'As of the stock route, over the warehouses asked for' }),
          quantities: ref<Quantities>('Quantities'),
        },
        { title: 'LowStockEntry', description: 'One product that is running out', additionalProperties: false },
      ),
      { description: 'Lowest first; equals by product id' },
    ),
    next_token: nullable(
      Type.String({ description: 'Goes back in as `page_token`, with the same filters; null on the last page' }),
    ),
  },
  { $id: 'LowStock', description: 'Products that are running out', additionalProperties: false },
)

/** `GET /stock/low`: what is running out. */
export const lowStockRoute: FastifyPluginAsyncTypebox<FeedRouteOptions> = async (app, { catalog, feed }) => {
  app.get(
    '/stock/low',
    {
      config: { gives: 'json' },
      schema: {
        operationId: 'listLowStock',
        tags: ['stock'],
        summary: 'What is running out',
        description:
          'Every SKU of which less than `below` is available, lowest first, a page at a time. Of a kit there are as many as its scarcest component allows. What is not known counts 0 here as everywhere: the stock of the SKU says whether it is `complete`. The cursor marks a place in the order, not a number of rows: while stock moves, no SKU that stays put is left out or told twice. Trackstar is not asked. Needs `CATALOG_MODE=mirror`.',
        querystring: Type.Object(
          {
            below: Type.Number({
              minimum: 0,
              maximum: 1e9,
              description: 'Only SKUs with less than this available',
              examples: [10],
            }),
            limit: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'SKUs a page', examples: [10] }),
            ),
            page_token: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 2048,
                description: '`next_token` of the page before',
                examples: ['WzAsInByb2RfcHVlcmgiXQ'],
              }),
            ),
            warehouse_customer_id: Type.Optional(
              Key("Only the products of this merchant, by Trackstar's `warehouse_customer_id`", 'cust_borealis'),
            ),
            warehouse_id: stockOptionFields.warehouse_id,
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
      const view = wholeCatalog(catalog)
      if (!feed?.isLive) throw problem('mirror_loading', 'The catalog is still being counted', { retryAfter: 1 })
      const { below, limit = 100, page_token, warehouse_customer_id, warehouse_id } = request.query
      const after = page_token === undefined ? undefined : fromCursor(page_token)
      if (page_token !== undefined && after === undefined) {
        const message = 'expected the next_token of the page before'
        const errors = [{ field: 'page_token', message }]
        throw problem('validation_failed', `The query parameter page_token: ${message}`, { errors })
      }
      const query = { below, limit, after, warehouseCustomerId: warehouse_customer_id, warehouseIds: warehouse_id }
      const page = await listLowStock(feed.board, view, query, nextTurn)
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
