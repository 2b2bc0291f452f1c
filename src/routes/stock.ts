import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { type Candidate, isProblem, type Problem, problem } from '../errors.js'
import type { Product } from '../records/product.js'
import { enumOf, ref } from '../schema.js'
import type { Catalog } from '../services/catalog.js'
import { StockCache } from '../services/stock-cache.js'
import { getStocks, type StockOptions, type StockOutcome } from '../services/stocks.js'
import type { Selection } from '../stock/selection.js'
import type { Stock } from '../stock/stock.js'
import { type Body, type ReadContextOf, setFreshness } from './cached-reads.js'
import { CachedReadHeaders, cachedResponses, Key, Sku, warehouseCustomerId } from './schemas.js'

export interface CatalogRouteOptions {
  readonly catalog: Catalog
  readonly readingOf: ReadContextOf
}

/** What all stock routes take beside their SKUs, in a query or in a body. */
export const stockOptionFields = {
  warehouse_customer_id: warehouseCustomerId,
  warehouse_id: Type.Optional(
    Type.Array(Key("Trackstar's id of a warehouse", 'wh_oslo'), {
      maxItems: 100,
      description:
        'Only these warehouses: their numbers are pooled, the others neither counted nor listed. Repeat it for more',
      examples: [['wh_oslo']],
    }),
  ),
  include: Type.Optional(
    Type.Array(enumOf(['lots', 'locations']), {
      maxItems: 10,
      description: 'What to add to the answer. Repeat it for more, or (in a query) separate by commas',
      examples: [['lots', 'locations']],
    }),
  ),
}

/** The fields of {@link stockOptionFields}, as they were given. */
export interface StockOptionFields {
  readonly warehouse_customer_id?: string
  readonly warehouse_id?: readonly string[]
  readonly include?: readonly ('lots' | 'locations')[]
}

export const stockOptions = ({ warehouse_customer_id, warehouse_id, include }: StockOptionFields): StockOptions => ({
  warehouseCustomerId: warehouse_customer_id,
  warehouseIds: warehouse_id,
  include: { lots: include?.includes('lots') ?? false, locations: include?.includes('locations') ?? false },
})

/** Lets `include` of a query be a list with commas, before it is validated. */
export function splitInclude(request: { query: unknown }, _reply: unknown, done: () => void): void {
  const query = request.query as { include?: unknown }
  if (query.include !== undefined) {
    query.include = [query.include].flat().flatMap((value) => (typeof value === 'string' ? value.split(',') : [value]))
  }
  done()
}

type NoStock = Exclude<Selection, { status: 'ok' }> | Extract<StockOutcome, { status: 'unavailable' }>

/** Why there is no stock, as the error of the one SKU that was asked for. */
export function stockProblem(sku: string, outcome: NoStock): Problem {
  if (outcome.status === 'not_found') {
    return problem('product_not_found', `Trackstar knows no product with the SKU ${JSON.stringify(sku)}`)
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
  product_id: product.id,
  name: product.name ?? null,
  warehouse_customer_id: product.warehouse_customer_id ?? null,
  active: product.active ?? null,
})

/** Items of the stocks that are kept as they were answered, for the SKUs that everybody asks for: some 10 MB. */
const maxKeptItems = 10_000

/** In memory of its own: a part of Node's pool would hold 8 KiB of it for as long as it is kept. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** `GET /products/:sku/stock`: what the service is for. */
export const stockRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { catalog, readingOf }) => {
  const kept = new StockCache(maxKeptItems)
  const bodies = new WeakMap<Stock, Body>()
  function bodyOf(stock: Stock, reply: { serializeInput: FastifyReply['serializeInput'] }): Body {
    const known = bodies.get(stock)
    if (known !== undefined) return known
    const body = { json: ownBytes(reply.serializeInput(stock, '200', 'application/json') as string) }
    bodies.set(stock, body)
    return body
  }

  app.get(
    '/products/:sku/stock',
    {
      config: { gives: 'json' },
      preValidation: splitInclude,
      schema: {
        operationId: 'getStock',
        tags: ['stock'],
        summary: 'Stock of one SKU',
        description:
          'How much of a SKU can be sold, and where it is: the product joined with its inventory items, in one call. A plain product adds its items up; of a kit there are as many as its scarcest component allows, and `limiting` names that component. `available` is the number to sell by. `complete` and `issues` say whether it can be relied on, `as_of` and `stale` how old it is, `source` when Trackstar itself last copied the inventory.',
        params: Type.Object({ sku: Sku }),
        querystring: Type.Object(stockOptionFields, { additionalProperties: false }),
        headers: CachedReadHeaders,
        response: cachedResponses(
          { description: 'The stock', schema: ref<Stock>('Stock') },
          'product_not_found',
          'sku_ambiguous',
        ),
      },
    },
    async (request, reply) => {
      const { sku } = request.params
      const reading = readingOf(request)
      const outcome = (await getStocks(catalog, new Set([sku]), stockOptions(request.query), reading, kept)).get(sku)
      if (outcome?.status !== 'ok') throw stockProblem(sku, outcome ?? { status: 'not_found' })
      const body = bodyOf(outcome.stock, reply)
      setFreshness(reply, reading, outcome.readAt, { saysAsOf: true, body })
      return reply.type('application/json; charset=utf-8').send(body.json)
    },
  )
}
