import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Connection } from '../connection.js'
import type { Group } from '../connection-group.js'
import { problem } from '../errors.js'
import type { GroupStockEntry } from '../events/group-stock-index.js'
import type { StockIndexEntry } from '../events/stock-index.js'
import { enumOf, nullable, nullableNoun, ref } from '../schema.js'
import {
  fromCursor,
  type LowStockPage,
  type LowStockQuery,
  listGroupLowStock,
  listLowStock,
  toCursor,
} from '../services/low-stock.js'
import { Quantities } from '../stock/stock.js'
import { askedOf, connectionOrGroupField, isGroup } from './chosen-connection.js'
import type { LongWork } from './long-work.js'
import { requireFeed, requireGroupFeed, requireMirror } from './require-mirror.js'
import { Key, mirrorResponses } from './schemas.js'
import { type CatalogRouteOptions, stockOptionFields } from './stock.js'

/** What one connection of a group has of a SKU with low stock. */
const ConnectionLowStock = Type.Object(
  {
    connection: Type.String({ description: 'The connection, by its name' }),
    status: enumOf(['ok', 'not_found', 'ambiguous', 'unavailable'], {
      description:
        'not_found: it has no product with the SKU. ambiguous, unavailable: it is missing from the sum, which may be too low',
    }),
    product_id: nullable(Type.String({ description: 'Its product; null unless the status is `ok`, like the rest' })),
    name: nullable(Type.String({ description: 'Name of its product' })),
    warehouse_customer_id: nullable(Type.String({ description: 'The merchant' })),
    available: nullable(Type.Integer({ description: 'What it has available' })),
    quantities: nullableNoun(Quantities),
  },
  {
    title: 'ConnectionLowStock',
    description: 'What one connection of a group has of a SKU',
    additionalProperties: false,
  },
)

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
          available: Type.Integer({
            description:
              'As in the stock route, over the requested warehouses; of a group, the sum over its connections',
          }),
          quantities: ref<Quantities>('Quantities'),
          connections: Type.Optional(
            Type.Array(ConnectionLowStock, {
              description:
                'Of a group: what each of its connections has, in the order of the group. `product_id`, `name` and `warehouse_customer_id` of the entry are those of the first that has the SKU',
            }),
          ),
        },
        { title: 'LowStockEntry', description: 'One product with low stock', additionalProperties: false },
      ),
      { description: 'Lowest first, then by product id; of a group, then by SKU' },
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
      config: { produces: 'json', connectionIn: 'query', servesGroups: true },
      schema: {
        operationId: 'listLowStock',
        tags: ['stock'],
        summary: 'List low stock',
        description:
          'Returns every SKU with less than `below` available, lowest first, a page at a time. A kit counts as many as its scarcest component allows. An unknown quantity counts as 0; `complete` in the stock of the SKU tells whether one is involved. The page token marks a position in the order, so a SKU whose stock does not change between two pages is neither skipped nor repeated. In a group, a SKU is listed by the sum over its connections, each of which needs its mirror; one that several merchants share in a connection is listed for each merchant. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.',
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
                // A SKU and a merchant, in JSON and Base64.
                maxLength: 8192,
                description: '`next_token` of the previous page',
                examples: ['WzAsInByb2RfcHVlcmgiXQ'],
              }),
            ),
            warehouse_customer_id: Type.Optional(
              Key("Only products of this merchant (Trackstar's `warehouse_customer_id`)", 'cust_borealis'),
            ),
            warehouse_id: stockOptionFields.warehouse_id,
            ...connectionOrGroupField,
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
      const asked = askedOf(request)
      const list = isGroup(asked) ? ofGroup(asked) : ofConnection(asked)
      const { below, limit = 100, page_token, warehouse_customer_id, warehouse_id } = request.query
      const after = page_token === undefined ? undefined : fromCursor(page_token)
      if (page_token !== undefined && after === undefined) {
        const message = 'expected the next_token of the previous page'
        const errors = [{ field: 'page_token', message }]
        throw problem('validation_failed', `The query parameter page_token: ${message}`, { errors })
      }
      const query = { below, limit, after, warehouseCustomerId: warehouse_customer_id, warehouseIds: warehouse_id }
      const { size, work } = list(query)
      const { data, next } = await inTurns(request, reply, { size, work })
      return reply.header('cache-control', 'private, no-cache').send({ data, next_token: next ? toCursor(next) : null })
    },
  )
}

type Entries = Static<typeof LowStock>['data']
type ListPage = (query: LowStockQuery) => LongWork<Pick<LowStockPage, 'next'> & { data: Entries }>

function ofConnection({ catalog, feed }: Connection): ListPage {
  requireMirror(catalog)
  const { index } = requireFeed(feed)
  return (query) => ({
    size: query.warehouseIds === undefined ? 1 : index.size,
    async work(run) {
      const { entries, next } = await run(listLowStock(index, query))
      return { data: entries.map((entry) => ({ sku: entry.sku, ...stockOf(entry) })), next }
    },
  })
}

function ofGroup(group: Group): ListPage {
  const { index } = requireGroupFeed(group)
  return (query) => ({
    size: index.size,
    async work(run) {
      const { entries, next } = await run(listGroupLowStock(index, query))
      return { data: entries.map(toGroupEntry), next }
    },
  })
}

const stockOf = ({
  productId,
  name,
  warehouseCustomerId,
  available,
  quantities,
}: Omit<StockIndexEntry, 'sku' | 'warehousesHash'>) => ({
  product_id: productId,
  name,
  warehouse_customer_id: warehouseCustomerId,
  available,
  quantities,
})

/** The entry of the first connection that has the SKU, with the sums. */
const toGroupEntry = ({ sku, first, available, quantities, members }: GroupStockEntry) => ({
  sku,
  ...stockOf({ ...first, available, quantities }),
  connections: members.map((member) => {
    const { connection, status } = member
    return { connection, status, ...(member.status === 'ok' ? stockOf(member) : nothing) }
  }),
})

const nothing = { product_id: null, name: null, warehouse_customer_id: null, available: null, quantities: null }
