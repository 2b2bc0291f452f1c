import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { isProblem, problemBody } from '../errors.js'
import { ref } from '../schema.js'
import { checkBasketLines, type LineFailure } from '../services/baskets.js'
import { setFreshness } from './cached-reads.js'
import { CachedQueryHeaders, cachedQueryResponses, Sku } from './schemas.js'
import { type CatalogRouteOptions, stockOptionFields, stockProblem } from './stock.js'

/** Most lines of a basket. */
export const maxLines = 200

/** `POST /stock/check`: can these lines be shipped together? */
export const checkRoute: FastifyPluginAsyncTypebox<CatalogRouteOptions> = async (app, { catalog, readingOf }) => {
  app.post(
    '/stock/check',
    {
      config: { gives: 'json' },
      schema: {
        operationId: 'checkBasket',
        tags: ['stock'],
        summary: 'Can these be had together?',
        description: `Up to ${maxLines} lines. Kits and plain products that draw on one item share it, each unit counted once: two lines that could each be had alone need not be had together. Six gongfu sets need 24 cups, and with 20 cups beside them that is 44, of 40. \`fulfillable\` is the answer, \`shortages\` says which items are missing, \`lines\` how each line would fare alone. A line that is unknown or ambiguous has a \`problem\`, and with it the basket cannot be had. A check reserves nothing.`,
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
                { title: 'BasketLine', description: 'So many units of one SKU', additionalProperties: false },
              ),
              {
                minItems: 1,
                maxItems: maxLines,
                description: 'What is to be shipped; a SKU may occur in several lines',
              },
            ),
            warehouse_id: stockOptionFields.warehouse_id,
          },
          {
            title: 'Basket',
            description: 'What is to be shipped together',
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
          description: 'Whether the basket can be had, and what it lacks',
          schema: ref('BasketCheck'),
        }),
      },
    },
    async (request, reply) => {
      const { lines, warehouse_id } = request.body
      const asked = lines.map(({ sku, quantity, warehouse_customer_id }) => ({
        sku,
        quantity,
        warehouseCustomerId: warehouse_customer_id,
      }))
      const reading = readingOf(request)
      const { result, failures, readAt, stale } = await checkBasketLines(catalog, asked, warehouse_id, reading)
      failIfNoneCanBeHad([...failures.values()], asked.length)
      const isPartial = [...failures.values()].some((failure) => failure.status === 'unavailable')
      setFreshness(reply, reading, readAt, { saysAsOf: true, isPartial })
      return reply.send({
        ...result,
        lines: result.lines.map((line, place) => {
          const failure = failures.get(place)
          return failure ? { ...line, problem: problemBody(stockProblem(line.sku, failure), request.id) } : line
        }),
        as_of: new Date(readAt).toISOString(),
        stale,
      })
    },
  )
}

/** Throws the reason where upstream's failing leaves no line with an answer of any kind. */
function failIfNoneCanBeHad(failures: readonly LineFailure[], lines: number): void {
  const reasons = failures.flatMap((failure) => (failure.status === 'unavailable' ? [failure.error] : []))
  const unexpected = reasons.find((reason) => !isProblem(reason))
  if (unexpected !== undefined) throw unexpected
  if (reasons.length === lines) throw reasons[0]
}
