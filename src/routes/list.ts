import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import type { ResponseExample } from './examples.js'
import { documentedListQuery, type filterFields, listQuery, toFilters } from './list-filters.js'
import { PageEnvelope, passThrough } from './records.js'
import { passedOnResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

interface ListRoute {
  readonly resource: keyof typeof filterFields
  readonly operationId: string
  readonly summary: string
  /** The `$id` of the records' schema. */
  readonly record: string
  readonly examples: Readonly<Record<string, ResponseExample>>
}

/** `GET /products`, `/inventory` or `/warehouses`: upstream's own list, always from upstream. */
export function addListRoute(
  app: FastifyInstance,
  { catalog, readingOf }: CatalogRouteOptions,
  { resource, operationId, summary, record, examples }: ListRoute,
): void {
  app.get(
    `/${resource}`,
    {
      config: { gives: 'json', documentedQuery: documentedListQuery(resource) },
      serializerCompiler: passThrough,
      schema: {
        operationId,
        tags: [resource],
        summary,
        description:
          "Trackstar's own list, with its filters, paging and shape, passed on. It always asks Trackstar, so each page counts against the rate that all callers share: for stock, use the stock routes. Repeat the filters with each page, for the token does not remember them. A record that is not what Trackstar documents is left out.",
        querystring: listQuery(resource),
        response: passedOnResponses({ description: 'One page', schema: PageEnvelope(record), examples }),
      },
    },
    async (request, reply) => {
      const page = await catalog.list(resource, toFilters(request.query), readingOf(request))
      return reply
        .header('cache-control', 'private, no-cache')
        .header('cache-status', 'trackstar-bff; fwd=bypass')
        .send({ data: page.records, next_token: page.nextToken, total_count: page.records.length })
    },
  )
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the documentation shows in place of the query that is validated. */
    documentedQuery?: TSchema
  }
}
