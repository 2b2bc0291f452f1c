import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isProblem, type ProblemBody, problemBody } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import { getStocks, type StockOutcome } from '../services/stocks.js'
import type { Stock } from '../stock/stock.js'
import { setFreshness } from './cached-reads.js'
import { CachedQueryHeaders, CachedReadHeaders, cachedQueryResponses, cachedResponses, Sku } from './schemas.js'
import {
  type CatalogRouteOptions,
  type StockOptionFields,
  splitInclude,
  stockOptionFields,
  stockOptions,
  stockProblem,
} from './stock.js'

/** Most SKUs of a query, and of a body. */
export const maxSkusInQuery = 100
export const maxSkusInBody = 1000

const exampleSkus = ['SENCHA-100', 'EARL-GREY', 'NO-SUCH-SKU']

/** What came of each SKU, in the order first asked. */
export const StockResults = Type.Object(
  {
    results: Type.Array(
      Type.Object(
        {
          sku: Type.String({ description: 'The SKU, as asked' }),
          status: enumOf(['ok', 'not_found', 'ambiguous', 'unavailable'], {
            description: 'unavailable: Trackstar could not be asked for it now, and nothing is held',
          }),
          stock: Type.Optional(ref<Stock>('Stock')),
          problem: Type.Optional(ref<ProblemBody>('Problem')),
        },
        { title: 'StockResult', description: 'What came of one SKU', additionalProperties: false },
      ),
      { description: 'One entry per distinct SKU, in the order first asked: `stock` if ok, else `problem`' },
    ),
  },
  { $id: 'StockResults', description: 'The stock of many SKUs, each answered by itself', additionalProperties: false },
)

/** `GET /stock` and `POST /stock/query`: many SKUs at once. One bad SKU never spoils the others. */
export const manyStocksRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { catalog, readingOf } = options
  const success = {
    description: 'What came of each SKU',
    schema: ref('StockResults'),
  }
  const description =
    'One entry for each distinct SKU, in the order first asked. A SKU that is unknown, ambiguous or cannot be had at the moment has a `problem` in place of its `stock` and does not spoil the others. The whole fails only if the request is bad, or if Trackstar is down and nothing is held of any of them.'

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    given: readonly string[],
    fields: StockOptionFields,
  ) {
    const reading = readingOf(request)
    const outcomes = await getStocks(catalog, new Set(given), stockOptions(fields), reading)
    failIfNoneCanBeHad(outcomes)
    const read = Array.from(outcomes.values(), (outcome) =>
      outcome.status === 'unavailable' ? Number.POSITIVE_INFINITY : outcome.readAt,
    )
    const isPartial = read.includes(Number.POSITIVE_INFINITY)
    setFreshness(reply, reading, Math.min(...read), { saysAsOf: true, isPartial })
    return reply.send({ results: Array.from(outcomes, ([sku, outcome]) => result(sku, outcome, request.id)) })
  }

  app.get(
    '/stock',
    {
      config: { gives: 'json' },
      preValidation: splitInclude,
      schema: {
        operationId: 'listStock',
        tags: ['stock'],
        summary: `Stock of up to ${maxSkusInQuery} SKUs`,
        description: `${description} More SKUs, or long ones, go by \`POST /stock/query\`.`,
        querystring: Type.Object(
          {
            sku: Type.Array(Sku, {
              minItems: 1,
              maxItems: maxSkusInQuery,
              description: 'A SKU; repeat it for more',
              examples: [exampleSkus],
            }),
            ...stockOptionFields,
          },
          { additionalProperties: false },
        ),
        headers: CachedReadHeaders,
        response: cachedResponses(success),
      },
    },
    (request, reply) => answer(request, reply, request.query.sku, request.query),
  )

  app.post(
    '/stock/query',
    {
      config: { gives: 'json' },
      schema: {
        operationId: 'queryStock',
        tags: ['stock'],
        summary: `Stock of up to ${maxSkusInBody} SKUs`,
        description: `${description} It changes nothing; it is a POST because so many SKUs fit no address.`,
        body: Type.Object(
          {
            skus: Type.Array(Sku, { minItems: 1, maxItems: maxSkusInBody, description: 'The SKUs' }),
            ...stockOptionFields,
          },
          {
            title: 'StockQuery',
            description: 'The SKUs, and what narrows or widens the answer',
            additionalProperties: false,
            examples: [{ skus: exampleSkus }],
          },
        ),
        headers: CachedQueryHeaders,
        response: cachedQueryResponses(success),
      },
    },
    (request, reply) => answer(request, reply, request.body.skus, request.body),
  )
}

/** Throws the reason where upstream's failing leaves no SKU with an answer of any kind. */
function failIfNoneCanBeHad(outcomes: ReadonlyMap<string, StockOutcome>): void {
  const reasons = Array.from(outcomes.values(), (outcome) =>
    outcome.status === 'unavailable' ? outcome.error : undefined,
  )
  const [first] = reasons
  if (first !== undefined && reasons.every((reason) => reason !== undefined)) throw first
  for (const reason of reasons) if (reason !== undefined && !isProblem(reason)) throw reason
}

function result(sku: string, outcome: StockOutcome, requestId: string) {
  if (outcome.status === 'ok') return { sku, status: outcome.status, stock: outcome.stock }
  return { sku, status: outcome.status, problem: problemBody(stockProblem(sku, outcome), requestId) }
}
