import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isProblem, type ProblemBody, problemBody } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import { getStocks, type StockOutcome } from '../services/stocks.js'
import type { RunSteps } from '../services/work-turns.js'
import type { Stock } from '../stock/stock.js'
import { setFreshness } from './cached-reads.js'
import { sendLargeBody, serialiseArray } from './large-body.js'
import { CachedQueryHeaders, CachedReadHeaders, cachedQueryResponses, cachedReadResponses, Sku } from './schemas.js'
import {
  type CatalogRouteOptions,
  type StockOptionFields,
  stockOptionFields,
  stockOptions,
  stockProblem,
  stockQueryFields,
} from './stock.js'

const jsonType = 'application/json'

/** The most SKUs in a query string and in a body. */
export const maxSkusInQuery = 100
export const maxSkusInBody = 1000

const exampleSkus = ['SENCHA-100', 'EARL-GREY', 'NO-SUCH-SKU']

/** The outcome of each SKU, in the order of the request. */
export const StockResults = Type.Object(
  {
    results: Type.Array(
      Type.Object(
        {
          sku: Type.String({ description: 'The SKU, as in the request' }),
          status: enumOf(['ok', 'not_found', 'ambiguous', 'unavailable'], {
            description: 'unavailable: Trackstar could not be asked for it now, and nothing is held',
          }),
          stock: Type.Optional(ref<Stock>('Stock')),
          problem: Type.Optional(ref<ProblemBody>('Problem')),
        },
        { title: 'StockResult', description: 'The outcome of one SKU', additionalProperties: false },
      ),
      {
        description:
          'One entry per distinct SKU, in the order of the request: `stock` if the status is `ok`, else `problem`',
      },
    ),
  },
  { $id: 'StockResults', description: 'The outcomes of many SKUs', additionalProperties: false },
)

/** `GET /stock` and `POST /stock/query`: many SKUs in one request. A SKU that fails does not affect the others. */
export const manyStocksRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, options) => {
  const { catalog, readContextOf, inTurns } = options
  const success = {
    description: 'The outcome of each SKU',
    schema: ref('StockResults'),
  }
  const description =
    'Returns one entry for each distinct SKU, in the order of the request. A SKU that is unknown, ambiguous or unavailable has a `problem` in place of its `stock` and does not affect the others. The request as a whole fails only if it is invalid, or if Trackstar is down and none of the SKUs is cached.'

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    given: readonly string[],
    fields: StockOptionFields,
  ) {
    const context = readContextOf(request)
    const skus = new Set(given)
    const work = async (run: RunSteps) => {
      const outcomes = await getStocks(catalog, skus, stockOptions(fields), context, { run })
      throwIfAllUnavailable(outcomes)
      const read = Array.from(outcomes.values(), (outcome) =>
        outcome.status === 'unavailable' ? Number.POSITIVE_INFINITY : outcome.readAt,
      )
      const body = await run(
        serialiseArray('{"results":[', outcomes, ']}', ([sku, outcome]) => {
          const wrapped = reply.serializeInput({ results: [result(sku, outcome, request)] }, '200', jsonType)
          return String(wrapped).slice('{"results":['.length, -']}'.length)
        }),
      )
      return { read, body }
    }
    const { read, body } = await inTurns(request, reply, { size: skus.size, work })
    const isPartial = read.includes(Number.POSITIVE_INFINITY)
    setFreshness(reply, context, Math.min(...read), { hasAsOf: true, isPartial, body })
    return sendLargeBody(reply, body)
  }

  app.get(
    '/stock',
    {
      config: { produces: 'json', cost: ({ query }) => countOf(query, 'sku', maxSkusInQuery) },
      schema: {
        operationId: 'listStock',
        tags: ['stock'],
        summary: 'Get stock for several SKUs',
        description: `${description} Takes up to ${maxSkusInQuery} SKUs. For more of them, or long ones, use \`POST /stock/query\`.`,
        querystring: Type.Object(
          {
            sku: Type.Array(Sku, {
              minItems: 1,
              maxItems: maxSkusInQuery,
              description: 'A SKU. Repeat it for more than one',
              examples: [exampleSkus],
            }),
            ...stockQueryFields,
          },
          { additionalProperties: false },
        ),
        headers: CachedReadHeaders,
        response: cachedReadResponses(success),
      },
    },
    (request, reply) => answer(request, reply, request.query.sku, request.query),
  )

  app.post(
    '/stock/query',
    {
      config: { produces: 'json', cost: ({ body }) => countOf(body, 'skus', maxSkusInBody) },
      schema: {
        operationId: 'queryStock',
        tags: ['stock'],
        summary: 'Get stock for many SKUs',
        description: `${description} Takes up to ${maxSkusInBody} SKUs. It is a POST because they do not fit in a URL; it changes nothing.`,
        body: Type.Object(
          {
            skus: Type.Array(Sku, { minItems: 1, maxItems: maxSkusInBody, description: 'The SKUs' }),
            ...stockOptionFields,
          },
          {
            title: 'StockQuery',
            description: 'The SKUs and the options that apply to all of them',
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

/**
 * How many values a field has that is not validated yet. A request for more than `max` is invalid and counts as `max`: it
 * costs no more than the largest valid one.
 */
export function countOf(fields: unknown, name: string, max: number): number {
  const count = Object.entries(Object(fields))
    // Also `sku[]` and `sku[0]`: brackets are removed when the query is validated.
    .filter(([key]) => key === name || key.startsWith(`${name}[`))
    .reduce((sum, [, values]) => sum + (Array.isArray(values) ? values.length : 1), 0)
  return Math.min(Math.max(count, 1), max)
}

/** Throws the first error if every SKU is unavailable, and any error that is not a problem. */
function throwIfAllUnavailable(outcomes: ReadonlyMap<string, StockOutcome>): void {
  const reasons = Array.from(outcomes.values(), (outcome) =>
    outcome.status === 'unavailable' ? outcome.error : undefined,
  )
  const [first] = reasons
  if (first !== undefined && reasons.every((reason) => reason !== undefined)) throw first
  for (const reason of reasons) if (reason !== undefined && !isProblem(reason)) throw reason
}

function result(sku: string, outcome: StockOutcome, { id, problemsUrl }: FastifyRequest) {
  if (outcome.status === 'ok') return { sku, status: outcome.status, stock: outcome.stock }
  return { sku, status: outcome.status, problem: problemBody(stockProblem(sku, outcome), id, problemsUrl) }
}
