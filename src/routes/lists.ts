import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { problem } from '../errors.js'
import { PageEnvelope, passedOnResponses, passThrough } from './schemas.js'
import type { CatalogRouteOptions } from './stock.js'

interface ListRoute {
  readonly resource: keyof typeof filterFields
  readonly operationId: string
  readonly summary: string
  /** The `$id` of the records' schema. */
  readonly record: string
}

/** `GET /products`, `/inventory` or `/warehouses`: upstream's own list, always from upstream. */
export function addListRoute(
  app: FastifyInstance,
  { catalog, readingOf }: CatalogRouteOptions,
  { resource, operationId, summary, record }: ListRoute,
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
        response: passedOnResponses({ description: 'One page', schema: PageEnvelope(record) }),
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

const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin'] as const
const textOperators = [...operators, 'contains', 'not_contains'] as const

/** What each operator asks of a field. */
const meanings: Readonly<Record<(typeof textOperators)[number], string>> = {
  eq: 'Equal to this',
  neq: 'Not equal to this',
  gt: 'Greater than this, or later',
  gte: 'At least this, or at this time or later',
  lt: 'Less than this, or earlier',
  lte: 'At most this, or at this time or earlier',
  in: 'One of these, separated by commas',
  nin: 'None of these, separated by commas',
  contains: 'Holding this text',
  not_contains: 'Not holding this text',
}

/** The fields that upstream's lists can be filtered by, and what each is. */
const dates = {
  created_date: {
    operators,
    description: 'When the source system made the record',
    example: { gte: '2025-10-20T07:00:00Z' },
  },
  updated_date: {
    operators,
    description: 'When the source system changed it',
    example: { gte: '2025-10-20T07:00:00Z' },
  },
  trackstar_created_date: {
    operators,
    description: 'When Trackstar first copied it',
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

/** Which fields each list takes, as upstream documents it. */
export const filterFields: Readonly<Record<'products' | 'inventory' | 'warehouses', Readonly<Record<string, Field>>>> =
  {
    products: { ...texts, ...dates },
    inventory: { ...texts, ...active, ...dates },
    warehouses: {},
  }

/** Most values of one list: upstream refuses more. */
const maxValues = 100

const paging = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Records on a page; Trackstar gives 1000 unless told',
      'x-examples': { ten: { summary: 'Ten', value: 10 } },
    }),
  ),
  page_token: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description: '`next_token` of the page before. The first page has none',
      examples: ['c2xvdDox'],
    }),
  ),
}
const ids = Type.Optional(Type.String({ minLength: 1 }))
const maxLength = 12_000
const value = Type.Optional(Type.String({ maxLength }))

/** The query that is accepted: `field=value` and `field[op]=value` for what upstream documents, and nothing else. */
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

/** The same query for people: one parameter a field, its operators in brackets (OpenAPI's `deepObject`). */
export function documentedListQuery(resource: keyof typeof filterFields): TSchema {
  const filters = Object.entries(filterFields[resource]).map(
    ([field, { operators: allowed, description, example }]) => [
      field,
      Type.Optional(
        Type.Object(
          Object.fromEntries(
            allowed.map((operator) => [
              operator,
              Type.Optional(Type.String({ maxLength, description: meanings[operator] })),
            ]),
          ),
          {
            title: allowed.includes('contains') ? 'TextFilter' : 'Filter',
            style: 'deepObject',
            explode: true,
            additionalProperties: false,
            description: `${description}. \`${field}[eq]=…\`, or plain \`${field}=…\`; \`[in]\` and \`[nin]\` take up to ${maxValues} values, separated by commas`,
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
      description: `Up to ${maxValues} ids, separated by commas. Trackstar ignores all other filters then`,
      examples: [exampleIds[resource]],
    }),
  )
  return Type.Object({ ...paging, ids: documentedIds, ...Object.fromEntries(filters) })
}

/** A validated query as upstream's filters. Throws `validation_failed` where a list has more values than upstream takes. */
export function toFilters(query: unknown): Record<string, string> {
  const filters: Record<string, string> = {}
  for (const [name, given] of Object.entries(query as Record<string, string | number>)) {
    const text = String(given)
    const isList = name === 'ids' || name.endsWith('[in]') || name.endsWith('[nin]')
    const count = isList ? text.split(',').length : 1
    if (count > maxValues) {
      throw wrong(name, `expected at most ${maxValues} values, but got ${count}`)
    }
    const upstreamName = name === 'ids' ? 'ids[in]' : name
    if (upstreamName in filters) throw wrong('ids', 'given twice, as ids and as ids[in]')
    filters[upstreamName] = text
  }
  return filters
}

const wrong = (field: string, message: string) =>
  problem('validation_failed', `The query parameter ${field}: ${message}`, { errors: [{ field, message }] })
