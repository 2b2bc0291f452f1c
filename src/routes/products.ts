import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { confirmAmbiguous } from '../services/ambiguous-products.js'
import { stockProblem } from '../services/stocks.js'
import { selectProduct } from '../stock/selection.js'
import { setFreshness } from './cached-reads.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { addListRoute } from './lists.js'
import { CachedReadHeaders, cachedReadResponses, Envelope, passThrough, Sku, warehouseCustomerId } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** `GET /products` and `GET /products/:sku`. */
export const productRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { readContextOf } = options
  addListRoute(app, options, {
    resource: 'products',
    operationId: 'listProducts',
    summary: 'List products',
    record: 'Product',
  })
  app.get(
    '/products/:sku',
    {
      config: { produces: 'json', connectionIn: 'query' },
      serializerCompiler: passThrough,
      schema: {
        operationId: 'getProduct',
        tags: ['products'],
        summary: 'Get a product by SKU',
        description:
          'Returns the whole record from Trackstar, including fields that this service does not use. If several merchants share the SKU, choose one with `warehouse_customer_id`.',
        params: Type.Object({ sku: Sku }),
        querystring: Type.Object(
          { warehouse_customer_id: warehouseCustomerId, ...connectionField },
          { additionalProperties: false },
        ),
        headers: CachedReadHeaders,
        response: cachedReadResponses(
          { description: 'The product', schema: Envelope('Product') },
          'product_not_found',
          'sku_ambiguous',
        ),
      },
    },
    async (request, reply) => {
      const { sku } = request.params
      const { catalog } = connectionOf(request)
      const context = readContextOf(request)
      const { warehouse_customer_id: merchant } = request.query
      const products = await catalog.productsBySku([sku], context)
      const found = (await confirmAmbiguous(catalog, products, [{ sku, warehouseCustomerId: merchant }], context)).get(
        sku,
      )
      if (found === undefined || found instanceof Error) throw found ?? new Error('the catalog gave nothing')
      const selection = selectProduct(found.value ?? [], merchant)
      if (selection.status !== 'ok') throw stockProblem(sku, selection)
      setFreshness(reply, context, found.readAt)
      return reply.send({ data: selection.product })
    },
  )
}
