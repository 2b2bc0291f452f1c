import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isProblem, type Problem, ProblemBody, type ProblemCode, problem, problemBody } from '../errors.js'

/** Fastify's own errors by status; any other 4xx is an invalid request. */
const codeByStatus: ReadonlyMap<number, ProblemCode> = new Map([
  [408, 'request_timeout'],
  [413, 'content_too_large'],
  [414, 'uri_too_long'],
  [415, 'unsupported_media_type'],
  [431, 'headers_too_large'],
])

/**
 * Converts any thrown value into a {@link Problem}: Fastify's 4xx errors by status, unknown errors to `internal_error`.
 * Given the request, an invalid request lists the errors of all its parts: Fastify stops at the first invalid part.
 */
export function toProblem(error: unknown, request?: FastifyRequest): Problem {
  if (isProblem(error)) return error
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation?.[0]) {
    const own = validation.map((fault) => fieldError(fault, validationContext))
    return invalidRequest(request ? parts.flatMap((part) => errorsIn(request, part)) : own, error)
  }
  if (statusCode === 415) {
    const given = request?.headers['content-type']
    const got = given === undefined ? 'none' : JSON.stringify(given.slice(0, maxShown))
    return problem('unsupported_media_type', `Expected Content-Type: application/json, but got ${got}`, {
      cause: error,
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(codeByStatus.get(statusCode) ?? 'validation_failed', message ?? 'Invalid request', {
      cause: error,
    })
  }
  return problem('internal_error', 'An unexpected error occurred; the logs have it under the request_id', {
    cause: error,
  })
}

/** The most characters of a header that a problem repeats. */
const maxShown = 100
/** The most invalid fields that a problem lists, and that its `detail` names. */
const maxErrors = 100
const maxInDetail = 5

const parts = ['params', 'querystring', 'headers', 'body'] as const
type Part = (typeof parts)[number]

/** An invalid field of a request, spelled as the caller sent it. */
interface FieldError {
  readonly part: string
  readonly field: string
  readonly message: string
}

/** What is wrong with one part of the request. */
function errorsIn(request: FastifyRequest, part: Part): FieldError[] {
  const validate = request.getValidationFunction(part)
  const value = part === 'querystring' ? request.query : request[part]
  if (validate === undefined || validate(value ?? null)) return []
  return (validate.errors ?? []).map((fault) => fieldError(fault as FastifySchemaValidationError, part))
}

/** The problem of an invalid request: one error for each field, the first of several. */
function invalidRequest(found: readonly FieldError[], cause: unknown): Problem {
  const errors = [...new Map(found.toReversed().map((error) => [`${error.part} ${error.field}`, error])).values()]
    .toReversed()
    .slice(0, maxErrors)
  const sentences = errors
    .slice(0, maxInDetail)
    .map(({ part, field, message }) => `the ${part} ${field || 'body'} ${message}`)
  const more = errors.length - sentences.length
  const detail = `${sentences.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  return problem('validation_failed', detail.replace(/^t/, 'T'), {
    errors: errors.map(({ field, message }) => ({ field, message })),
    cause,
  })
}

const partNames: Readonly<Record<Part, string>> = {
  params: 'path',
  querystring: 'query parameter',
  headers: 'header',
  body: 'field',
}

/** The field of a validation error, spelled as the caller sent it: `skus[3]` in a body, `sku[foo]` in a query. */
function fieldError(error: FastifySchemaValidationError, context: string | undefined): FieldError {
  const partName = partNames[(context ?? 'body') as Part]
  const { missingProperty, additionalProperty, allowedValues } = error.params
  const last = missingProperty ?? additionalProperty
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  if (typeof last === 'string') path.push(last)
  const [first = '', ...rest] = path
  const field = rest.reduce(
    (name, part) => (context === 'body' && !/^\d+$/.test(part) ? `${name}.${part}` : `${name}[${part}]`),
    first,
  )
  if (error.keyword === 'additionalProperties') return { part: partName, field, message: 'is not recognized' }
  if (error.keyword === 'required') return { part: partName, field, message: 'is required' }
  const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''
  return { part: partName, field, message: `${error.message ?? 'is not valid'}${allowed}` }
}

const unescapePointer = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = toProblem(error, request)
  // A problem without a cause is logged with its request, by code: a flood of rejections must not flood the log.
  if (answer.problem === 'internal_error') request.log.error({ err: answer }, answer.message)
  // Refused credentials are logged once, when they begin to be refused.
  else if (answer.problem === 'upstream_auth_failed') request.log.debug({ err: answer }, answer.message)
  else if (answer.statusCode >= 500 && answer.cause !== undefined) request.log.warn({ err: answer }, answer.message)
  reply.problem = answer.problem
  const { retryAfter, allow } = answer.extras
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (allow) reply.header('allow', allow.join(', '))
  // RFC 9110, 15.5.2.
  if (answer.problem === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="trackstar-bff"')
  return reply
    .code(answer.statusCode)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(problemBody(answer, request.id, request.problemsUrl))
}

export interface ProblemOptions {
  /** Where callers find the service; undefined if that is unknown. */
  readonly publicUrl?: string | undefined
}

/**
 * Where the page of the problem codes is. Without `publicUrl` it is relative to the request target: a proxy may have
 * stripped a prefix from it, which an absolute path would lose.
 */
export function problemsUrl(target: string, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return `${publicUrl}/docs/problems`
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1)
  return `${'../'.repeat(Math.max(0, path.split('/').length - 2))}docs/problems`
}

/** Answers every error as `application/problem+json` (RFC 9457), including Fastify's own. */
export default fastifyPlugin<ProblemOptions>(
  async (app: FastifyInstance, { publicUrl }) => {
    app.addSchema(ProblemBody)
    app.decorateRequest('problemsUrl', {
      getter(this: FastifyRequest) {
        return problemsUrl(this.originalUrl, publicUrl)
      },
    })
    app.decorateReply('problem', null)
    app.setErrorHandler(sendProblem)
    // Only JSON bodies are accepted; any other content type is a 415.
    app.removeContentTypeParser('text/plain')
    app.setNotFoundHandler((request, reply) =>
      sendProblem(
        problem('route_not_found', `There is no route for ${request.method} ${pathOf(request.url)}`),
        request,
        reply,
      ),
    )
  },
  { name: 'problems' },
)

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the page of the problem codes is, for the `type` of a problem. */
    readonly problemsUrl: string
  }
  interface FastifyReply {
    /** The code of the problem that was sent, for logs and metrics. */
    problem: ProblemCode | null
  }
}

const pathOf = (url: string) => url.split('?', 1)[0] ?? ''
