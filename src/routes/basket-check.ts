import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { isProblem, problemBody } from '../errors.js'
import { ref } from '../schema.js'
import { checkBasketLines, type LineFailure } from '../services/baskets.js'
import { stockProblem } from '../services/stocks.js'
import { setFreshness } from './cached-reads.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { CachedQueryHeaders, cachedQueryResponses, NoQuery, Sku } from './schemas.js'
import { type CatalogRouteOptions, stockOptionFields } from './stock.js'
import { countOf } from './stock-query.js'

/** The most lines of a basket. */
export const maxLines = 200

/** `POST /stock/check`: whether the lines of a basket can be shipped together. */
export const basketCheckRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (
  app,
  { readContextOf, inTurns },
) => {
  app.post(
    '/stock/check',
    {
      config: { produces: 'json', connectionIn: 'body', cost: ({ body }) => countOf(body, 'lines', maxLines) },
      schema: {
        operationId: 'checkBasket',
        tags: ['stock'],
        summary: 'Check a basket',
        description: `Returns whether up to ${maxLines} lines can be shipped together. Kits and plain products that use the same item share its units, so lines that are available one by one may not be available together: six gongfu sets need 24 cups, and 20 more cups make 44, but there are only 40. \`fulfillable\` is the answer for the basket, \`shortages\` lists the missing items, and \`lines\` says what each line could have on its own. If a line is unknown or ambiguous it has a \`problem\`, and the basket is not fulfillable. A check does not reserve stock.`,
        querystring: NoQuery,
        headers: CachedQueryHeaders,
        body: Type.Object(
          {
            lines: Type.Array(
              Type.Object(
                {
                  sku: Sku,
                  quantity: Type.Integer({ minimum: 1, maximum: 1e9, description: 'Units of the SKU', examples: [2] }),
                  warehouse_customer_id: stockOptionFields.warehouse_customer_id,
                },
                { title: 'BasketLine', description: 'A quantity of one SKU', additionalProperties: false },
              ),
              {
                minItems: 1,
                maxItems: maxLines,
                description: 'The lines to ship. A SKU may occur in several lines',
              },
            ),
            warehouse_id: stockOptionFields.warehouse_id,
            ...connectionField,
          },
          {
            title: 'Basket',
            description: 'The lines to ship together',
            additionalProperties: false,
            examples: [
              {
                lines: [
                  { sku: 'GONGFU-SET', quantity: 6 },
                  { sku: 'CUP', quantity: 20 },
                ],
              },
            ],
          },
        ),
        response: cachedQueryResponses({
          description: 'Whether the basket can be shipped, and which items are missing',
          schema: ref('BasketCheck'),
        }),
      },
    },
    async (request, reply) => {
      const { catalog } = connectionOf(request)
      const { lines, warehouse_id } = request.body
      const requestedLines = lines.map(({ sku, quantity, warehouse_customer_id }) => ({
        sku,
        quantity,
        warehouseCustomerId: warehouse_customer_id,
      }))
      const context = readContextOf(request)
      const { result, failures, readAt, stale } = await inTurns(request, reply, {
        size: requestedLines.length,
        work: (run) => checkBasketLines(catalog, requestedLines, warehouse_id, context, run),
      })
      throwIfAllUnavailable([...failures.values()], requestedLines.length)
      const isPartial = [...failures.values()].some((failure) => failure.status === 'unavailable')
      setFreshness(reply, context, readAt, { hasAsOf: true, isPartial })
      return reply.send({
        ...result,
        lines: result.lines.map((line, index) => {
          const failure = failures.get(index)
          return failure
            ? { ...line, problem: problemBody(stockProblem(line.sku, failure), request.id, request.problemsUrl) }
            : line
        }),
        as_of: new Date(readAt).toISOString(),
        stale,
      })
    },
  )
}

/** Throws the first error if every line is unavailable, and any error that is not a problem. */
function throwIfAllUnavailable(failures: readonly LineFailure[], lineCount: number): void {
  const reasons = failures.flatMap((failure) => (failure.status === 'unavailable' ? [failure.error] : []))
  const unexpected = reasons.find((reason) => !isProblem(reason))
  if (unexpected !== undefined) throw unexpected
  if (reasons.length === lineCount) throw reasons[0]
}
