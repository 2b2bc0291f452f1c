import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { type Candidate, isProblem, type Problem, problem } from '../errors.js'
import { flagOf, idOf, merchantOf, textOf } from '../records/fields.js'
import type { Product } from '../records/product.js'
import { enumOf, ref } from '../schema.js'
import type { Catalog } from '../services/catalog.js'
import { StockCache } from '../services/stock-cache.js'
import { getStocks, type StockOptions, type StockOutcome } from '../services/stocks.js'
import type { Selection } from '../stock/selection.js'
import type { Stock } from '../stock/stock.js'
import { type Body, type ReadContextOf, setFreshness } from './cached-reads.js'
import type { InTurns } from './long-work.js'
import { CachedReadHeaders, cachedReadResponses, Key, Sku, warehouseCustomerId } from './schemas.js'

export interface CatalogRouteOptions {
  readonly catalog: Catalog
  readonly readContextOf: ReadContextOf
  readonly inTurns: InTurns
}

/** Options of every stock route, in a query or a body. */
export const stockOptionFields = {
  warehouse_customer_id: warehouseCustomerId,
  warehouse_id: Type.Optional(
    Type.Array(Key("Trackstar's id of a warehouse", 'wh_oslo'), {
      maxItems: 100,
      description:
        'Only these warehouses: their quantities are added up, and others are left out. Repeat it for more than one',
      examples: [['wh_oslo']],
    }),
  ),
  include: Type.Optional(
    Type.Array(enumOf(['lots', 'locations']), {
      maxItems: 10,
      description: 'Details to add to the stock',
      examples: [['lots', 'locations']],
    }),
  ),
}

/** The same options in a query, where `include` may also be one value separated by commas. */
export const stockQueryFields = {
  ...stockOptionFields,
  include: Type.Optional(
    Type.Array(enumOf(['lots', 'locations', 'lots,locations', 'locations,lots']), {
      maxItems: 10,
      description: 'Details to add to the stock. Repeat it for both, or separate them by a comma',
      examples: [['lots', 'locations']],
    }),
  ),
}

/** The values of {@link stockOptionFields} or {@link stockQueryFields}. */
export interface StockOptionFields {
  readonly warehouse_customer_id?: string
  readonly warehouse_id?: readonly string[]
  readonly include?: readonly string[]
}

export function stockOptions({ warehouse_customer_id, warehouse_id, include = [] }: StockOptionFields): StockOptions {
  const included = include.flatMap((names) => names.split(','))
  return {
    warehouseCustomerId: warehouse_customer_id,
    warehouseIds: warehouse_id,
    include: { lots: included.includes('lots'), locations: included.includes('locations') },
  }
}

type FailedOutcome = Exclude<Selection, { status: 'ok' }> | Extract<StockOutcome, { status: 'unavailable' }>

/** The error of a SKU that has no stock. Throws an unexpected error as it is. */
export function stockProblem(sku: string, outcome: FailedOutcome): Problem {
  if (outcome.status === 'not_found') {
    return problem('product_not_found', `Trackstar has no product with the SKU ${JSON.stringify(sku)}`)
  }
  if (outcome.status === 'ambiguous') {
    const candidates = outcome.products.map(toCandidate)
    return problem('sku_ambiguous', `${candidates.length} products share the SKU ${JSON.stringify(sku)}`, {
      candidates,
    })
  }
  if (isProblem(outcome.error)) return outcome.error
  throw outcome.error
}

const toCandidate = (product: Product): Candidate => ({
  product_id: idOf(product),
  name: textOf(product.name),
  warehouse_customer_id: merchantOf(product),
  active: flagOf(product.active),
})

/** Bounds the serialised stocks that are kept, by the number of their items: some 10 MB. */
const maxCachedItems = 10_000

/** Not a slice of Node's buffer pool: each would keep 8 KiB of the pool alive. */
function toStandaloneBuffer(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** `GET /products/:sku/stock`. Stocks of popular SKUs are kept as bytes, so that a repeated answer is not serialised again. */
export const stockRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { catalog, readContextOf }) => {
  const stockCache = new StockCache(maxCachedItems)
  const bodies = new WeakMap<Stock, Body>()
  function bodyOf(stock: Stock, reply: { serializeInput: FastifyReply['serializeInput'] }): Body {
    const cached = bodies.get(stock)
    if (cached !== undefined) return cached
    const body = { json: toStandaloneBuffer(reply.serializeInput(stock, '200', 'application/json') as string) }
    bodies.set(stock, body)
    return body
  }

  app.get(
    '/products/:sku/stock',
    {
      config: { produces: 'json' },
      schema: {
        operationId: 'getStock',
        tags: ['stock'],
        summary: 'Get stock for a SKU',
        description:
          'Returns how many units of a SKU can be sold and in which warehouses they are: the product joined with its inventory items. The stock of a plain product is the sum of its items. The stock of a kit is what its scarcest component allows; `limiting` names that component. Sell by `available`. `complete` and `issues` report problems in the data behind it, `as_of` and `stale` how old it is, and `source` when Trackstar last copied the inventory from the warehouse system.',
        params: Type.Object({ sku: Sku }),
        querystring: Type.Object(stockQueryFields, { additionalProperties: false }),
        headers: CachedReadHeaders,
        response: cachedReadResponses(
          { description: 'The stock', schema: ref<Stock>('Stock') },
          'product_not_found',
          'sku_ambiguous',
        ),
      },
    },
    async (request, reply) => {
      const { sku } = request.params
      const context = readContextOf(request)
      const outcome = (
        await getStocks(catalog, new Set([sku]), stockOptions(request.query), context, { cache: stockCache })
      ).get(sku)
      if (outcome?.status !== 'ok') throw stockProblem(sku, outcome ?? { status: 'not_found' })
      const body = bodyOf(outcome.stock, reply)
      setFreshness(reply, context, outcome.readAt, { hasAsOf: true, body })
      return reply.type('application/json; charset=utf-8').send(body.json)
    },
  )
}
