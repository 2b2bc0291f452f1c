import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const
/** A query and a path are text, so `10` may be a number and one value a list of one; a body says what it means. */
const text = new Ajv({ ...common, coerceTypes: 'array' })
const body = new Ajv({ ...common, coerceTypes: false })

type Validate = ReturnType<Ajv['compile']>

/** Compiled validators by the text of their schema: routes share schemas, and so do the servers of one process. */
const compiled = new Map<Ajv, Map<string, Validate>>([
  [text, new Map()],
  [body, new Map()],
])

function compile(ajv: Ajv, schema: object): Validate {
  const known = compiled.get(ajv)
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
    compile(httpPart === 'body' ? body : text, schema)
