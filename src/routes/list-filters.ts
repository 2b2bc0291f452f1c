import { type TSchema, Type } from 'typebox'
import { problem } from '../errors.js'

const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin'] as const
const textOperators = [...operators, 'contains', 'not_contains'] as const

/** The fields that upstream's lists can be filtered by, and what each is. */
const dates = {
  created_date: { operators, description: 'When the source system made the record', example: '2026-01-01T00:00:00Z' },
  updated_date: { operators, description: 'When the source system changed it', example: '2026-01-01T00:00:00Z' },
  trackstar_created_date: { operators, description: 'When Trackstar first copied it', example: '2026-01-01T00:00:00Z' },
  trackstar_updated_date: {
    operators,
    description: "When Trackstar's copy last changed",
    example: '2026-01-01T00:00:00Z',
  },
}
const texts = {
  sku: { operators: textOperators, description: 'The SKU', example: 'SENCHA-100' },
  warehouse_customer_id: { operators: textOperators, description: 'The merchant', example: 'cust_aurora' },
  trackstar_tags: { operators: textOperators, description: 'The tags', example: 'green' },
}
const active = { active: { operators, description: 'Whether the item is active', example: 'true' } }

interface Field {
  readonly operators: readonly string[]
  readonly description: string
  readonly example: string
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
      description: 'Records a page; Trackstar gives 1000 unless told',
      examples: [10],
    }),
  ),
  page_token: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4096, description: '`next_token` of the page before' }),
  ),
}
const ids = Type.Optional(
  Type.String({
    minLength: 1,
    description: `Up to ${maxValues} ids, separated by commas; Trackstar ignores all other filters then`,
  }),
)
const value = Type.Optional(Type.String({ maxLength: 12_000 }))

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
        Type.Object(Object.fromEntries(allowed.map((operator) => [operator, Type.Optional(Type.String())])), {
          style: 'deepObject',
          explode: true,
          additionalProperties: false,
          description: `${description}. \`${field}[op]=value\` with op ${allowed.join(', ')}; plain \`${field}=value\` is \`[eq]\`. \`in\` and \`nin\` take up to ${maxValues} values, separated by commas.`,
          examples: [{ eq: example }],
        }),
      ),
    ],
  )
  return Type.Object({ ...paging, ids, ...Object.fromEntries(filters) })
}

/** A validated query as upstream's filters. Throws `validation_failed` where a list has more values than upstream takes. */
export function toFilters(query: unknown): Record<string, string> {
  const filters: Record<string, string> = {}
  for (const [name, given] of Object.entries(query as Record<string, string | number>)) {
    const text = String(given)
    const isList = name === 'ids' || name.endsWith('[in]') || name.endsWith('[nin]')
    const count = isList ? text.split(',').length : 1
    if (count > maxValues) {
      const message = `expected at most ${maxValues} values, but got ${count}`
      throw problem('validation_failed', `The query parameter ${name}: ${message}`, {
        errors: [{ field: name, message }],
      })
    }
    filters[name === 'ids' ? 'ids[in]' : name] = text
  }
  return filters
}
