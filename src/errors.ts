import createError from '@fastify/error'
import { type Static, Type } from 'typebox'

/**
 * Every error this service can answer with: its code on the wire, HTTP status and title. The README's table and the
 * page at `/docs/problems`, to which a problem's `type` refers, are held against this one.
 */
export const problems = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'Who asks is not known' },
  forbidden: { status: 403, title: 'Not allowed' },
  product_not_found: { status: 404, title: 'No such product' },
  inventory_item_not_found: { status: 404, title: 'No such inventory item' },
  warehouse_not_found: { status: 404, title: 'No such warehouse' },
  route_not_found: { status: 404, title: 'No such route' },
  method_not_allowed: { status: 405, title: 'The route does not know this method' },
  not_acceptable: { status: 406, title: 'None of the accepted media types can be given' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  sku_ambiguous: { status: 409, title: 'Several products share this SKU' },
  idempotency_conflict: { status: 409, title: 'The idempotency key is taken' },
  content_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The address is too long' },
  unsupported_media_type: { status: 415, title: 'The body is not JSON' },
  upstream_rejected: { status: 422, title: 'Trackstar refuses the request' },
  rate_limited: { status: 429, title: 'More is asked for than one client may' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'A fault of this service' },
  not_supported_by_integration: { status: 501, title: 'The connected warehouse system cannot do this' },
  requires_mirror: { status: 501, title: 'Only a mirrored catalog can answer this' },
  upstream_invalid_response: { status: 502, title: 'Trackstar gave an answer that cannot be what it claims' },
  upstream_auth_failed: { status: 502, title: "Trackstar refuses this service's credentials" },
  upstream_unavailable: { status: 503, title: 'Trackstar cannot be reached or is failing' },
  mirror_loading: { status: 503, title: 'The catalog is still being loaded' },
  overloaded: { status: 503, title: 'More is asked for than can be answered in time' },
  upstream_timeout: { status: 504, title: 'Trackstar did not answer in time' },
  not_cached: { status: 504, title: 'Nothing is held that would answer the request' },
} as const

export type ProblemCode = keyof typeof problems

/** One of several products that share a SKU: enough for a caller to choose by `warehouse_customer_id`. */
export interface Candidate {
  readonly product_id: string
  readonly name: string | null
  readonly warehouse_customer_id: string | null
  readonly active: boolean | null
}

/** What a problem says beside its detail, where its code calls for it. */
export interface ProblemExtras {
  /** The fields that are wrong, in the caller's own spelling. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  /** The products that share a SKU. */
  readonly candidates?: readonly Candidate[]
  /** Who refused: Trackstar itself, or the warehouse system behind it. */
  readonly origin?: 'trackstar' | 'integration'
  /** Whole seconds after which asking again makes sense; also the `Retry-After` header. */
  readonly retryAfter?: number
  /** The methods that a route knows; becomes the `Allow` header. */
  readonly allow?: readonly string[]
}

/** An error on its way to the caller. `message` becomes the problem's `detail`: never a secret, a path or a stack. */
export interface Problem extends Error {
  readonly problem: ProblemCode
  readonly statusCode: number
  readonly extras: ProblemExtras
}

/** Without a stack: a problem is an answer, and where one is a fault its cause has the stack. */
const constructors = new Map(
  Object.entries(problems).map(([code, { status }]) => [code, createError(code, '%s', status, Error, false)] as const),
)

/** Makes the error of `code`. `detail` says what was expected and what was got; `cause` is for the log alone. */
export function problem(code: ProblemCode, detail: string, extras: ProblemExtras & { cause?: unknown } = {}): Problem {
  const { cause, ...rest } = extras
  const Constructor = constructors.get(code)
  if (Constructor === undefined) throw new TypeError(`no problem has the code ${code}`)
  return Object.assign(new Constructor(detail, { cause }), {
    problem: code,
    statusCode: problems[code].status,
    extras: rest,
  })
}

/** Whether `error` is one of ours, and of `code` where one is named. */
export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  return error instanceof Error && 'problem' in error && (code === undefined || error.problem === code)
}

const textOrNull = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })

/** The body of every error: RFC 9457, and what the code needs beside it. */
export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained, relative to the address of this service' }),
    title: Type.String({ description: 'The code in words' }),
    status: Type.Integer({ description: 'The HTTP status' }),
    detail: Type.String({ description: 'What happened in this case: what was expected and what was got' }),
    code: Type.String({
      description: 'What happened, for programs. More may come: of one that you do not know, go by `status`',
    }),
    request_id: Type.String({ description: 'Finds the request in the logs; also the `X-Request-Id` header' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object(
          {
            field: Type.String({ description: "The field or parameter, in the caller's own spelling" }),
            message: Type.String({ description: 'What was expected of it' }),
          },
          { title: 'FieldError', description: 'One field that is wrong' },
        ),
        {
          description: 'validation_failed: the fields that are wrong',
        },
      ),
    ),
    candidates: Type.Optional(
      Type.Array(
        Type.Object(
          {
            product_id: Type.String({ description: "Trackstar's id of the product" }),
            name: textOrNull('Name of the product'),
            warehouse_customer_id: textOrNull('The merchant; ask again with it as `warehouse_customer_id`'),
            active: Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description: 'Whether it is active' }),
          },
          { title: 'Candidate', description: 'One of the products that share a SKU' },
        ),
        { description: 'sku_ambiguous: the products that share the SKU' },
      ),
    ),
    origin: Type.Optional(
      Type.Unsafe<'trackstar' | 'integration'>({
        type: 'string',
        enum: ['trackstar', 'integration'],
        description: 'Who refused: Trackstar itself, or the warehouse system behind it',
      }),
    ),
    retry_after: Type.Optional(Type.Integer({ description: 'Seconds after which asking again makes sense' })),
  },
  { $id: 'Problem', description: 'Any error (RFC 9457)', additionalProperties: false },
)
export type ProblemBody = Static<typeof ProblemBody>

/** What the caller is told of `error`. */
export function problemBody({ problem: code, message, extras }: Problem, requestId: string): ProblemBody {
  const { errors, candidates, origin, retryAfter } = extras
  return {
    type: `/docs/problems#${code}`,
    title: problems[code].title,
    status: problems[code].status,
    detail: message,
    code,
    request_id: requestId,
    ...(errors && { errors: [...errors] }),
    ...(candidates && { candidates: [...candidates] }),
    ...(origin && { origin }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  }
}
