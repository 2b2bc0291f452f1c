import compilerModule from '@fastify/fast-json-stringify-compiler'
import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const common = {
  removeAdditional: false,
  useDefaults: true,
  strict: false,
  // V8 optimises the code as well, and to do it twice takes half of the compilation.
  code: { optimize: false },
} as const
/** A query and a path are text, so `10` may be a number and one value a list of one; a body says what it means. */
const ofText = { ...common, coerceTypes: 'array' } as const
const ofBody = { ...common, coerceTypes: false } as const

type Validate = ReturnType<Ajv['compile']>

/** Compiles each distinct schema once: routes share schemas, and so do the servers of one process. */
class ValidatorCache {
  readonly #validators = new Map<string, Validate>()

  constructor(private readonly ajv: Ajv) {}

  get(schema: object): Validate {
    const key = JSON.stringify(schema)
    const validate = this.#validators.get(key) ?? this.ajv.compile(schema)
    this.#validators.set(key, validate)
    return validate
  }
}

/** Validators that stop at the first error, for every request, and validators that collect all, for invalid ones. */
const text = {
  first: new ValidatorCache(new Ajv({ ...ofText, allErrors: false })),
  all: new ValidatorCache(new Ajv({ ...ofText, allErrors: true })),
}
const body = {
  first: new ValidatorCache(new Ajv({ ...ofBody, allErrors: false })),
  all: new ValidatorCache(new Ajv({ ...ofBody, allErrors: true })),
}

/**
 * Validation that rejects unknown fields, which Fastify's own would drop, and reports every error of an invalid part.
 * Array parameters of a query may be written with brackets (`sku[]=A`, `sku[0]=A`). Given to Fastify as the factory of
 * compilers: a compiler that is merely set is not used by a plugin that adds a schema of its own.
 */
export const validatorFactory =
  (): FastifySchemaCompiler<object> =>
  ({ schema, httpPart }) => {
    const validators = httpPart === 'body' ? body : text
    const isValid = validators.first.get(schema)
    const arrays = httpPart === 'querystring' ? arrayNames(schema) : new Set<string>()
    const validate = Object.assign(
      (data: unknown): boolean => {
        if (arrays.size > 0) joinBrackets(data as Record<string, unknown>, arrays)
        if (isValid(data)) return true
        const collect = validators.all.get(schema)
        void collect(shorten(data, schema))
        validate.errors = collect.errors ?? isValid.errors ?? []
        return false
      },
      { errors: [] as NonNullable<Validate['errors']> },
    )
    return validate
  }

/** The parts of a schema that {@link shorten} and {@link arrayNames} read. */
interface Schema {
  readonly type?: unknown
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

const arrayNames = ({ properties = {} }: Schema): ReadonlySet<string> =>
  new Set(Object.keys(properties).filter((name) => properties[name]?.type === 'array'))

/** Renames `name[]` and `name[0]` to `name`, for the names of arrays. */
function joinBrackets(query: Record<string, unknown>, arrays: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(query)) {
    const name = /^([^[]+)\[\d*\]$/.exec(key)?.[1]
    if (name === undefined || !arrays.has(name)) continue
    query[name] = [query[name] ?? [], value].flat()
    delete query[key]
  }
}

/** The most array items without `maxItems`, and the most unknown fields of an object, that are looked at. */
const maxReported = 100

/**
 * A copy with the same errors, but bounded in size: of each array one item more than the schema allows, and of each
 * object the known fields and the first unknown ones. Collecting the errors of a megabyte of invalid items would block
 * the event loop.
 */
function shorten(data: unknown, schema: Schema | undefined): unknown {
  // Deeper than the schema nothing is looked at, so the depth of the data does not matter.
  if (Array.isArray(data)) {
    if (schema?.items === undefined) return data
    return data.slice(0, (schema.maxItems ?? maxReported) + 1).map((item) => shorten(item, schema.items))
  }
  const properties = schema?.properties
  if (properties === undefined || typeof data !== 'object' || data === null) return data
  const entries = Object.entries(data)
  const known = entries.filter(([name]) => Object.hasOwn(properties, name))
  const unknown = entries.filter(([name]) => !Object.hasOwn(properties, name)).slice(0, maxReported)
  return Object.fromEntries([
    ...known.map(([name, value]) => [name, shorten(value, properties[name])] as const),
    ...unknown.map(([name]) => [name, null] as const),
  ])
}

type SerializerFactory = ReturnType<typeof compilerModule.SerializerSelector>
type Serializer = ReturnType<ReturnType<SerializerFactory>>

/** Compiled serializers by the text of their schema, for each set of schemas that it may refer to. */
const serializersByContext = new Map<string, Map<string, Serializer>>()

/**
 * Builds Fastify's own serializers, but compiles each distinct schema once in a process. Fastify compiles one for every
 * status of every route; most of these are the same problem, and compiling them took half of the start-up time.
 */
export function serializerFactory(): SerializerFactory {
  const createCompiler = compilerModule.SerializerSelector()
  return (sharedSchemas, options) => {
    const compile = createCompiler(sharedSchemas, options)
    const context = JSON.stringify([sharedSchemas, options])
    const serializers = serializersByContext.get(context) ?? new Map<string, Serializer>()
    serializersByContext.set(context, serializers)
    return (route) => {
      const key = JSON.stringify(route.schema)
      const serializer = serializers.get(key) ?? compile(route)
      serializers.set(key, serializer)
      return serializer
    }
  }
}
