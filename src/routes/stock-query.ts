import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Connection } from '../connection.js'
import { isProblem, type ProblemBody, problemBody } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import type { MaterializedStock, StockReader } from '../services/materialized-stocks.js'
import { type JsonPart, StockJson } from '../services/stock-json.js'
import { getStocks, isPlain, type StockOutcome, stockProblem } from '../services/stocks.js'
import type { RunSteps } from '../services/work-turns.js'
import type { Steps } from '../steps.js'
import type { Stock } from '../stock/stock.js'
import { setFreshness } from './cached-reads.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { arrayBody, type BodyDraft, sendLargeBody } from './large-body.js'
import {
  CachedQueryHeaders,
  CachedReadHeaders,
  cachedQueryResponses,
  cachedReadResponses,
  NoQuery,
  Sku,
} from './schemas.js'
import {
  type CatalogRouteOptions,
  type StockOptionFields,
  serialiserOf,
  stockOptionFields,
  stockOptions,
  stockQueryFields,
} from './stock.js'

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
            description: 'unavailable: Trackstar could not be read now, and the records are not cached',
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
export const manyStocksRoutes: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (
  app,
  { readContextOf, inTurns },
) => {
  const success = {
    description: 'The outcome of each SKU',
    schema: ref('StockResults'),
  }
  const description =
    'Returns one entry for each distinct SKU, in the order of the request. A SKU that is unknown, ambiguous or unavailable has a `problem` in place of its `stock` and does not affect the others. The request as a whole fails only if it is invalid, or if Trackstar is down and none of the SKUs is cached.'

  const jsons = new WeakMap<Connection, StockJson>()

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    given: readonly string[],
    fields: StockOptionFields,
  ) {
    const context = readContextOf(request)
    const skus = new Set(given)
    const options = stockOptions(fields)
    const { warehouseCustomerId } = options
    const serialise = serialiserOf(reply)
    const connection = connectionOf(request)
    const { catalog } = connection
    const stockJson =
      jsons.get(connection) ??
      new StockJson((stock) => inResult(serialise, { sku: '', status: 'ok', stock }).slice(emptyHead.length, -1))
    jsons.set(connection, stockJson)
    const work = async (run: RunSteps) => {
      const reader = isPlain(options) ? catalog.materialized?.reader(context) : undefined
      const found = await run(readMaterialized(reader, skus, warehouseCustomerId, stockJson))
      const others = new Set(Array.from(skus).filter((sku) => !found.has(sku)))
      const outcomes = others.size > 0 ? await getStocks(catalog, others, options, context, { run }) : noOutcomes
      throwIfUnavailable(outcomes, found.size === 0)
      const reads = [
        ...Array.from(found.values(), ({ age }) => age.readAt),
        ...Array.from(outcomes.values(), (outcome) =>
          outcome.status === 'unavailable' ? Number.POSITIVE_INFINITY : outcome.readAt,
        ),
      ]
      const body = await run(
        arrayBody('{"results":[', skus, ']}', (sku, draft) => {
          const materialized = found.get(sku)
          const outcome = outcomes.get(sku) ?? { status: 'not_found', readAt: 0 }
          if (materialized) {
            addStock(draft, sku, materialized.body, stockJson.tail(materialized.age), true)
          } else if (outcome.status === 'ok' && isPlain(options)) {
            const [start, tail] = stockJson.parts(outcome.stock)
            addStock(draft, sku, start, tail, false)
          } else draft.add(inResult(serialise, result(sku, outcome, request)))
        }),
      )
      return { reads, body }
    }
    const { reads, body } = await inTurns(request, reply, { size: skus.size, work })
    const isPartial = reads.includes(Number.POSITIVE_INFINITY)
    setFreshness(reply, context, Math.min(...reads), { hasAsOf: true, isPartial, body })
    return sendLargeBody(reply, body)
  }

  app.get(
    '/stock',
    {
      config: { produces: 'json', connectionIn: 'query', cost: ({ query }) => countOf(query, 'sku', maxSkusInQuery) },
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
            ...connectionField,
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
      config: { produces: 'json', connectionIn: 'body', cost: ({ body }) => countOf(body, 'skus', maxSkusInBody) },
      schema: {
        operationId: 'queryStock',
        tags: ['stock'],
        summary: 'Get stock for many SKUs',
        description: `${description} Takes up to ${maxSkusInBody} SKUs. It is a POST because they do not fit in a URL; it changes nothing.`,
        querystring: NoQuery,
        body: Type.Object(
          {
            skus: Type.Array(Sku, { minItems: 1, maxItems: maxSkusInBody, description: 'The SKUs' }),
            ...stockOptionFields,
            ...connectionField,
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

/** Throws an error that is not a problem, and the first error if every outcome is `unavailable` and there is no other. */
function throwIfUnavailable(outcomes: ReadonlyMap<string, StockOutcome>, areAll: boolean): void {
  const reasons = Array.from(outcomes.values(), (outcome) =>
    outcome.status === 'unavailable' ? outcome.error : undefined,
  )
  const [first] = reasons
  if (areAll && first !== undefined && reasons.every((reason) => reason !== undefined)) throw first
  for (const reason of reasons) if (reason !== undefined && !isProblem(reason)) throw reason
}

const noOutcomes: ReadonlyMap<string, StockOutcome> = new Map()

/** The stocks that need no more than the records in memory. */
function* readMaterialized(
  reader: StockReader | undefined,
  skus: ReadonlySet<string>,
  warehouseCustomerId: string | undefined,
  json: StockJson,
): Steps<ReadonlyMap<string, MaterializedStock>> {
  const found = new Map<string, MaterializedStock>()
  if (reader === undefined) return found
  for (const sku of skus) {
    const stock = reader.read(sku, warehouseCustomerId, json)
    if (stock) found.set(sku, stock)
    yield
  }
  return found
}

/** One result as it is in the response. */
const inResult = (serialise: (value: unknown) => string, value: object): string =>
  serialise({ results: [value] }).slice('{"results":['.length, -']}'.length)

const headOf = (sku: string) => `{"sku":${JSON.stringify(sku)},"status":"ok","stock":`
const emptyHead = headOf('')

function addStock(draft: BodyDraft, sku: string, body: JsonPart, tail: JsonPart, isShared: boolean): void {
  // The body has the SKU as well.
  draft.add(headOf(sku), '')
  draft.addPart(body, isShared)
  draft.addPart(tail, isShared)
  draft.add('}', '')
}
function result(sku: string, outcome: StockOutcome, { id, problemsUrl }: FastifyRequest) {
  if (outcome.status === 'ok') return { sku, status: outcome.status, stock: outcome.stock }
  return { sku, status: outcome.status, problem: problemBody(stockProblem(sku, outcome), id, problemsUrl) }
}
