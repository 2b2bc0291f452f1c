import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isProblem, type Problem, ProblemBody, type ProblemCode, problem, problemBody } from '../errors.js'

/** Fastify's own refusals, by status; what is not named here is a bad request. */
const codeOfStatus: ReadonlyMap<number, ProblemCode> = new Map([
  [408, 'request_timeout'],
  [413, 'content_too_large'],
  [414, 'uri_too_long'],
  [415, 'unsupported_media_type'],
  [431, 'headers_too_large'],
])

/** Turns whatever was thrown into a {@link Problem}: ours as it is, Fastify's refusals by status, the rest a fault. */
export function toProblem(error: unknown): Problem {
  if (isProblem(error)) return error
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation?.[0]) {
    const wrong = fieldError(validation[0], validationContext)
    const where =
      validationContext === 'querystring' ? 'query parameter' : validationContext === 'params' ? 'path' : 'field'
    return problem('validation_failed', `The ${where} ${wrong.field || 'body'} ${wrong.message}`, {
      errors: [wrong],
      cause: error,
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(codeOfStatus.get(statusCode) ?? 'validation_failed', message ?? 'Invalid request', {
      cause: error,
    })
  }
  return problem('internal_error', 'Something went wrong here; the request id finds it in the logs', { cause: error })
}

/** The field that Ajv complains of, spelt as the caller would: `skus[3]` of a body, `sku[foo]` of a query. */
function fieldError(
  error: FastifySchemaValidationError,
  context: string | undefined,
): { field: string; message: string } {
  const { missingProperty, additionalProperty, allowedValues } = error.params
  const last = missingProperty ?? additionalProperty
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  if (typeof last === 'string') path.push(last)
  const [first = '', ...rest] = path
  const field = rest.reduce(
    (name, part) => (context === 'body' && !/^\d+$/.test(part) ? `${name}.${part}` : `${name}[${part}]`),
    first,
  )
  if (error.keyword === 'additionalProperties') return { field, message: 'is not known here' }
  if (error.keyword === 'required') return { field, message: 'is missing' }
  const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''
  return { field, message: `${error.message ?? 'is not valid'}${allowed}` }
}

const unescapePointer = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const found = toProblem(error)
  // What has no cause is in the request's own line, by its code: a flood of refusals must not be a flood of stacks.
  if (found.problem === 'internal_error') request.log.error({ err: found }, found.message)
  else if (found.statusCode >= 500 && found.cause !== undefined) request.log.warn({ err: found }, found.message)
  reply.problem = found.problem
  const { retryAfter, allow } = found.extras
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (allow) reply.header('allow', allow.join(', '))
  // RFC 9110, 15.5.2: a 401 says how to do better.
  if (found.problem === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="trackstar-bff"')
  return reply
    .code(found.statusCode)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(problemBody(found, request.id))
}

/** Every error as `application/problem+json` (RFC 9457), Fastify's own included. */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addSchema(ProblemBody)
    app.decorateReply('problem', null)
    app.setErrorHandler(sendProblem)
    // JSON is the only body there is: any other is a 415.
    app.removeContentTypeParser('text/plain')
    app.setNotFoundHandler((request, reply) =>
      sendProblem(
        problem('route_not_found', `There is no ${request.method} ${pathOf(request.url)} here`),
        request,
        reply,
      ),
    )
  },
  { name: 'problems' },
)

declare module 'fastify' {
  interface FastifyReply {
    /** The code of the problem that was answered, for logs and metrics. */
    problem: ProblemCode | null
  }
}

const pathOf = (url: string) => url.split('?', 1)[0] ?? ''
