import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const
/** A query and a path are text, so `10` may be a number and one value a list of one; a body says what it means. */
const text = new Ajv({ ...common, coerceTypes: 'array' })
const body = new Ajv({ ...common, coerceTypes: false })

/**
 * Validation that refuses what it does not know, where Fastify's own would drop it in silence. Given to Fastify as the
 * factory of compilers: a compiler that is merely set is not used by a plugin that adds a schema of its own.
 */
export const validatorFactory =
  (): FastifySchemaCompiler<object> =>
  ({ schema, httpPart }) =>
    (httpPart === 'body' ? body : text).compile(schema)
