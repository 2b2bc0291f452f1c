/** A JSON Schema as OpenAPI 3.1 has it. What is not named here is compared as it stands. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly contentSchema?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  /** Ours: values may be added to the `enum` of an answer in a minor version, and its description says so. */
  readonly 'x-may-grow'?: boolean
  readonly [keyword: string]: unknown
}

/** The rules that two schemas are held against. In a request nothing may be refused that was taken; in an answer nothing may come that could not. */
export const schemaRules = {
  'type-changed': 'a value of another type is asked for, or may come',
  'enum-narrowed': 'a request may no longer have some value',
  'enum-grown': 'an answer may have a value that no client knows',
  'enum-value-removed': 'a value, such as a problem code, that clients look for never comes',
  'property-removed': 'a field is gone: of a request it is refused, of an answer it is missed',
  'property-required': 'a request needs a field that it did not need',
  'property-optional': 'an answer may lack a field that it always had',
  'limit-tightened': 'a request may no longer be so large or so small',
  'limit-loosened': 'an answer may be larger or smaller than it could',
  'form-changed': 'text or a number is of another pattern or format',
  closed: 'fields that are not named are no longer taken, or no longer come',
  'default-changed': 'a request that leaves something out means something else',
  'alternatives-changed': 'a schema is made of another number of schemas',
  'keyword-changed': 'something else has changed, for which there is no rule',
} as const

/** One thing that a client of the old contract would break on. */
export interface Break<Rule extends string = string> {
  readonly rule: Rule
  /** Where: `Stock.warehouses[]` in a component, `GET /stock query limit` in an operation. */
  readonly at: string
  /** What was and is, where the rule and the place do not say it all. */
  readonly detail: string
}

/** `request`: what clients send. `answer`: what they get. */
export type Direction = 'request' | 'answer'

type SchemaBreak = Break<keyof typeof schemaRules>

const upperLimits = ['maxLength', 'maxItems', 'maxProperties', 'maximum', 'exclusiveMaximum']
const lowerLimits = ['minLength', 'minItems', 'minProperties', 'minimum', 'exclusiveMinimum']
/** Constraints that can only be compared as wholes. */
const forms = ['pattern', 'multipleOf', 'uniqueItems']
/** The same, and besides they decide which type a generated client has. */
const kinds = ['format', 'contentMediaType', 'contentEncoding']
const combinations = ['anyOf', 'oneOf', 'allOf'] as const
const annotations = ['description', 'title', 'example', 'examples', 'deprecated', '$comment', 'externalDocs']
const seenTo = [
  ...['$ref', 'type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'items', 'contentSchema'],
  ...['default', ...upperLimits, ...lowerLimits, ...forms, ...kinds, ...combinations, ...annotations],
]

/** The keywords beside `known` whose values differ, as breaks: what has no rule is taken for breaking. */
export function unruled(before: object, after: object, known: readonly string[], at: string): SchemaBreak[] {
  const [was, is] = [new Map<string, unknown>(Object.entries(before)), new Map<string, unknown>(Object.entries(after))]
  return Array.from(new Set([...was.keys(), ...is.keys()]))
    .filter((keyword) => !known.includes(keyword) && !keyword.startsWith('x-'))
    .filter((keyword) => shown(was.get(keyword)) !== shown(is.get(keyword)))
    .map((keyword) => ({
      rule: 'keyword-changed',
      at,
      detail: `${keyword} ${wasIs(was.get(keyword), is.get(keyword))}`,
    }))
}

/** Compares the schemas of two documents. Each pair of components is looked at once in each direction. */
export class SchemaComparison {
  readonly #seen = new Set<string>()

  constructor(
    private readonly before: (reference: string) => Schema,
    private readonly after: (reference: string) => Schema,
  ) {}

  /** What clients break on where `before` has become `after`. */
  compare(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
    const [was, is] = [withoutNull(before), withoutNull(after)]
    const [wide, narrow] = direction === 'request' ? [is, was] : [was, is]
    const nullity: SchemaBreak[] =
      narrow.isNullable && !wide.isNullable && typesOf(wide.schema) !== undefined
        ? [{ rule: 'type-changed', at, detail: direction === 'request' ? 'null is no longer taken' : 'null may come' }]
        : []
    return [...nullity, ...this.#comparePlain(was.schema, is.schema, direction, at)]
  }

  #comparePlain(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
    const name = before.$ref?.split('/').at(-1)
    if (name !== undefined || after.$ref !== undefined) {
      const pair = `${direction} ${before.$ref ?? at} ${after.$ref ?? at}`
      if (this.#seen.has(pair)) return []
      this.#seen.add(pair)
    }
    const was = before.$ref === undefined ? before : this.before(before.$ref)
    const is = after.$ref === undefined ? after : this.after(after.$ref)
    const where = name ?? at
    return [
      ...typeBreaks(was, is, direction, where),
      ...enumBreaks(was, is, direction, where),
      ...limitBreaks(was, is, direction, where),
      ...formBreaks(was, is, direction, where),
      ...this.#fieldBreaks(was, is, direction, where),
      ...this.#partBreaks(was, is, direction, where),
      ...unruled(was, is, seenTo, where),
    ]
  }

  #fieldBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
    const { properties: was = {}, required: needed = [], additionalProperties: othersBefore = true } = before
    const { properties: is = {}, required: needs = [], additionalProperties: othersAfter = true } = after
    const kept = Object.keys(was).filter((field) => Object.hasOwn(is, field))
    const gone = Object.keys(was).filter((field) => !kept.includes(field))
    const news = needs.filter((field) => !needed.includes(field))
    const lost = needed.filter((field) => !needs.includes(field) && !gone.includes(field))
    const closed = othersBefore !== false && othersAfter === false
    const isTyped = typeof othersBefore === 'object' || typeof othersAfter === 'object'
    return [
      ...gone.map((field) => ({ rule: 'property-removed', at: `${at}.${field}`, detail: '' }) as const),
      ...(direction === 'request' ? news : []).map(
        (field) => ({ rule: 'property-required', at: `${at}.${field}`, detail: '' }) as const,
      ),
      ...(direction === 'answer' ? lost : []).map(
        (field) => ({ rule: 'property-optional', at: `${at}.${field}`, detail: '' }) as const,
      ),
      ...kept.flatMap((field) => this.compare(was[field] ?? {}, is[field] ?? {}, direction, `${at}.${field}`)),
      ...(closed ? [{ rule: 'closed', at, detail: '' } as const] : []),
      ...(isTyped && othersBefore !== false && othersAfter !== false
        ? this.compare(asSchema(othersBefore), asSchema(othersAfter), direction, `${at}{}`)
        : []),
    ]
  }

  #partBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
    const single = [
      [before.items, after.items, '[]'],
      [before.contentSchema, after.contentSchema, '~'],
    ] as const
    return [
      ...single.flatMap(([was, is, sign]) =>
        was || is ? this.compare(was ?? {}, is ?? {}, direction, at + sign) : [],
      ),
      ...combinations.flatMap((keyword) => {
        const [was = [], is = []] = [before[keyword], after[keyword]]
        if (was.length !== is.length) {
          return [{ rule: 'alternatives-changed', at, detail: `${keyword} ${wasIs(was, is)}` } as const]
        }
        return was.flatMap((part, index) => this.compare(part, is[index] ?? {}, direction, `${at}|${index}`))
      }),
    ]
  }
}

function typeBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
  const [was, is] = [typesOf(before), typesOf(after)]
  const [wide, narrow] = direction === 'request' ? [is, was] : [was, is]
  const fits = wide === undefined || (narrow?.every((type) => wide.includes(type)) ?? false)
  return fits ? [] : [{ rule: 'type-changed', at, detail: `type ${wasIs(before.type, after.type)}` }]
}

function enumBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
  const [was, is] = [valuesOf(before), valuesOf(after)]
  if (was === undefined && is === undefined) return []
  const gone = was?.filter((value) => is !== undefined && !is.includes(value)) ?? []
  const added = is?.filter((value) => was !== undefined && !was.includes(value)) ?? []
  const detail = `values ${wasIs(before.enum, after.enum)}`
  if (direction === 'request') {
    return gone.length > 0 || was === undefined ? [{ rule: 'enum-narrowed', at, detail }] : []
  }
  const hasGrown = added.length > 0 || is === undefined
  return [
    ...(gone.length > 0 ? [{ rule: 'enum-value-removed', at, detail: `gone: ${gone.join(', ')}` } as const] : []),
    ...(hasGrown && before['x-may-grow'] !== true ? [{ rule: 'enum-grown', at, detail } as const] : []),
  ]
}

function limitBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
  const rule = direction === 'request' ? 'limit-tightened' : 'limit-loosened'
  const sense = direction === 'request' ? 1 : -1
  return [...upperLimits, ...lowerLimits].flatMap((limit) => {
    const isUpper = upperLimits.includes(limit)
    const none = isUpper ? Number.POSITIVE_INFINITY : limit.endsWith('inimum') ? Number.NEGATIVE_INFINITY : 0
    const [was, is] = [Number(before[limit] ?? none), Number(after[limit] ?? none)]
    const isTighter = sense * (isUpper ? 1 : -1) > 0 ? is < was : is > was
    return isTighter ? [{ rule, at, detail: `${limit} ${wasIs(before[limit], after[limit])}` } as const] : []
  })
}

function formBreaks(before: Schema, after: Schema, direction: Direction, at: string): SchemaBreak[] {
  const differs = (keyword: string) => shown(before[keyword]) !== shown(after[keyword])
  const binds = (keyword: string) => (direction === 'request' ? after : before)[keyword] !== undefined
  const changed = [...forms.filter((form) => differs(form) && binds(form)), ...kinds.filter(differs)]
  return [
    ...changed.map(
      (form) => ({ rule: 'form-changed', at, detail: `${form} ${wasIs(before[form], after[form])}` }) as const,
    ),
    ...(direction === 'request' && differs('default')
      ? [{ rule: 'default-changed', at, detail: `default ${wasIs(before['default'], after['default'])}` } as const]
      : []),
  ]
}

/** A schema without null, and whether null is possible: by its type, or beside the one other of two alternatives. */
function withoutNull(schema: Schema): { readonly schema: Schema; readonly isNullable: boolean } {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null') ?? []
  const [other] = others
  if (schema.anyOf?.length === 2 && others.length === 1 && other) return { schema: other, isNullable: true }
  if (!Array.isArray(schema.type) || !schema.type.includes('null')) return { schema, isNullable: false }
  return { schema: { ...schema, type: schema.type.filter((type) => type !== 'null') }, isNullable: true }
}

/** The types a value may be of; undefined for any. Where a number may stand, an integer may. */
function typesOf({ type, $ref }: Schema): string[] | undefined {
  if (type === undefined) return $ref === undefined ? undefined : ['by reference']
  const types = typeof type === 'string' ? [type] : [...type]
  return types.includes('number') ? [...types, 'integer'] : types
}

const valuesOf = (schema: Schema): unknown[] | undefined =>
  Object.hasOwn(schema, 'const') ? [schema['const']] : schema.enum && [...schema.enum]

const asSchema = (given: boolean | Schema): Schema => (typeof given === 'object' ? given : {})
const shown = (value: unknown): string => JSON.stringify(value) ?? 'none'
const wasIs = (was: unknown, is: unknown) => `was ${shown(was)}, is ${shown(is)}`
