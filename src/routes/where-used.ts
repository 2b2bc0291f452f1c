import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { problem } from '../errors.js'
import { itemsInView } from '../events/stock-index.js'
import { merchantOf, skuOf, textOf } from '../records/fields.js'
import { nullable, ref } from '../schema.js'
import { mapSteps, sorted } from '../steps.js'
import { resolveComponents } from '../stock/components.js'
import { toNumber } from '../stock/rational.js'
import { ConnectionQuery, connectionOf } from './chosen-connection.js'
import { arrayBody, sendLargeBody } from './large-body.js'
import { requireMirror } from './require-mirror.js'
import { Key, mirrorResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

/** The products that use one item. */
export const WhereUsed = Type.Object(
  {
    data: Type.Array(
      Type.Object(
        {
          product_id: Type.String({ description: "Trackstar's id of the product" }),
          sku: nullable(Type.String({ description: 'SKU of the product' })),
          name: nullable(Type.String({ description: 'Name of the product' })),
          is_kit: Type.Boolean({ description: 'Whether the product is assembled from components' }),
          unit_quantity: nullable(
            Type.Number({
              description: 'Units of the item in one unit of the product; null if the product gives no valid number',
            }),
          ),
          warehouse_customer_id: nullable(Type.String({ description: 'The merchant' })),
        },
        { title: 'ItemUse', description: 'One product that uses the item', additionalProperties: false },
      ),
      { description: 'The products by SKU, then by product id; empty if no product uses the item' },
    ),
  },
  { $id: 'WhereUsed', description: 'The products and kits that use an item', additionalProperties: false },
)

type Use = Static<typeof WhereUsed>['data'][number]

/** By SKU, then by product id, in code unit order; products without a SKU come last. */
function byValue(a: Use, b: Use): number {
  if (a.sku !== b.sku) {
    if (a.sku === null || b.sku === null) return a.sku === null ? 1 : -1
    return a.sku < b.sku ? -1 : 1
  }
  return a.product_id < b.product_id ? -1 : 1
}

/** `GET /inventory/:id/products`: the products that use an item. */
export const whereUsedRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { inTurns }) => {
  app.get(
    '/inventory/:id/products',
    {
      config: { produces: 'json', connectionIn: 'query' },
      schema: {
        operationId: 'listProductsOfInventoryItem',
        tags: ['inventory'],
        summary: 'List products of an item',
        description:
          'Returns the products and kits that use one inventory item, and how many units of it each needs, sorted by SKU, then product id. Use it to find what changes when the item does. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.',
        params: Type.Object({ id: Key("Trackstar's id of the item", 'inv_cup') }),
        querystring: ConnectionQuery,
        response: mirrorResponses(
          { description: 'The products', schema: ref('WhereUsed') },
          'inventory_item_not_found',
        ),
      },
    },
    async (request, reply) => {
      const view = requireMirror(connectionOf(request).catalog)
      const { id } = request.params
      const ids = view.index.productIdsOfItem(id)
      if (ids.length === 0 && view.item(id) === undefined) {
        throw problem('inventory_item_not_found', `Trackstar has no inventory item with the id ${JSON.stringify(id)}`)
      }
      const useOf = (productId: string) => {
        const product = view.product(productId)
        if (product === undefined) return []
        const { components, isKit } = resolveComponents(product, itemsInView(view, product))
        const units = components.find(({ inventoryItemId }) => inventoryItemId === id)?.units
        return {
          product_id: productId,
          sku: skuOf(product),
          name: textOf(product.name),
          is_kit: isKit,
          unit_quantity: units === undefined ? null : toNumber(units),
          warehouse_customer_id: merchantOf(product),
        }
      }
      const serialise = (use: Use) =>
        String(reply.serializeInput({ data: [use] }, '200', 'application/json')).slice('{"data":['.length, -']}'.length)
      const body = await inTurns(request, reply, {
        size: ids.length,
        work: async (run) => {
          const uses = (await run(mapSteps(ids, useOf))).flat()
          return run(
            arrayBody('{"data":[', await run(sorted(uses, byValue)), ']}', (use, draft) => draft.add(serialise(use))),
          )
        },
      })
      return sendLargeBody(reply.header('cache-control', 'private, no-cache'), body)
    },
  )
}
