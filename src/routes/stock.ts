import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { ReadContext } from '../cache/read-context.js'
import type { Group } from '../connection-group.js'
import { enumOf, ref } from '../schema.js'
import type { Catalog } from '../services/catalog.js'
import { type GroupOutcome, GroupReader } from '../services/group-stocks.js'
import type { GroupTexts } from '../services/group-texts.js'
import { StockCache } from '../services/stock-cache.js'
import { etagOf, StockJson } from '../services/stock-json.js'
import { getStocks, isPlain, type StockOptions, stockProblem } from '../services/stocks.js'
import type { Stock } from '../stock/stock.js'
import { type ReadContextOf, setFreshness } from './cached-reads.js'
import { askedOf, connectionOrGroupField, isGroup } from './chosen-connection.js'
import type { InTurns } from './long-work.js'
import { CachedReadHeaders, cachedReadResponses, Key, Sku, warehouseCustomerId } from './schemas.js'

/** What every route that asks a connection needs. The request chooses the connection. */
export interface CatalogRouteOptions {
  readonly readContextOf: ReadContextOf
  readonly inTurns: InTurns
  /** The stocks of groups that are kept. */
  readonly groupTexts: GroupTexts
}

/** Options of every stock route, in a query or a body. */
export const stockOptionFields = {
  warehouse_customer_id: warehouseCustomerId,
  warehouse_id: Type.Optional(
    Type.Array(Key("Trackstar's id of a warehouse", 'wh_oslo'), {
      maxItems: 100,
      description:
        'Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one',
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

const jsonType = 'application/json'

/** What writes the JSON of a route's response, by its schema. It belongs to the route and not to the reply. */
export function serialiserOf(reply: FastifyReply): (value: unknown) => string {
  const serialise = reply.getSerializationFunction('200', jsonType)
  if (serialise === undefined) throw new Error('expected the route to have a schema for its response, but it has none')
  return (value) => serialise(value as Record<string, unknown>)
}

/** Bounds the composed stocks that are kept without a mirror, by the number of their items: some 10 MB. */
const maxCachedItems = 10_000

/** `GET /products/:sku/stock`. Stocks of popular SKUs are kept as text, so that a repeated answer is not serialised again. */
export const stockRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (
  app,
  { readContextOf, groupTexts },
) => {
  const stockCache = new StockCache(maxCachedItems)
  const bodies = new WeakMap<Stock, { readonly text: string; readonly etag: string }>()
  const jsons = new WeakMap<object, StockJson>()

  function send(reply: FastifyReply, context: ReadContext, readAt: number, body: { text: string; etag?: string }) {
    setFreshness(reply, context, readAt, { hasAsOf: true, body })
    return reply.type('application/json; charset=utf-8').send(body.text)
  }

  async function composeAndSend(
    catalog: Catalog,
    sku: string,
    options: StockOptions,
    context: ReadContext,
    reply: FastifyReply,
    json: StockJson,
  ) {
    const outcome = (await getStocks(catalog, new Set([sku]), options, context, { cache: stockCache })).get(sku)
    if (outcome?.status !== 'ok') throw stockProblem(sku, outcome ?? { status: 'not_found' })
    const { stock, readAt } = outcome
    if (!isPlain(options)) {
      return send(reply, context, readAt, { text: serialiserOf(reply)(stock) })
    }
    let body = bodies.get(stock)
    if (body === undefined) {
      const [start, tail] = json.parts(stock)
      body = { text: start.text + tail.text, etag: etagOf(start, tail) }
      bodies.set(stock, body)
    }
    return send(reply, context, readAt, body)
  }

  const jsonOf = (connection: object, reply: FastifyReply): StockJson => {
    let json = jsons.get(connection)
    if (json === undefined) {
      json = new StockJson(serialiserOf(reply))
      jsons.set(connection, json)
    }
    return json
  }

  function answerGroup(
    group: Group,
    sku: string,
    options: StockOptions,
    context: ReadContext,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const reader = new GroupReader(group, {
      options,
      context,
      jsonOf: (member) => jsonOf(member, reply),
      serialise: serialiserOf(reply),
      requestId: request.id,
      problemsUrl: request.problemsUrl,
      texts: groupTexts,
    })
    const answer = (outcome: GroupOutcome) => {
      if (outcome.status !== 'ok') throw outcome.problem
      const { readAt, isPartial } = outcome
      const body = outcome.body()
      setFreshness(reply, context, readAt, { hasAsOf: true, isPartial, body: { etag: etagOf(body) } })
      return reply.type('application/json; charset=utf-8').send(body.text)
    }
    const found = reader.read(sku)
    if (found) return answer(found)
    return reader
      .readOthers(new Set([sku]), { cache: stockCache })
      .then((read) => answer(read.get(sku) as GroupOutcome))
  }

  app.get(
    '/products/:sku/stock',
    {
      config: { produces: 'json', connectionIn: 'query', servesGroups: true },
      schema: {
        operationId: 'getStock',
        tags: ['stock'],
        summary: 'Get stock for a SKU',
        description:
          'Returns how many units of a SKU can be sold and in which warehouses they are: the product joined with its inventory items. The stock of a plain product is the sum of its items. The stock of a kit is what its scarcest component allows; `limiting` names that component. Sell by `available`. `complete` and `issues` report problems in the data behind it, `as_of` and `stale` how old it is, and `source` when Trackstar last copied the inventory from the warehouse system. The stock of a group is the sum over its connections; `connections` says what each of them has.',
        params: Type.Object({ sku: Sku }),
        querystring: Type.Object({ ...stockQueryFields, ...connectionOrGroupField }, { additionalProperties: false }),
        headers: CachedReadHeaders,
        response: cachedReadResponses(
          { description: 'The stock', schema: ref<Stock>('Stock') },
          'product_not_found',
          'sku_ambiguous',
        ),
      },
    },
    (request, reply) => {
      const { sku } = request.params
      const options = stockOptions(request.query)
      const connection = askedOf(request)
      const context = readContextOf(request)
      if (isGroup(connection)) return answerGroup(connection, sku, options, context, request, reply)
      const { catalog } = connection
      const json = jsonOf(connection, reply)
      const reader = isPlain(options) ? catalog.materialized?.reader(context) : undefined
      const found = reader?.read(sku, options.warehouseCustomerId, json)
      if (found === undefined) return composeAndSend(catalog, sku, options, context, reply, json)
      const tail = json.tail(found.age)
      const body = { text: found.body.text + tail.text, etag: etagOf(found.body, tail) }
      return send(reply, context, found.age.readAt, body)
    },
  )
}
