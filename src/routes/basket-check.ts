import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { type Problem, problemBody } from '../errors.js'
import { ref } from '../schema.js'
import { checkBasketLines, describeBasket, unavailableError } from '../services/baskets.js'
import { checkGroupBasket } from '../services/group-baskets.js'
import type { RunSteps } from '../services/work-turns.js'
import { setFreshness } from './cached-reads.js'
import { askedOf, connectionOrGroupField, isGroup } from './chosen-connection.js'
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
      config: {
        produces: 'json',
        connectionIn: 'body',
        servesGroups: true,
        cost: ({ body }) => countOf(body, 'lines', maxLines),
      },
      schema: {
        operationId: 'checkBasket',
        tags: ['stock'],
        summary: 'Check a basket',
        description: `Returns whether up to ${maxLines} lines can be shipped together. Kits and plain products that use the same item share its units, so lines that are available one by one may not be available together: six gongfu sets need 24 cups, and 20 more cups make 44, but there are only 40. \`fulfillable\` is the answer for the basket, \`shortages\` lists the missing items, and \`lines\` says what each line could have on its own. If a line is unknown or ambiguous it has a \`problem\`, and the basket is not fulfillable. A check does not reserve stock. A group is fulfillable if one of its connections can ship the whole basket; \`connections\` has the reply of each.`,
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
            ...connectionOrGroupField,
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
      const asked = askedOf(request)
      const { lines, warehouse_id } = request.body
      const requestedLines = lines.map(({ sku, quantity, warehouse_customer_id }) => ({
        sku,
        quantity,
        warehouseCustomerId: warehouse_customer_id,
      }))
      const context = readContextOf(request)
      const describe = (problem: Problem) => problemBody(problem, request.id, request.problemsUrl)
      const check = async (run: RunSteps) => {
        if (isGroup(asked)) return checkGroupBasket(asked, requestedLines, warehouse_id, context, { describe, run })
        const report = await checkBasketLines(asked.catalog, requestedLines, warehouse_id, context, { run })
        const error = unavailableError(report)
        if (error !== undefined) throw error
        const isPartial = Array.from(report.failures.values()).some(({ status }) => status === 'unavailable')
        return { basket: describeBasket(report, describe), readAt: report.readAt, isPartial }
      }
      const size = requestedLines.length * (isGroup(asked) ? asked.members.length : 1)
      const { basket, readAt, isPartial } = await inTurns(request, reply, { size, work: check })
      setFreshness(reply, context, readAt, { hasAsOf: true, isPartial })
      return reply.send(basket)
    },
  )
}
