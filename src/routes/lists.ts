import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { problem } from '../errors.js'
import { connectionField, connectionOf } from './chosen-connection.js'
import { PageEnvelope, passThrough, upstreamListResponses } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

interface ListRoute {
  readonly resource: keyof typeof filterFields
  readonly operationId: string
  readonly summary: string
  /** The `$id` of the schema of a record. */
  readonly record: string
}

/** Adds `GET /products`, `/inventory` or `/warehouses`: Trackstar's own list, never from the cache. */
export function addListRoute(
  app: FastifyInstance,
  { readContextOf }: CatalogRouteOptions,
  { resource, operationId, summary, record }: ListRoute,
): void {
  const hasFilters = Object.keys(filterFields[resource]).length > 0
  app.get(
    `/${resource}`,
    {
      config: {
        produces: 'json',
        connectionIn: 'query',
        documentedQuery: withConnection(documentedListQuery(resource)),
      },
      serializerCompiler: passThrough,
      schema: {
        operationId,
        tags: [resource],
        summary,
        description: `Returns one page of Trackstar's own list, with Trackstar's filters and paging. Every page is read from Trackstar and counts towards the rate limit that all clients share; for stock, use the stock routes. Repeat the filters with every page: the page token does not contain them. Malformed records are omitted.${hasFilters ? filtersInShort : ''}`,
        querystring: withConnection(listQuery(resource)),
        response: upstreamListResponses({ description: 'One page', schema: PageEnvelope(record) }),
      },
    },
    async (request, reply) => {
      const { catalog } = connectionOf(request)
      const page = await catalog.list(resource, toFilters(request.query), readContextOf(request))
      return reply
        .header('cache-control', 'private, no-cache')
        .header('cache-status', 'trackstar-bff; fwd=bypass')
        .send({ data: page.records, next_token: page.nextToken, total_count: page.records.length })
    },
  )
}

/** The query with the option `connection`, which is no filter. */
const withConnection = (query: TSchema): TSchema => ({
  ...query,
  properties: { ...Object(query).properties, ...connectionField },
})

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The query that the OpenAPI document shows in place of the validated one. */
    documentedQuery?: TSchema
  }
}

const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin'] as const
const textOperators = [...operators, 'contains', 'not_contains'] as const

/** How to write a filter, for the description of a list. */
const filtersInShort = ' A filter is `field[operator]=value`; `field=value` is short for `field[eq]=value`.'

/** The most values of one list: Trackstar refuses more. */
const maxValues = 100

/** The description of each operator. */
const operatorDescriptions: Readonly<Record<(typeof textOperators)[number], string>> = {
  eq: 'Equal to the value',
  neq: 'Not equal to the value',
  gt: 'Greater or later than the value',
  gte: 'Equal to the value, or greater or later',
  lt: 'Less or earlier than the value',
  lte: 'Equal to the value, or less or earlier',
  in: `One of up to ${maxValues} values, separated by commas`,
  nin: `None of up to ${maxValues} values, separated by commas`,
  contains: 'Contains the text',
  not_contains: 'Does not contain the text',
}

const dates = {
  created_date: {
    operators,
    description: 'When the warehouse system created the record',
    example: { gte: '2025-10-20T07:00:00Z' },
  },
  updated_date: {
    operators,
    description: 'When the warehouse system last changed the record',
    example: { gte: '2025-10-20T07:00:00Z' },
  },
  trackstar_created_date: {
    operators,
    description: 'When Trackstar first copied the record',
    example: { gte: '2025-10-20T07:00:00Z' },
  },
  trackstar_updated_date: {
    operators,
    description: "When Trackstar's copy last changed",
    example: { gte: '2025-10-20T07:00:00Z' },
  },
}
const texts = {
  sku: { operators: textOperators, description: 'The SKU', example: { eq: 'SENCHA-100' } },
  warehouse_customer_id: { operators: textOperators, description: 'The merchant', example: { eq: 'cust_aurora' } },
  trackstar_tags: { operators: textOperators, description: 'The tags', example: { eq: 'green' } },
}
const active = { active: { operators, description: 'Whether the item is active', example: { eq: 'true' } } }

