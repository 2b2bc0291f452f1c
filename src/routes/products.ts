import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { selectProduct } from '../stock/selection.js'
import { setFreshness } from './cached-reads.js'
import { addListRoute } from './lists.js'
import { CachedReadHeaders, cachedResponses, Envelope, passThrough, Sku, warehouseCustomerId } from './schemas.js'
import { type CatalogRouteOptions, stockProblem } from './stock.js'

/** `GET /products` and `GET /products/:sku`. */
export const productRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { catalog, readingOf } = options
  addListRoute(app, options, {
    resource: 'products',
    operationId: 'listProducts',
    summary: "Trackstar's list of products",
    record: 'Product',
  })
  app.get(
    '/products/:sku',
    {
      config: { gives: 'json' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'getProduct',
        tags: ['products'],
        summary: 'One product by SKU',
        description:
          'The whole record as Trackstar has it, fields that this service does not know included. `warehouse_customer_id` chooses where several merchants share the SKU.',
        params: Type.Object({ sku: Sku }),
        querystring: Type.Object({ warehouse_customer_id: warehouseCustomerId }, { additionalProperties: false }),
        headers: CachedReadHeaders,
        response: cachedResponses(
          { description: 'The product', schema: Envelope('Product') },
          'product_not_found',
          'sku_ambiguous',
        ),
      },
    },
    async (request, reply) => {
      const { sku } = request.params
      const reading = readingOf(request)
      const found = (await catalog.productsBySku([sku], reading)).get(sku)
      if (found === undefined || found instanceof Error) throw found ?? new Error('the catalog gave nothing')
      const selection = selectProduct(found.value ?? [], request.query.warehouse_customer_id)
      if (selection.status !== 'ok') throw stockProblem(sku, selection)
      setFreshness(reply, reading, found.readAt)
      return reply.send({ data: selection.product })
    },
  )
}
