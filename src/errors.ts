import createError from '@fastify/error'
import { type Static, Type } from 'typebox'
import { enumOf, nullable } from './schema.js'

/**
 * Every error that this service returns, by its code on the wire, with its HTTP status and title. A code's title never
 * changes. The table of errors in the docs and the page at `/docs/problems` have a row for each.
 */
export const problems = {
  validation_failed: { status: 400, title: 'Invalid request' },
  connection_required: { status: 400, title: 'Connection required' },
  unauthorized: { status: 401, title: 'Missing or invalid credentials' },
  forbidden: { status: 403, title: 'Insufficient permissions' },
  product_not_found: { status: 404, title: 'Product not found' },
  inventory_item_not_found: { status: 404, title: 'Inventory item not found' },
  warehouse_not_found: { status: 404, title: 'Warehouse not found' },
  connection_not_found: { status: 404, title: 'Connection not found' },
  route_not_found: { status: 404, title: 'Route not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  not_acceptable: { status: 406, title: 'Not acceptable' },
  request_timeout: { status: 408, title: 'Request timeout' },
  sku_ambiguous: { status: 409, title: 'Ambiguous SKU' },
  idempotency_conflict: { status: 409, title: 'Idempotency key conflict' },
  content_too_large: { status: 413, title: 'Content too large' },
  uri_too_long: { status: 414, title: 'URI too long' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  misdirected_request: { status: 421, title: 'Misdirected request' },
  upstream_rejected: { status: 422, title: 'Request rejected by Trackstar' },
  rate_limited: { status: 429, title: 'Rate limit exceeded' },
  headers_too_large: { status: 431, title: 'Request header fields too large' },
  internal_error: { status: 500, title: 'Internal server error' },
  not_supported_by_integration: { status: 501, title: 'Not supported by the integration' },
  requires_mirror: { status: 501, title: 'Mirrored catalog required' },
  upstream_invalid_response: { status: 502, title: 'Invalid response from Trackstar' },
  upstream_auth_failed: { status: 502, title: 'Trackstar rejected the service credentials' },
  upstream_unavailable: { status: 503, title: 'Trackstar is unavailable' },
  mirror_loading: { status: 503, title: 'Catalog is loading' },
  overloaded: { status: 503, title: 'Service overloaded' },
  upstream_timeout: { status: 504, title: 'Trackstar timed out' },
  not_cached: { status: 504, title: 'Not in cache' },
} as const

export type ProblemCode = keyof typeof problems

/** One of several products that share a SKU, with what a caller needs to choose one by `warehouse_customer_id`. */
export const Candidate = Type.Object(
  {
    product_id: Type.String({ description: "Trackstar's id of the product" }),
    name: nullable(Type.String({ description: 'Name of the product' })),
    warehouse_customer_id: nullable(
      Type.String({ description: 'The merchant. Repeat the request with it as `warehouse_customer_id`' }),
    ),
    active: nullable(Type.Boolean({ description: 'Whether the product is active; null if Trackstar does not say' })),
  },
  { title: 'Candidate', description: 'One of the products that share a SKU' },
)
export type Candidate = Static<typeof Candidate>

/** Optional members of a problem, each used by certain codes. */
export interface ProblemExtras {
  /** The invalid fields, spelled as the caller sent them. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  /** The products that share a SKU. */
  readonly candidates?: readonly Candidate[]
  /** The connections that the caller may choose from. */
  readonly connections?: readonly string[]
  /** What rejected the request: Trackstar itself, or the warehouse system behind it. */
  readonly origin?: 'trackstar' | 'integration'
  /** Whole seconds to wait before a retry; also sent as `Retry-After`. */
  readonly retryAfter?: number
  /** The methods that the route supports; sent as `Allow`, not in the body. */
  readonly allow?: readonly string[]
}

/** An error to return to the caller. `message` becomes `detail` and must hold no secret, file path or stack trace. */
export interface Problem extends Error {
  readonly problem: ProblemCode
  readonly statusCode: number
  readonly extras: ProblemExtras
}

// Problems capture no stack trace: most are expected answers, and a cause, where there is one, has its own.
const constructors = new Map(
  Object.entries(problems).map(([code, { status }]) => [code, createError(code, '%s', status, Error, false)] as const),
)

/**
 * Creates the error for `code`.
 * @param detail what was expected and what was received, or what to do
 * @param extras members of the body beside the detail; `cause` is logged but never sent
 * @throws TypeError if there is no such code
 */
export function problem(code: ProblemCode, detail: string, extras: ProblemExtras & { cause?: unknown } = {}): Problem {
  const { cause, ...rest } = extras
  const Constructor = constructors.get(code)
  if (Constructor === undefined) throw new TypeError(`Unknown problem code: ${code}`)
  return Object.assign(new Constructor(detail, { cause }), {
    problem: code,
    statusCode: problems[code].status,
    extras: rest,
  })
}

/** Whether `error` is a {@link Problem}, and has the given code if one is given. */
export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  return error instanceof Error && 'problem' in error && (code === undefined || error.problem === code)
}

/** The body of every error: RFC 9457, plus the members that the code needs. */
export const ProblemBody = Type.Object(
  {
    type: Type.String({
      description:
        'Where the code is documented: a reference to resolve against the URL of the request, or absolute if `PUBLIC_URL` is set; `about:blank` for a request that could not be read',
    }),
    title: Type.String({ description: 'The meaning of the code; always the same for one code' }),
    status: Type.Integer({ description: 'The HTTP status' }),
    detail: Type.String({ description: 'What is wrong with this request, or what to do' }),
    code: Type.String({
      description: 'A stable, machine-readable code. New codes may be added: handle an unknown one by its `status`',
    }),
    request_id: Type.String({ description: 'Identifies the request in the logs; also sent as `X-Request-Id`' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object(
          {
            field: Type.String({ description: 'The field or parameter, spelled as the caller sent it' }),
            message: Type.String({ description: 'What is wrong with it' }),
          },
          { title: 'FieldError', description: 'One invalid field' },
        ),
        { description: 'validation_failed: the invalid fields' },
      ),
    ),
    candidates: Type.Optional(Type.Array(Candidate, { description: 'sku_ambiguous: the products that share the SKU' })),
    connections: Type.Optional(
      Type.Array(Type.String(), { description: 'connection_required: the names to choose from' }),
    ),
    origin: Type.Optional(
      enumOf(['trackstar', 'integration'], {
        description: 'What rejected the request: Trackstar itself, or the warehouse system behind it',
      }),
    ),
    retry_after: Type.Optional(Type.Integer({ description: 'Seconds to wait before a retry' })),
  },
  { $id: 'Problem', description: 'Any error (RFC 9457)', additionalProperties: false },
)
export type ProblemBody = Static<typeof ProblemBody>

/**
 * The response body for a problem.
 * @param problemsUrl where the page of the problem codes is, as seen from the request; undefined if that is unknown
 */
export function problemBody(
  { problem: code, message, extras }: Problem,
  requestId: string,
  problemsUrl: string | undefined,
): ProblemBody {
  const { errors, candidates, connections, origin, retryAfter } = extras
  return {
    type: problemsUrl === undefined ? 'about:blank' : `${problemsUrl}#${code}`,
    title: problems[code].title,
    status: problems[code].status,
    detail: message,
    code,
    request_id: requestId,
    ...(errors && { errors: [...errors] }),
    ...(candidates && { candidates: [...candidates] }),
    ...(connections && { connections: [...connections] }),
    ...(origin && { origin }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  }
}