const exampleIds = {
  products: 'prod_sencha,prod_cup',
  inventory: 'inv_sencha,inv_cup',
  warehouses: 'wh_oslo,wh_porto',
}

interface Field {
  readonly operators: readonly (typeof textOperators)[number][]
  readonly description: string
  readonly example: Readonly<Record<string, string>>
}

/** The filters of each list, as Trackstar documents them. */
export const filterFields: Readonly<Record<'products' | 'inventory' | 'warehouses', Readonly<Record<string, Field>>>> =
  {
    products: { ...texts, ...dates },
    inventory: { ...texts, ...active, ...dates },
    warehouses: {},
  }

const paging = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Records per page. Default: 1000',
      'x-examples': { ten: { summary: 'Ten', value: 10 } },
    }),
  ),
  page_token: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description: '`next_token` of the previous page. Omit it for the first page',
      examples: ['c2xvdDox'],
    }),
  ),
}
const ids = Type.Optional(Type.String({ minLength: 1 }))
const maxLength = 12_000
const value = Type.Optional(Type.String({ maxLength }))

/** The query that is validated: `field=value` and `field[op]=value` for each documented filter, and nothing else. */
export function listQuery(resource: keyof typeof filterFields): TSchema {
  const filters = Object.entries(filterFields[resource]).flatMap(([field, { operators: allowed }]) => [
    [field, value],
    ...allowed.map((operator) => [`${field}[${operator}]`, value]),
  ])
  return Type.Object(
    { ...paging, ids, 'ids[in]': ids, ...Object.fromEntries(filters) },
    { additionalProperties: false },
  )
}

/** The same query in the OpenAPI document: one parameter per field, with the operators in brackets (`deepObject`). */
export function documentedListQuery(resource: keyof typeof filterFields): TSchema {
  const filters = Object.entries(filterFields[resource]).map(
    ([field, { operators: allowed, description, example }]) => [
      field,
      Type.Optional(
        Type.Object(
          Object.fromEntries(
            allowed.map((operator) => [
              operator,
              Type.Optional(Type.String({ maxLength, description: operatorDescriptions[operator] })),
            ]),
          ),
          {
            title: allowed.includes('contains') ? 'TextFilter' : 'Filter',
            style: 'deepObject',
            explode: true,
            additionalProperties: false,
            description,
            'x-examples': {
              none: { summary: 'No filter', value: {} },
              one: { summary: `By ${Object.keys(example).join()}`, value: example },
            },
          },
        ),
      ),
    ],
  )
  const documentedIds = Type.Optional(
    Type.String({
      minLength: 1,
      description: `Up to ${maxValues} ids, separated by commas. With it, Trackstar ignores all other filters`,
      examples: [exampleIds[resource]],
    }),
  )
  return Type.Object({ ...paging, ids: documentedIds, ...Object.fromEntries(filters) })
}

/**
 * Turns a validated query into Trackstar's filters. Throws `validation_failed` with every list of more than 100 values,
 * and if the ids are given twice.
 */
export function toFilters(query: unknown): Record<string, string> {
  const filters: Record<string, string> = {}
  const errors: { field: string; message: string }[] = []
  for (const [name, given] of Object.entries(query as Record<string, string | number>)) {
    if (name in connectionField) continue
    const text = String(given)
    const isList = name === 'ids' || name.endsWith('[in]') || name.endsWith('[nin]')
    const count = isList ? text.split(',').length : 1
    if (count > maxValues) {
      errors.push({ field: name, message: `expected at most ${maxValues} values, but got ${count}` })
    }
    const upstreamName = name === 'ids' ? 'ids[in]' : name
    if (upstreamName in filters) errors.push({ field: 'ids', message: 'expected ids or ids[in], but got both' })
    filters[upstreamName] = text
  }
  if (errors.length === 0) return filters
  const detail = errors.map(({ field, message }) => `the query parameter ${field}: ${message}`).join('; ')
  throw problem('validation_failed', detail.replace(/^t/, 'T'), { errors })
}
