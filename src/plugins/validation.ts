import { Ajv } from 'ajv'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const
/** A query and a path are text, so `10` may be a number and one value a list of one; a body says what it means. */
const text = new Ajv({ ...common, coerceTypes: 'array' })
const body = new Ajv({ ...common, coerceTypes: false })

const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? body : text).compile(schema)

/** Validation that refuses what it does not know, where Fastify's own would drop it in silence. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.setValidatorCompiler(compile)
    // JSON is the only body there is.
    app.removeContentTypeParser('text/plain')
  },
  { name: 'validation' },
)
