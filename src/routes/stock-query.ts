import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Connection } from '../connection.js'
import type { Group } from '../connection-group.js'
import { isProblem, type Problem, type ProblemBody, problemBody } from '../errors.js'
import { enumOf, ref } from '../schema.js'
import { type GroupOutcome, GroupReader } from '../services/group-stocks.js'
import type { MaterializedStock, StockReader } from '../services/materialized-stocks.js'
import { type JsonPart, StockJson } from '../services/stock-json.js'
import { getStocks, isPlain, type StockOutcome, stockProblem } from '../services/stocks.js'
import type { RunSteps } from '../services/work-turns.js'
import type { Steps } from '../steps.js'
import type { Stock } from '../stock/stock.js'
import { setFreshness } from './cached-reads.js'
import { askedOf, connectionOrGroupField, isGroup } from './chosen-connection.js'
import { arrayBody, type BodyDraft, type LargeBody, sendLargeBody } from './large-body.js'
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
  { readContextOf, inTurns, groupTexts },
) => {
  const success = {
    description: 'The outcome of each SKU',
    schema: ref('StockResults'),
  }
  const description =
    'Returns one entry for each distinct SKU, in the order of the request. A SKU that is unknown, ambiguous or unavailable has a `problem` in place of its `stock` and does not affect the others. The request as a whole fails only if it is invalid, or if Trackstar is down and none of the SKUs is cached. The stock of a group is the sum over its connections.'

  const jsons = new WeakMap<object, StockJson>()

  /** The JSON of the stocks of a connection. */
  function jsonOf(connection: object, serialise: (value: unknown) => string): StockJson {
    const json = jsons.get(connection) ?? new StockJson((stock) => stockIn(serialise, stock))
    jsons.set(connection, json)
    return json
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    given: readonly string[],
    fields: StockOptionFields,
  ) {
    const context = readContextOf(request)
    const skus = new Set(given)
    const options = stockOptions(fields)
    const serialise = serialiserOf(reply)
    const asked = askedOf(request)
    const size = skus.size * (isGroup(asked) ? asked.members.length : 1)
    const work = (run: RunSteps) => (isGroup(asked) ? workOfGroup(asked, run) : workOfConnection(asked, run))
    const answered = await inTurns(request, reply, { size, work })
    setFreshness(reply, context, answered.readAt, { hasAsOf: true, isPartial: answered.isPartial, body: answered.body })
    return sendLargeBody(reply, answered.body)

    async function workOfConnection(connection: Connection, run: RunSteps): Promise<Answer> {
      const { catalog } = connection
      const stockJson = jsonOf(connection, serialise)
      const reader = isPlain(options) ? catalog.materialized?.reader(context) : undefined
      const found = await run(readMaterialized(reader, skus, options.warehouseCustomerId, stockJson))
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
            addStock(draft, sku, [materialized.body, stockJson.tail(materialized.age)], true)
          } else if (outcome.status === 'ok' && isPlain(options)) {
            addStock(draft, sku, stockJson.parts(outcome.stock), false)
          } else if (outcome.status === 'ok') {
            draft.add(inResult(serialise, { sku, status: outcome.status, stock: outcome.stock }))
          } else draft.add(failedResult(sku, outcome.status, stockProblem(sku, outcome)))
        }),
      )
      return { readAt: Math.min(...reads), isPartial: reads.includes(Number.POSITIVE_INFINITY), body }
    }

    async function workOfGroup(group: Group, run: RunSteps): Promise<Answer> {
      const reader = new GroupReader(group, {
        options,
        context,
        jsonOf: (member) => jsonOf(member, serialise),
        serialise: (stock) => stockIn(serialise, stock),
        requestId: request.id,
        problemsUrl: request.problemsUrl,
        texts: groupTexts,
      })
      const found = await run(readGroupTexts(reader, skus))
      const others = new Set(Array.from(skus).filter((sku) => !found.has(sku)))
      const outcomes = others.size > 0 ? await reader.readOthers(others, { run }) : found
      const all = Array.from(skus, (sku) => (found.get(sku) ?? outcomes.get(sku)) as GroupOutcome)
      const [first] = all
      if (first?.status === 'unavailable' && all.every(({ status }) => status === first.status)) throw first.problem
      const body = await run(
        arrayBody('{"results":[', skus, ']}', (sku, draft) => {
          const outcome = (found.get(sku) ?? outcomes.get(sku)) as GroupOutcome
          if (outcome.status === 'ok') addStock(draft, sku, [outcome.body()], outcome.isShared)
          else draft.add(failedResult(sku, outcome.status, outcome.problem))
        }),
      )
      const readAt = Math.min(...all.map((outcome) => outcome.readAt))
      return { readAt, isPartial: all.some((outcome) => outcome.isPartial), body }
    }

    function failedResult(sku: string, status: string, error: Problem): string {
      return inResult(serialise, { sku, status, problem: problemBody(error, request.id, request.problemsUrl) })
    }
  }

  app.get(
    '/stock',
    {
      config: {
        produces: 'json',
        connectionIn: 'query',
        servesGroups: true,
        cost: ({ query }) => countOf(query, 'sku', maxSkusInQuery),
      },
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
            ...connectionOrGroupField,
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
      config: {
        produces: 'json',
        connectionIn: 'body',
        servesGroups: true,
        cost: ({ body }) => countOf(body, 'skus', maxSkusInBody),
      },
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
            ...connectionOrGroupField,
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

/** The stocks of a group that need no more than the records in memory. */
function* readGroupTexts(reader: GroupReader, skus: ReadonlySet<string>): Steps<ReadonlyMap<string, GroupOutcome>> {
  const found = new Map<string, GroupOutcome>()
  for (const sku of skus) {
    const outcome = reader.read(sku)
    if (outcome) found.set(sku, outcome)
    yield
  }
  return found
}

/** What a request gets, and how old it is. */
interface Answer {
  /** Epoch ms of the oldest record. */
  readonly readAt: number
  readonly isPartial: boolean
  readonly body: LargeBody
}

/** One result as it is in the response. */
const inResult = (serialise: (value: unknown) => string, value: object): string =>
  serialise({ results: [value] }).slice('{"results":['.length, -']}'.length)

const headOf = (sku: string) => `{"sku":${JSON.stringify(sku)},"status":"ok","stock":`
const emptyHead = headOf('')

/** The stock of a result as it is in the response. */
const stockIn = (serialise: (value: unknown) => string, stock: Stock): string =>
  inResult(serialise, { sku: '', status: 'ok', stock }).slice(emptyHead.length, -1)

function addStock(draft: BodyDraft, sku: string, parts: readonly JsonPart[], isShared: boolean): void {
  // The body has the SKU as well.
  draft.add(headOf(sku), '')
  for (const part of parts) draft.addPart(part, isShared)
  draft.add('}', '')
}
