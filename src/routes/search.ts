import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { itemsInView } from '../events/stock-index.js'
import { idOf, merchantOf, skuOf, textOf } from '../records/fields.js'
import { nullable, ref } from '../schema.js'
import { resolveComponents } from '../stock/components.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { requireFeed, requireMirror } from './require-mirror.js'
import { Key, mirrorResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** More is not a suggestion any more. */
const maxFound = 20

/** The products that a text finds. */
export const SearchResult = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          sku: nullable(Type.String({ description: 'SKU of the product' })),
          product_id: Type.String({ description: "Trackstar's id of the product" }),
          name: nullable(Type.String({ description: 'Name of the product' })),
          gtin: nullable(Type.String({ description: 'GTIN of the product' })),
          is_kit: Type.Boolean({ description: 'Whether the product is assembled from components' }),
          warehouse_customer_id: nullable(Type.String({ description: 'The merchant' })),
          available: nullable(
            Type.Integer({
              description:
                'As in the stock route; null if the SKU of the product selects another product, several, or is missing',
            }),
          ),
        },
        { title: 'FoundProduct', description: 'One product that has the text', additionalProperties: false },
      ),
      { description: 'At most 20 products, the best match first' },
    ),
  },
  { $id: 'SearchResult', description: 'The products that have a text', additionalProperties: false },
)

/** `GET /search`: products by a part of their SKU, GTIN or name. */
export const searchRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { inTurns }) => {
  app.get(
    '/search',
    {
      config: { produces: 'json', connectionIn: 'query' },
      schema: {
        operationId: 'searchProducts',
        tags: ['products'],
        summary: 'Search products',
        description:
          'Returns at most 20 products whose SKU, GTIN or name has the text, in upper or lower case. Exact matches come before prefixes, and prefixes before other matches; among these, a SKU comes before a GTIN, and a GTIN before a name. Use it for suggestions while a person types. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.',
        querystring: Type.Object(
          { q: Key('The text: 1 to 255 characters', 'sencha'), ...connectionField },
          { additionalProperties: false },
        ),
        response: mirrorResponses({ description: 'The products', schema: ref('SearchResult') }),
      },
    },
    async (request, reply) => {
      const { catalog, feed } = connectionOf(request)
      const view = requireMirror(catalog)
      const { index } = requireFeed(feed)
      const { q } = request.query
      const products = await inTurns(request, reply, {
        size: 1,
        work: (run) => run(view.searchIndex.find(q, maxFound)),
      })
      const data = products.map((product) => ({
        sku: skuOf(product),
        product_id: idOf(product),
        name: textOf(product.name),
        gtin: textOf(product.gtin),
        is_kit: resolveComponents(product, itemsInView(view, product)).isKit,
        warehouse_customer_id: merchantOf(product),
        available: index.get(idOf(product))?.available ?? null,
      }))
      return reply.header('cache-control', 'private, no-cache').send({ data })
    },
  )
}
