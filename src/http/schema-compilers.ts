import compilerModule from '@fastify/fast-json-stringify-compiler'
import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const
/** A query and a path are text, so `10` may be a number and one value a list of one; a body says what it means. */
const text = new Ajv({ ...common, coerceTypes: 'array' })
const body = new Ajv({ ...common, coerceTypes: false })

type Validate = ReturnType<Ajv['compile']>

/** Compiled validators by the text of their schema: routes share schemas, and so do the servers of one process. */
const validators = new Map<Ajv, Map<string, Validate>>([
  [text, new Map()],
  [body, new Map()],
])

function compileValidator(ajv: Ajv, schema: object): Validate {
  const known = validators.get(ajv)
  const key = JSON.stringify(schema)
  const validate = known?.get(key) ?? ajv.compile(schema)
  known?.set(key, validate)
  return validate
}

/**
 * Validation that refuses what it does not know, where Fastify's own would drop it in silence. Given to Fastify as the
 * factory of compilers: a compiler that is merely set is not used by a plugin that adds a schema of its own.
 */
export const validatorFactory =
  (): FastifySchemaCompiler<object> =>
  ({ schema, httpPart }) =>
    compileValidator(httpPart === 'body' ? body : text, schema)

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
